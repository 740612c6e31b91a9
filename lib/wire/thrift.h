/* Values in Thrift's binary protocol: bytes only, no I/O, no schema. What is read may come in pieces, cut anywhere,
 * from anyone: a length or count that is negative, a type that is none and nesting beyond the limit are errors;
 * nothing is allocated. */
#ifndef GW_WIRE_THRIFT_H
#define GW_WIRE_THRIFT_H

#include "wire/message.h"

enum gw__thrift_type {
    GW__THRIFT_STOP = 0,
    GW__THRIFT_BOOL = 2,
    GW__THRIFT_I8 = 3,
    GW__THRIFT_DOUBLE = 4,
    GW__THRIFT_I16 = 6,
    GW__THRIFT_I32 = 8,
    GW__THRIFT_I64 = 10,
    GW__THRIFT_STRING = 11,
    GW__THRIFT_STRUCT = 12,
    GW__THRIFT_MAP = 13,
    GW__THRIFT_SET = 14,
    GW__THRIFT_LIST = 15,
    GW__THRIFT_UUID = 16,
};

enum { GW__THRIFT_DEPTH = 64 };

static inline void gw__thrift_put_stop(struct gw__wire *wire)
{
    char *out = gw__wire_take(wire, 1);
    if (out)
        *out = 0;
}

static inline void gw__thrift_put_field(struct gw__wire *wire, uint8_t type, int32_t id)
{
    char *out = gw__wire_take(wire, 3);
    if (!out)
        return;
    *out = (char)type;
    gw__wire_set16(out + 1, (uint16_t)id);
}

/* Types and count of a list, set (key is 0) or map; returns where the count stands, NULL when lost. */
static inline char *gw__thrift_put_items(struct gw__wire *wire, uint8_t key, uint8_t value, uint32_t count)
{
    char *out = gw__wire_take(wire, key ? 6 : 5);
    if (!out)
        return NULL;
    if (key)
        *out++ = (char)key;
    *out = (char)value;
    gw__wire_set32(out + 1, count);
    return out + 1;
}

/* The integer types, bool among them, by their bytes: 1, 2, 4 or 8. */
void gw__thrift_put_integer(struct gw__wire *wire, unsigned bytes, int64_t value);
void gw__thrift_put_double(struct gw__wire *wire, double value);
/* In one piece, whose text begins 4 bytes behind the pointer returned; NULL when lost. */
char *gw__thrift_put_string(struct gw__wire *wire, const char *data, size_t size);

/* Input in pieces: what is short of a whole is held until the rest comes. */
struct gw__thrift_in {
    const char *at, *end;
    bool chunked;    /* what gw__to_binary makes of JSON: strings may come in chunks */
    uint64_t offset; /* of `end` from the beginning */
    uint8_t held_size;
    char held[16];
};

static inline void gw__thrift_in_feed(struct gw__thrift_in *in, const char *data, size_t size)
{
    in->at = data;
    in->end = size ? data + size : data;
    in->offset += size;
}

/* Where strings are chunked: set in the length of one that another follows. */
#define GW__THRIFT_CHUNK 0x80000000u

/* The length of a string, from its 4 bytes, and whether another chunk of it follows; false if it is negative. */
static inline bool gw__thrift_in_length(const struct gw__thrift_in *in, const char *bytes, uint32_t *size, bool *more)
{
    uint32_t length = gw__wire_get32(bytes);
    *size = length & INT32_MAX;
    *more = in->chunked && length & GW__THRIFT_CHUNK;
    return in->chunked || length <= INT32_MAX;
}

const char *gw__thrift_in_gather(struct gw__thrift_in *in, size_t size);

/* The next bytes, 16 at most, valid until the next call; NULL: more must come, then ask for the same again. */
static inline const char *gw__thrift_in_take(struct gw__thrift_in *in, size_t size)
{
    if (in->held_size || (size_t)(in->end - in->at) < size)
        return gw__thrift_in_gather(in, size);
    const char *bytes = in->at;
    in->at += size;
    return bytes;
}

/* Passes over values of any type. */
struct gw__thrift_skip {
    uint64_t bytes; /* to pass over unseen */
    uint8_t type;   /* of the value that comes next; 0: what the frames say */
    uint8_t step, depth;
    struct gw__thrift_skip_frame {
        uint8_t types[2]; /* of what comes in turn; 0: a struct's fields */
        bool second;
        uint64_t left;
    } frames[GW__THRIFT_DEPTH];
};

bool gw__thrift_is_type(uint8_t type); /* one that a value may have */

void gw__thrift_skip_init(struct gw__thrift_skip *skip, uint8_t type);
enum gw__wire_status gw__thrift_skip(struct gw__thrift_skip *skip, struct gw__thrift_in *in);

#endif
