/* What both sides of HTTP/1.1 share: taking a body apart, and putting a message together so that head
 * and body leave in one send. */
#ifndef GW_HTTP_MESSAGE_H
#define GW_HTTP_MESSAGE_H

#include "http/parse.h"
#include "net/conn.h"

enum gw__framing { GW__FRAMING_NONE, GW__FRAMING_LENGTH, GW__FRAMING_CHUNKED, GW__FRAMING_TRAILERS, GW__FRAMING_CLOSE };

/* Body being received. framing is NONE once it is complete. */
struct gw__body_reader {
    uint8_t framing; /* enum gw__framing */
    uint64_t left;   /* LENGTH */
    struct gw__chunked chunked;
};

enum gw__body_result { GW__BODY_MORE, GW__BODY_DATA, GW__BODY_LAST, GW__BODY_BAD };

/* A body of that length (-1 with chunked false: none for a request). */
static inline void gw__body_begin(struct gw__body_reader *reader, int64_t length, bool chunked)
{
    *reader = (struct gw__body_reader){
        .framing = chunked ? GW__FRAMING_CHUNKED : length > 0 ? GW__FRAMING_LENGTH : GW__FRAMING_NONE,
        .left = length > 0 ? (uint64_t)length : 0,
    };
}
/* Takes from *data: DATA with a piece; LAST with the last piece (may be empty), the reader is NONE
 * then and trailers are filled; MORE: what is left at *data must be shown again with more behind it. */
enum gw__body_result gw__body_next(struct gw__body_reader *reader, const char **data, const char *end,
                                   struct gw__str *piece, struct gw__raw_head *raw,
                                   const struct gw__parse_limits *limits, struct gw__fields *trailers,
                                   struct gw__arena *arena);

/* Message being sent. write_head makes the head when the first byte leaves: until then hooks may change it. */
struct gw__outgoing {
    char *(*write_head)(struct gw__outgoing *out, char *to); /* NULL: it is out already */
    const struct gw__head *head;
    size_t own_bytes; /* what write_head may add to it */
    bool chunked, no_body;
};

/* Sends head (if still to come), data and, with `last`, the end. True: blocked. */
bool gw__outgoing_send(struct gw__outgoing *out, struct gw__conn *conn, const char *data, size_t size, bool last,
                       const struct gw__fields *trailers);

/* Bytes kept from one callback to the next: an incomplete head, pipelined requests. */
struct gw__kept {
    char *data;
    size_t size, capacity;
};

bool gw__kept_append(struct gw__kept *kept, const char *data, size_t size);
/* Leaves only the last `rest` bytes; frees when empty. */
void gw__kept_leave(struct gw__kept *kept, size_t rest);

#endif
