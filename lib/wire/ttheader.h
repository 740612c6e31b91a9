/* TTHeader, the header of CloudWeGo's Kitex and Volo: a length, a sequence id and entries, each a string or a small
 * number with a string for its value. Bytes only, no I/O. */
#ifndef GW_WIRE_TTHEADER_H
#define GW_WIRE_TTHEADER_H

#include "base/str.h"
#include "wire/buffer.h"

enum {
    GW__TTHEADER_FIXED_BYTES = 14,      /* up to the header's size */
    GW__TTHEADER_MOST_BYTES = 65535 * 4, /* of what follows up to the payload */
};

/* Of the entries with numbers. */
enum gw__ttheader_number {
    GW__TTHEADER_TRANSPORT = 1,
    GW__TTHEADER_FROM_SERVICE = 3,
    GW__TTHEADER_TO_SERVICE = 6,
    GW__TTHEADER_METHOD = 9,
    GW__TTHEADER_TIMEOUT = 12, /* milliseconds, in decimal */
    GW__TTHEADER_MESSAGE_TYPE = 22,
};

/* A header being written. Zero it, and set `wire`, which must be empty. */
struct gw__ttheader_writer {
    struct gw__wire *wire;
    char *fixed, *count; /* of the block of entries that is open */
    uint16_t entries;
    uint8_t block;
    bool too_long; /* an entry, their number or the header is beyond its limit: don't send it */
};

/* protocol: 0 binary, 2 compact. */
void gw__ttheader_begin(struct gw__ttheader_writer *writer, uint32_t sequence, uint8_t protocol);
/* Entries of one kind should follow each other. The key of a string is `prefix` and `name`, the latter in the form of
 * a variable's name: upper case, with '_' for '-'. */
void gw__ttheader_put(struct gw__ttheader_writer *writer, enum gw__ttheader_number number, struct gw__str value);
void gw__ttheader_put_string(struct gw__ttheader_writer *writer, struct gw__str prefix, struct gw__str name,
                             struct gw__str value);
/* Pads it and writes the sizes. payload: bytes that follow it. Settles the wire. */
void gw__ttheader_end(struct gw__ttheader_writer *writer, uint64_t payload);

/* The entries of a header that has come: its bytes behind the fixed part. Zero it, and set at and end. */
struct gw__ttheader_walk {
    const char *at, *end;
    uint16_t left; /* entries of the block */
    uint8_t block;
};

struct gw__ttheader_entry {
    struct gw__str key; /* data is NULL: it has a number */
    uint16_t number;
    struct gw__str value;
};

/* False: there is none behind the last one. *bad is set if that is because they are malformed. */
bool gw__ttheader_next(struct gw__ttheader_walk *walk, struct gw__ttheader_entry *entry, bool *bad);

#endif
