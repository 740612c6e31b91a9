/* What is given twice in a set, or as a key of a map. Looked for where the container ends, in the bytes that were
 * written of it: those of equal values are the same. A table holds where each element begins, 16 bytes for each at
 * most, marks included, and is gone when the container has been looked through; a small one is on the stack. */
#include "base/alloc.h"
#include "base/hash.h"
#include "transcode/inside.h"

#include <stdio.h>

enum {
    VERY_FEW = 16,   /* elements that are compared each with each, first */
    FEW = 64,        /* elements whose table is on the stack */
    SHORT_BYTES = 16 /* of an element that is hashed at once, without the key, as long as there are few */
};

struct slot {
    uint32_t tag;
    uint32_t place; /* 1 + bytes from the first element; 0: free */
};

/* A reader of what was written, from one segment to the next. */
struct walk {
    const struct gw__wire *wire;
    const struct gw__wire_segment *segment;
    struct gw__thrift_in in;
    struct gw__thrift_skip skip;
};

struct span {
    const struct gw__wire_segment *segment;
    const char *at;
    size_t size;
};

static const char *end_of(const struct gw__wire *wire, const struct gw__wire_segment *segment)
{
    return segment == wire->last ? wire->at : segment->bytes + segment->size;
}

static void walk_begin(struct walk *walk, const struct gw__encode *encode, const struct gw__encode_frame *frame)
{
    const char *items = frame->patch + 4;
    walk->wire = encode->wire;
    walk->segment = frame->segment;
    walk->in = (struct gw__thrift_in){0};
    gw__thrift_in_feed(&walk->in, items, (size_t)(end_of(walk->wire, walk->segment) - items));
}

static bool walk_on(struct walk *walk)
{
    if (walk->segment == walk->wire->last)
        return false;
    walk->segment = walk->segment->next;
    const char *begin = walk->segment->bytes;
    gw__thrift_in_feed(&walk->in, begin, (size_t)(end_of(walk->wire, walk->segment) - begin));
    return true;
}

static size_t walked(const struct walk *walk)
{
    return (size_t)(walk->in.offset - (uint64_t)(walk->in.end - walk->in.at));
}

/* Past a value of the type. */
static void pass(struct walk *walk, const struct gw__type *type)
{
    size_t left = (size_t)(walk->in.end - walk->in.at), size = type->kind < GW__LIST ? type->min_bytes : SIZE_MAX;
    if ((type->kind == GW__STRING || type->kind == GW__BINARY) && left >= size)
        size += gw__wire_get32(walk->in.at);
    if (size <= left) {
        walk->in.at += size;
        return;
    }
    gw__thrift_skip_init(&walk->skip, type->thrift);
    while (gw__thrift_skip(&walk->skip, &walk->in) == GW__WIRE_MORE)
        if (!walk_on(walk))
            return;
}

static void walk_to(struct walk *walk, size_t place)
{
    size_t rest = place - walked(walk), left;
    while (rest > (left = (size_t)(walk->in.end - walk->in.at))) {
        rest -= left;
        walk->in.at = walk->in.end;
        if (!walk_on(walk))
            return;
    }
    walk->in.at += rest;
}

static struct span take(struct walk *walk, const struct gw__type *type)
{
    while (walk->in.at == walk->in.end && walk_on(walk))
        ;
    struct span span = {walk->segment, walk->in.at, walked(walk)};
    pass(walk, type);
    span.size = walked(walk) - span.size;
    return span;
}

/* The bytes of the span that lie in its first segment; the rest becomes the span. */
static size_t next_piece(const struct gw__wire *wire, struct span *span, const char **data)
{
    while (span->at == end_of(wire, span->segment) && span->segment != wire->last) {
        span->segment = span->segment->next;
        span->at = span->segment->bytes;
    }
    size_t size = (size_t)(end_of(wire, span->segment) - span->at);
    size = size < span->size ? size : span->size;
    *data = span->at;
    span->at += size;
    span->size -= size;
    return size;
}

static bool same(const struct gw__wire *wire, struct span one, struct span other)
{
    while (one.size) {
        const char *bytes, *others;
        struct span rest = other;
        size_t size = next_piece(wire, &one, &bytes), more = next_piece(wire, &rest, &others);
        size_t count = size < more ? size : more;
        if (!count || memcmp(bytes, others, count) != 0)
            return false;
        one.at -= size - count;
        one.size += size - count;
        rest.at -= more - count;
        rest.size += more - count;
        other = rest;
    }
    return true;
}

