/* Bytes for the wire, in segments that never move: what must be known in front and is known in the end (a count, a
 * length) is written into its place by pointer. Nothing reports a failure: look at `lost` in the end. */
#ifndef GW_WIRE_BUFFER_H
#define GW_WIRE_BUFFER_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { GW__WIRE_LIMIT_BYTES = INT32_MAX }; /* of a message: lengths are signed, of 32 bits */

struct gw__wire_segment {
    struct gw__wire_segment *next;
    size_t size, capacity; /* the last one's size is known by gw__wire_settle() */
    char bytes[];
};

/* Zero it to begin with. */
struct gw__wire {
    struct gw__wire_segment *first, *last;
    char *at, *end;     /* free room of the last segment */
    size_t before;      /* bytes in the segments before the last */
    size_t limit_bytes; /* 0: GW__WIRE_LIMIT_BYTES, which a higher one does not exceed */
    size_t segment_bytes; /* the largest segment that is not asked for in one piece; 0: as large as is good for many */
    bool lost;          /* memory was out, or more than the limit was to be written */
    bool full;          /* it was the limit */
};

void gw__wire_finish(struct gw__wire *wire);
/* Empties it for another message; a segment is kept, unless all are large. */
void gw__wire_reset(struct gw__wire *wire);
/* Sets the last segment's size and returns the sum of all. If that is over the limit, `lost` and `full` are set.
 * Unless `lost` is set the segments may be sent now. */
size_t gw__wire_settle(struct gw__wire *wire);
bool gw__wire_grow(struct gw__wire *wire, size_t size);
/* Frees the first segment, which is not the last: what it held counts for the limit no more. */
void gw__wire_shift(struct gw__wire *wire);
/* Takes that many bytes, from `at` in the segment on, out of it: what stands behind them there moves up. */
void gw__wire_cut(struct gw__wire *wire, struct gw__wire_segment *segment, char *at, size_t size);

/* Room for that many bytes in one piece at `at`. */
static inline bool gw__wire_room(struct gw__wire *wire, size_t size)
{
    return (size_t)(wire->end - wire->at) >= size || gw__wire_grow(wire, size);
}

/* That many bytes in one piece, to be written by the caller; NULL when lost. */
static inline char *gw__wire_take(struct gw__wire *wire, size_t size)
{
    if (!gw__wire_room(wire, size))
        return NULL;
    char *bytes = wire->at;
    wire->at += size;
    return bytes;
}

static inline void gw__wire_set16(char *out, uint16_t value)
{
    value = htobe16(value);
    memcpy(out, &value, sizeof value);
}

static inline void gw__wire_set32(char *out, uint32_t value)
{
    value = htobe32(value);
    memcpy(out, &value, sizeof value);
}

static inline void gw__wire_set64(char *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
}

static inline uint16_t gw__wire_get16(const char *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return be16toh(value);
}

static inline uint32_t gw__wire_get32(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return be32toh(value);
}

static inline uint64_t gw__wire_get64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return be64toh(value);
}

#endif
