/* Segments: the first is small, as most calls are; later ones double up to a bound. */
#include "wire/buffer.h"

#include "base/alloc.h"

enum {
    FIRST_BYTES = 1024,     /* of the first segment */
    /* Of a segment, unless more is asked for in one piece: glibc maps what is this large by itself, so it goes back to
     * the system when it is freed, whatever stands behind it. */
    MOST_BYTES = 1 << 20,
    KEPT_BYTES = 16 << 10,  /* the largest segment that a reset keeps */
    ROOM_BYTES = 1024,      /* may be asked for beyond the limit, as not all that is asked for is used in the end */
};

static void clear(struct gw__wire *wire)
{
    *wire = (struct gw__wire){.limit_bytes = wire->limit_bytes, .segment_bytes = wire->segment_bytes};
}

void gw__wire_finish(struct gw__wire *wire)
{
    for (struct gw__wire_segment *segment = wire->first, *next; segment; segment = next) {
        next = segment->next;
        gw__free(segment);
    }
    clear(wire);
}

/* Keeps the largest segment up to KEPT_BYTES: then the next message is more likely to lie in one segment. */
void gw__wire_reset(struct gw__wire *wire)
{
    struct gw__wire_segment *kept = NULL;
    for (struct gw__wire_segment *segment = wire->first, *next; segment; segment = next) {
        next = segment->next;
        bool better = segment->capacity <= KEPT_BYTES && (!kept || segment->capacity > kept->capacity);
        gw__free(better ? kept : segment);
        kept = better ? segment : kept;
    }
    clear(wire);
    if (!kept)
        return;
    *kept = (struct gw__wire_segment){.capacity = kept->capacity};
    wire->first = wire->last = kept;
    wire->at = kept->bytes;
    wire->end = kept->bytes + kept->capacity;
}

static size_t limit_of(const struct gw__wire *wire)
{
    bool own = wire->limit_bytes && wire->limit_bytes < GW__WIRE_LIMIT_BYTES;
    return own ? wire->limit_bytes : GW__WIRE_LIMIT_BYTES;
}

static size_t settle(struct gw__wire *wire)
{
    if (!wire->last || wire->lost)
        return wire->before;
    wire->last->size = (size_t)(wire->at - wire->last->bytes);
    return wire->before + wire->last->size;
}

static bool lose(struct gw__wire *wire, bool full)
{
    if (!wire->lost && wire->last)
        settle(wire);
    wire->lost = true;
    wire->full = wire->full || full;
    wire->end = wire->at; /* so that room is asked for here */
    return false;
}

size_t gw__wire_settle(struct gw__wire *wire)
{
    size_t size = settle(wire);
    if (size > limit_of(wire))
        lose(wire, true);
    return size;
}

bool gw__wire_grow(struct gw__wire *wire, size_t size)
{
    if (wire->lost)
        return false;
    size_t limit = limit_of(wire), used = settle(wire);
    if (used > limit || size > limit - used + ROOM_BYTES)
        return lose(wire, true);
    size_t capacity = wire->last ? 2 * wire->last->capacity : FIRST_BYTES;
    size_t most = wire->segment_bytes ? wire->segment_bytes : MOST_BYTES;
    capacity = capacity < most ? capacity : most;
    capacity = capacity > size ? capacity : size;
    struct gw__wire_segment *segment = gw__malloc(sizeof *segment + capacity);
    if (!segment)
        return lose(wire, false);
    *segment = (struct gw__wire_segment){.capacity = capacity};
    *(wire->last ? &wire->last->next : &wire->first) = segment;
    wire->before = used;
    wire->last = segment;
    wire->at = segment->bytes;
    wire->end = segment->bytes + capacity;
    return true;
}

void gw__wire_shift(struct gw__wire *wire)
{
    struct gw__wire_segment *first = wire->first;
    wire->first = first->next;
    wire->before -= first->size;
    gw__free(first);
}

void gw__wire_cut(struct gw__wire *wire, struct gw__wire_segment *segment, char *at, size_t size)
{
    bool last = segment == wire->last;
    const char *end = last ? wire->at : segment->bytes + segment->size;
    memmove(at, at + size, (size_t)(end - at) - size);
    if (last) {
        wire->at -= size;
    } else {
        segment->size -= size;
        wire->before -= size;
    }
}