/* Of at most SHORT_BYTES, all of which make a difference. */
static uint64_t hash_short(const char *at, size_t size)
{
    uint64_t low = 0, high = 0;
    memcpy(&low, at, size < 8 ? size : 8);
    if (size > 8)
        memcpy(&high, at + 8, size - 8);
    unsigned __int128 product = (unsigned __int128)((low ^ size) + UINT64_C(0x9e3779b97f4a7c15)) *
                                ((high ^ UINT64_C(0xd6e8feb86659fd93)) | 1);
    uint64_t hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    hash *= UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

static uint64_t hash_few(const struct gw__wire *wire, struct span span)
{
    if ((size_t)(end_of(wire, span.segment) - span.at) >= span.size)
        return hash_short(span.at, span.size);
    char bytes[SHORT_BYTES], *at = bytes;
    while (span.size) {
        const char *data;
        size_t size = next_piece(wire, &span, &data);
        if (!size)
            break;
        memcpy(at, data, size);
        at += size;
    }
    return hash_short(bytes, (size_t)(at - bytes));
}

static uint64_t hash_span(const struct gw__wire *wire, struct span span, bool few)
{
    struct gw__hash hash;
    if (few && span.size <= SHORT_BYTES)
        return hash_few(wire, span);
    gw__hash_begin(&hash);
    while (span.size) {
        const char *data;
        size_t size = next_piece(wire, &span, &data);
        if (!size)
            break;
        gw__hash_add(&hash, data, size);
    }
    return gw__hash_end(&hash);
}

/* As many bytes of it as `size` says. */
static struct span span_at(const struct gw__wire *wire, const struct gw__encode_frame *frame, uint32_t place,
                           size_t size)
{
    struct span span = {frame->segment, frame->patch + 4, place};
    const char *data;
    while (span.size && next_piece(wire, &span, &data))
        ;
    span.size = size;
    return span;
}

/* ---- marks */

static uint32_t *marks_of(struct gw__encode *encode)
{
    return encode->marks.items ? encode->marks.items : encode->marks.few;
}

static uint32_t offset_of(const struct gw__encode *encode, const char *at)
{
    return (uint32_t)(encode->gone + encode->wire->before + (size_t)(at - encode->wire->last->bytes));
}

/* By a quarter, for the sake of memory. */
static bool grow_marks(struct gw__encode *encode)
{
    struct gw__marks *marks = &encode->marks;
    size_t capacity = marks->capacity + marks->capacity / 4;
    uint32_t *items = gw__realloc(marks->items, capacity * sizeof *items);
    if (!items) {
        encode->no_memory = true;
        return false;
    }
    if (!marks->items)
        memcpy(items, marks->few, sizeof marks->few);
    marks->items = items;
    marks->capacity = capacity;
    return true;
}

void gw__encode_mark(struct gw__encode *encode, const char *at)
{
    struct gw__marks *marks = &encode->marks;
    if (encode->wire->lost || (marks->count == marks->capacity && !grow_marks(encode)))
        return;
    marks_of(encode)[marks->count++] = offset_of(encode, at);
}

/* ---- the table */

static uint64_t slot_count(const struct gw__encode_frame *frame)
{
    uint64_t count = frame->count;
    return frame->marked ? count + count / 4 : 2 * count;
}

/* The place of an equal element that is in the table, else 0 and it is there now. */
static uint32_t find_or_add(const struct gw__encode *encode, const struct gw__encode_frame *frame, struct slot *slots,
                            uint32_t place, struct span span)
{
    uint64_t count = slot_count(frame), hash = hash_span(encode->wire, span, frame->count <= FEW);
    uint32_t tag = (uint32_t)(hash >> 32);
    uint64_t at = (uint64_t)(uint32_t)hash * count >> 32;
    for (; slots[at].place; at = at + 1 < count ? at + 1 : 0)
        if (slots[at].tag == tag
            && same(encode->wire, span, span_at(encode->wire, frame, slots[at].place - 1, span.size)))
            return slots[at].place;
    slots[at] = (struct slot){tag, place + 1};
    return 0;
}

/* Which element begins there. */
static uint32_t index_of(struct gw__encode *encode, const struct gw__encode_frame *frame, uint32_t place)
{
    struct walk walk;
    uint32_t index = 0;
    const struct gw__type *type = frame->type;
    const uint32_t *marks = marks_of(encode) + frame->bits;
    if (frame->marked) {
        while (index < frame->count && marks[index] - marks[0] != place)
            index++;
        return index;
    }
    for (walk_begin(&walk, encode, frame); walked(&walk) < place && index < frame->count; index++) {
        if (type->kind == GW__MAP)
            pass(&walk, type->key);
        pass(&walk, type->value);
    }
    return index;
}

/* The frame is at the element while it is told. */
static void tell(struct gw__encode *encode, uint32_t index, struct span span, uint32_t place)
{
    struct gw__encode_frame *frame = gw__encode_top(encode), old = *frame;
    bool map = frame->type->kind == GW__MAP;
    char got[64];
    snprintf(got, sizeof got, map ? "the key of entry %u again" : "element %u again",
             (unsigned)index_of(encode, frame, place - 1));
    frame->count = index + 1;
    frame->key = (char *)(uintptr_t)span.at;
    gw__encode_wrong_as(encode, map ? "a key not given before" : "an element not given before", gw__str(got));
    *frame = old;
}

/* The element, or the entry's key, that comes next. */
static struct span next_span(struct gw__encode *encode, struct walk *walk, uint32_t index)
{
    const struct gw__encode_frame *frame = gw__encode_top(encode);
    const struct gw__type *type = frame->type;
    if (frame->marked) {
        const uint32_t *marks = marks_of(encode) + frame->bits;
        uint32_t end = index + 1 < frame->count ? marks[index + 1] : offset_of(encode, encode->wire->at);
        walk_to(walk, marks[index] - marks[0]);
        if (type->kind == GW__SET)
            return (struct span){walk->segment, walk->in.at, end - marks[index]};
        return take(walk, type->key);
    }
    struct span span = take(walk, type->kind == GW__MAP ? type->key : type->value);
    if (type->kind == GW__MAP)
        pass(walk, type->value);
    return span;
}

static void look(struct gw__encode *encode, struct slot *slots)
{
    const struct gw__encode_frame *frame = gw__encode_top(encode);
    struct walk walk;
    walk_begin(&walk, encode, frame);
    for (uint32_t i = 0; i < frame->count && !gw__encode_is_full(encode); i++) {
        const uint32_t *marks = marks_of(encode) + frame->bits;
        size_t place = frame->marked ? marks[i] - marks[0] : walked(&walk);
        struct span span = next_span(encode, &walk, i);
        uint32_t before = find_or_add(encode, frame, slots, (uint32_t)place, span);
        if (before)
            tell(encode, i, span, before);
    }
}

/* ---- a few scalars, the most common case */

static inline bool is_text(const struct gw__type *type)
{
    return type->kind == GW__STRING || type->kind == GW__BINARY;
}

/* The same for the same bytes, and seldom for others. */
static inline uint64_t mark_of(const char *at, size_t size)
{
    uint64_t first = 0, last = 0;
    if (size >= 8) {
        memcpy(&first, at, 8);
        memcpy(&last, at + size - 8, 8);
    } else if (size >= 4) {
        memcpy(&first, at, 4);
        memcpy(&last, at + size - 4, 4);
    } else {
        memcpy(&first, at, size == 1 ? 1 : 2);
    }
    return first * UINT64_C(0x9e3779b97f4a7c15) ^ last;
}

/* False: they may differ all the same. */
static bool surely_differ(const struct gw__encode *encode, const struct gw__encode_frame *frame)
{
    const struct gw__type *type = frame->type, *what = type->kind == GW__MAP ? type->key : type->value;
    const char *at = frame->patch + 4;
    uint64_t marks[VERY_FEW];
    uint32_t count = frame->count;
    if (count > VERY_FEW || frame->segment != encode->wire->last || what->kind >= GW__LIST
        || type->value->kind >= GW__LIST)
        return false;
    bool map = type->kind == GW__MAP, text = is_text(what), more_text = map && is_text(type->value);
    size_t fixed = what->min_bytes, more = map ? type->value->min_bytes : 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t size = fixed + (text ? gw__wire_get32(at) : 0);
        uint64_t mark = mark_of(at, size);
        for (uint32_t j = 0; j < i; j++)
            if (marks[j] == mark)
                return false;
        marks[i] = mark;
        at += size;
        at += more + (more_text ? gw__wire_get32(at) : 0);
    }
    return true;
}

void gw__encode_check_repeats(struct gw__encode *encode)
{
    const struct gw__encode_frame *frame = gw__encode_top(encode);
    if (frame->count < 2 || frame->errors != encode->error_count || gw__encode_is_full(encode) || encode->wire->lost
        || surely_differ(encode, frame))
        return;
    if (frame->marked && encode->marks.count != (size_t)frame->bits + frame->count)
        return; /* memory was out */
    if (frame->count <= FEW) {
        struct slot slots[2 * FEW];
        memset(slots, 0, slot_count(frame) * sizeof *slots);
        look(encode, slots);
        return;
    }
    struct slot *slots = gw__calloc(slot_count(frame), sizeof *slots);
    encode->no_memory = encode->no_memory || !slots;
    if (slots)
        look(encode, slots);
    gw__free(slots);
}
