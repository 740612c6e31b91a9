/* Values of Thrift's compact and JSON protocols to the same in binary, pushed in pieces cut anywhere and handed on in
 * pieces: whoever reads binary reads them all. It needs no schema: of a string in JSON that stands for bytes the text,
 * which is base64, is handed on.
 *
 * From compact comes what a binary writer would have written. From JSON, where a string's length is not known in front,
 * a string may come in several chunks: a length whose first bit is set, and so many bytes, and another length
 * (`chunked` of gw__thrift_in). Besides the memory of the JSON reader nothing is allocated. */
#ifndef GW_WIRE_TO_BINARY_H
#define GW_WIRE_TO_BINARY_H

#include "json/reader.h"
#include "wire/thrift.h"

enum { GW__TO_BINARY_DEPTH = 2 * GW__THRIFT_DEPTH + 2 /* no less than decode and, in it, what skips have */ };

struct gw__to_binary_frame {
    uint8_t types[2]; /* of what comes in turn; 0: a struct's fields */
    bool second; /* the second of them comes next */
    bool map;
    int16_t id;       /* struct in compact: the last field's */
    uint64_t left;    /* container: values to come; of a map, keys and values */
};

/* Read `why` and `no_memory`; the rest is for to_binary.c and the files of the two protocols. */
struct gw__to_binary {
    const char *why; /* of BAD: what is wrong, NULL if it was the sink */
    bool no_memory;
    bool in_message;
    bool whole; /* the sink has all it wants */
    bool map; /* of the container that is being begun */
    uint8_t encoding, step, type; /* type: of the value that comes next */
    uint8_t key, value;           /* of a container that is being begun: its types */
    unsigned depth;
    uint64_t bytes; /* of a string to come */
    struct gw__to_binary_frame frames[GW__TO_BINARY_DEPTH];
    struct gw__thrift_in in; /* compact */
    struct gw__json json;
};

/* Takes bytes of binary; what it returns other than MORE ends the pass. */
struct gw__to_binary_sink {
    enum gw__wire_status (*take)(void *user, const char *bytes, size_t size);
    void *user;
};

/* type: of the value, a type byte of binary. in_message: JSON: the bracket that closes the message belongs to it. */
void gw__to_binary_init(struct gw__to_binary *pass, uint8_t encoding, uint8_t type, bool in_message);
void gw__to_binary_finish(struct gw__to_binary *pass);

/* The next bytes. DONE: the first *taken of them belonged to the value, and the sink has all of it. BAD: it is wrong,
 * or the sink returned BAD. */
enum gw__wire_status gw__to_binary_feed(struct gw__to_binary *pass, const char *data, size_t size, size_t *taken,
                                        const struct gw__to_binary_sink *sink);

/* The rest is for the two protocols. */

enum { GW__TO_BINARY_BEGIN, GW__TO_BINARY_END = 0xff /* steps of both */ };

enum { GW__TO_BINARY_ROOM = 2048 };

/* What has not been handed on. */
struct gw__to_binary_out {
    const struct gw__to_binary_sink *sink;
    enum gw__wire_status status; /* MORE, or what the sink returned */
    size_t size;
    char bytes[GW__TO_BINARY_ROOM];
};

void gw__to_binary_flush(struct gw__to_binary_out *out);
/* Room for that many bytes, all taken. */
char *gw__to_binary_take(struct gw__to_binary_out *out, size_t size);
void gw__to_binary_put(struct gw__to_binary_out *out, const char *bytes, size_t size);
void gw__to_binary_put_field(struct gw__to_binary_out *out, uint8_t type, int16_t id);
/* An integer type of Thrift. */
void gw__to_binary_put_integer(struct gw__to_binary_out *out, uint8_t type, int64_t value);
/* What the pass has learnt of the container: its types and count, and a frame for it. */
bool gw__to_binary_begin_items(struct gw__to_binary *pass, struct gw__to_binary_out *out, uint64_t count);
bool gw__to_binary_begin_struct(struct gw__to_binary *pass);
bool gw__to_binary_bad(struct gw__to_binary *pass, const char *why);

/* MORE: the input is used up. DONE: go on. BAD: `why`. */
enum gw__wire_status gw__from_compact_step(struct gw__to_binary *pass, struct gw__to_binary_out *out);
enum gw__wire_status gw__from_json_step(struct gw__to_binary *pass, struct gw__to_binary_out *out);

#endif
