/* HTTP/1.x heads and chunked bodies from bytes (RFC 9112), strictly: what could be framed differently
 * elsewhere is refused. A head is parsed where it was received, into offsets, then copied once. */
#ifndef GW_HTTP_PARSE_H
#define GW_HTTP_PARSE_H

#include "http/head.h"

struct gw__parse_limits {
    uint32_t line_bytes; /* start line: 414 (request) */
    uint32_t head_bytes; /* whole head: 431; at most 64 KiB - 1 */
    uint16_t fields;     /* 431; at most GW__MAX_FIELDS */
};

struct gw__raw_field {
    uint32_t name, value; /* offsets from the head's first byte */
    uint32_t value_size;  /* without blanks around it */
    uint16_t name_size;
    uint8_t id;
    bool hop;
};

/* A parsed head as offsets; one per worker serves all connections. */
struct gw__raw_head {
    uint32_t size; /* of the head, the empty lines before and the one after it included */
    uint32_t method, method_size, target, target_size, reason, reason_size;
    uint16_t status, count;
    uint32_t ids; /* a bit for each that fields have */
    uint8_t method_id, minor;
    bool chunked, keep_alive, expect_continue;
    int64_t content_length; /* -1: no Content-Length */
    struct gw__raw_field fields[GW__MAX_FIELDS];
};

enum gw__parse_result { GW__PARSE_OK, GW__PARSE_MORE, GW__PARSE_BAD };

struct gw__parse_error {
    int status;         /* to answer: 400, 414, 417, 431, 501, 503, 505; for a response 502 */
    const char *reason; /* static sentence */
};

enum gw__method_id gw__method_id(const char *name, size_t size);

/* Parses a whole head at data; MORE if its end is not there yet (but what is there is looked at for what makes it
 * bad or too large). A request must have exactly one Host (HTTP/1.1), a valid one; framing is settled: CL
 * or chunked, never both, CL once, Transfer-Encoding "chunked" and nothing else, not in HTTP/1.0. Up to two empty
 * lines (CRLF) before a request line are skipped. A response with status 1xx, 204 or 304 has no body whatever it says
 * (chunked false; content_length 0, but a 304's, which is what a 200 would have). Of the target only its end is known
 * yet: gw__head_from_request() looks into it.
 *
 * .hop is set for Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, Content-Length and
 * Expect (the codec writes framing and expectations itself), and for what Connection names. It can't name fields
 * that are for all recipients or that we or the upstream decide by (RFC 9110 section 7.6.1): Host, Content-*,
 * Cache-Control, Authorization, Cookie, Set-Cookie, Via, Forwarded, X-Forwarded-*, Date, Max-Forwards, Location,
 * Origin, Range. More than 32 names are refused. */
enum gw__parse_result gw__parse_request(const char *data, size_t size, const struct gw__parse_limits *limits,
                                        struct gw__raw_head *out, struct gw__parse_error *error);
enum gw__parse_result gw__parse_response(const char *data, size_t size, const struct gw__parse_limits *limits,
                                         struct gw__raw_head *out, struct gw__parse_error *error);

/* Whether a head of which `seen` bytes were parsed in vain is worth it again: another line has ended, or enough came
 * for the limits to be looked at. So what comes by the byte is not parsed for each. */
bool gw__parse_again(const char *data, size_t size, size_t seen, const struct gw__parse_limits *limits);

/* The same parser without SSE2, whatever the machine; for the test that compares the two. */
enum gw__parse_result gw__parse_request_scalar(const char *data, size_t size, const struct gw__parse_limits *limits,
                                               struct gw__raw_head *out, struct gw__parse_error *error);
enum gw__parse_result gw__parse_response_scalar(const char *data, size_t size, const struct gw__parse_limits *limits,
                                                struct gw__raw_head *out, struct gw__parse_error *error);

/* Copies a parsed head into an arena, with room for `spare` more fields; *head is zeroed to begin with. The target of a
 * request is taken apart (origin, absolute, asterisk form; CONNECT's authority form is 501) and its path normalised:
 * see http/uri.h. The authority of an absolute form becomes head->host and the value of the Host field. Returns
 * GW__PARSE_OK, or _BAD with error (503 "out of memory" where the arena is out). */
enum gw__parse_result gw__head_from_request(struct gw__head *head, const struct gw__raw_head *raw, const char *data,
                                            struct gw__arena *arena, unsigned spare, bool merge_slashes,
                                            struct gw__parse_error *error);
/* What can be told of a request that is refused, for its log, and since an answer to HEAD has no body: the method if
 * `data` begins with one, the target if it is a valid one in a line that has ended and is not too long. */
void gw__head_from_refused(struct gw__head *head, struct gw__str data, size_t line_bytes, bool merge_slashes,
                           struct gw__arena *arena);
bool gw__head_from_response(struct gw__head *head, const struct gw__raw_head *raw, const char *data,
                            struct gw__arena *arena, unsigned spare);

/* Chunked decoder (RFC 9112 section 7.1). Zero it to begin with. */
struct gw__chunked {
    uint64_t left;       /* of the chunk's data */
    uint32_t line_bytes; /* of the size line so far */
    uint8_t state;
    uint8_t digits;
};

enum gw__chunked_result { GW__CHUNKED_MORE, GW__CHUNKED_DATA, GW__CHUNKED_TRAILERS, GW__CHUNKED_END, GW__CHUNKED_BAD };

/* Takes bytes from *data (moves it forward) up to the next event:
 * DATA: *piece is some of the body, within the input;
 * TRAILERS: the last chunk was read; the trailer section follows: give its bytes to gw__parse_trailers();
 * MORE: all taken; END is never returned by it, BAD: refuse.
 * Chunk extensions are skipped if well-formed (no blanks but within quotes), up to 4 KiB a line. Lines end with CRLF
 * only; sizes have up to 16 digits. */
enum gw__chunked_result gw__chunked_next(struct gw__chunked *decoder, const char **data, const char *end,
                                         struct gw__str *piece);
/* Parses the trailer section at data (its first line on; "\r\n" alone is the empty one), into raw->fields, raw->count
 * and raw->size. Framing, routing and hop-by-hop names in it (RFC 9110 section 6.5.1) get .hop = true. */
enum gw__parse_result gw__parse_trailers(const char *data, size_t size, const struct gw__parse_limits *limits,
                                         struct gw__raw_head *raw, struct gw__parse_error *error);
/* Copies the trailer fields without .hop to an arena. False when out of memory. */
bool gw__fields_from_trailers(struct gw__fields *fields, const struct gw__raw_head *raw, const char *data,
                              struct gw__arena *arena);

#endif
