/* Which frame an answer is in, by its bytes: 0x80, 0x82 and '[' begin a message without one, in the strict binary, the
 * compact and the JSON protocol. Else there are four bytes of a length, and behind it a magic number or a message; or
 * they are the length of a name, with which the old binary protocol begins. The first bytes are looked at where they
 * lie, and held only where there are too few of them. */
#include "wire/frame.h"

#include "base/alloc.h"
#include "wire/ttheader.h"
#include "wire/varint.h"

enum step { SHAPE, FIXED, HEADER, INNER, PAYLOAD, CLOSED };

enum {
    MAGIC_THEADER = 0x0FFF,
    MAGIC_TTHEADER = 0x1000,
    SHAPE_BYTES = 6, /* a length and a magic number */
    FIXED_BYTES = GW__TTHEADER_FIXED_BYTES, /* of both headers */
    ZLIB = 1,        /* the one transform there is */
    MOST_TRANSFORMS = 8,
    FIRST_CAPACITY = 512,
    KEPT_BYTES = 4096, /* a larger header's memory is not kept */
};

void gw__frame_put_length(struct gw__wire *wire, uint64_t payload)
{
    char *out = gw__wire_take(wire, GW__FRAME_LENGTH_BYTES);
    if (out)
        gw__wire_set32(out, (uint32_t)payload);
}

void gw__theader_put(struct gw__wire *wire, uint8_t protocol, bool zlib, uint32_t sequence, uint64_t payload)
{
    enum { HEADER_BYTES = 4 }; /* protocol, number of transforms, the transform, zero */
    char *out = gw__wire_take(wire, FIXED_BYTES + HEADER_BYTES);
    if (!out)
        return;
    gw__wire_set32(out, (uint32_t)(FIXED_BYTES - GW__FRAME_LENGTH_BYTES + HEADER_BYTES + payload));
    gw__wire_set16(out + 4, MAGIC_THEADER);
    gw__wire_set16(out + 6, 0);
    gw__wire_set32(out + 8, sequence);
    gw__wire_set16(out + 12, HEADER_BYTES / 4);
    out[14] = (char)protocol;
    out[15] = zlib;
    out[16] = zlib ? ZLIB : 0;
    out[17] = 0;
}

/* ---- reading ---- */

void gw__frame_reset(struct gw__frame_reader *reader)
{
    if (reader->capacity > KEPT_BYTES)
        gw__frame_finish(reader);
    *reader = (struct gw__frame_reader){.kept = reader->kept, .capacity = reader->capacity, .inflate = reader->inflate};
}

void gw__frame_finish(struct gw__frame_reader *reader)
{
    gw__free(reader->kept);
    gw__inflate_destroy(reader->inflate);
    *reader = (struct gw__frame_reader){0};
}

static enum gw__frame_event bad(struct gw__frame_reader *reader, const char *why)
{
    reader->why = why;
    reader->step = CLOSED;
    return GW__FRAME_BAD;
}

/* The next `want` bytes (16 at most) where they lie, or held; NULL: more must come. Nothing is taken off them yet. */
static const char *look(struct gw__frame_reader *reader, const char **data, const char *end, size_t want)
{
    size_t count = (size_t)(end - *data);
    if (!reader->held_size && count >= want)
        return *data;
    size_t missing = want > reader->held_size ? want - reader->held_size : 0;
    count = count < missing ? count : missing;
    if (count)
        memcpy(reader->held + reader->held_size, *data, count);
    *data += count;
    reader->held_size = (uint8_t)(reader->held_size + count);
    return count < missing ? NULL : reader->held;
}

/* Takes off bytes that were looked at; of those held the rest is a piece of the message. */
static void take(struct gw__frame_reader *reader, const char **data, size_t count)
{
    if (!reader->held_size) {
        *data += count;
    } else {
        reader->held_at = (uint8_t)count;
        if (reader->held_at == reader->held_size)
            reader->held_at = reader->held_size = 0;
    }
}

static bool begins_message(char first)
{
    return first == '\x80' || first == '\x82' || first == '[';
}

static enum gw__frame_event begin(struct gw__frame_reader *reader, enum gw__frame_shape shape, enum step step)
{
    reader->shape = (uint8_t)shape;
    reader->step = (uint8_t)step;
    return GW__FRAME_MORE;
}

static enum gw__frame_event take_shape(struct gw__frame_reader *reader, const char **data, const char *end)
{
    const char *bytes = look(reader, data, end, 1);
    if (!bytes)
        return GW__FRAME_MORE;
    reader->left = UINT64_MAX;
    if (begins_message(*bytes)) {
        take(reader, data, 0);
        return begin(reader, GW__FRAME_NONE, PAYLOAD);
    }
    if (*bytes & 0x80)
        return bad(reader, "it is no Thrift message");
    bytes = look(reader, data, end, SHAPE_BYTES);
    if (!bytes)
        return GW__FRAME_MORE;
    uint32_t magic = gw__wire_get16(bytes + 4);
    if (magic == MAGIC_THEADER || magic == MAGIC_TTHEADER)
        return begin(reader, magic == MAGIC_THEADER ? GW__FRAME_THEADER : GW__FRAME_TTHEADER, FIXED);
    bool framed = begins_message(bytes[4]) || !bytes[4];
    if (framed)
        reader->left = gw__wire_get32(bytes);
    if (reader->left < SHAPE_BYTES - GW__FRAME_LENGTH_BYTES) /* those that were looked at may be held */
        return bad(reader, "its frame is shorter than its message");
    take(reader, data, framed ? GW__FRAME_LENGTH_BYTES : 0);
    return begin(reader, framed ? GW__FRAME_LENGTH : GW__FRAME_NONE, PAYLOAD);
}

static enum gw__frame_event take_fixed(struct gw__frame_reader *reader, const char **data, const char *end)
{
    const char *bytes = look(reader, data, end, FIXED_BYTES);
    if (!bytes)
        return GW__FRAME_MORE;
    uint32_t length = gw__wire_get32(bytes);
    reader->sequence = gw__wire_get32(bytes + 8);
    reader->header = 4u * gw__wire_get16(bytes + 12);
    if (length < FIXED_BYTES - GW__FRAME_LENGTH_BYTES + reader->header || reader->header < 2)
        return bad(reader, "the sizes of its header are wrong");
    reader->left = length - (FIXED_BYTES - GW__FRAME_LENGTH_BYTES);
    take(reader, data, FIXED_BYTES);
    reader->step = HEADER;
    return GW__FRAME_MORE;
}

/* Where the header lies in one piece; NULL: more must come, or *no_memory. */
static const char *gather_header(struct gw__frame_reader *reader, const char **data, const char *end, bool *no_memory)
{
    size_t count = (size_t)(end - *data), missing = reader->header - reader->kept_size;
    if (!reader->kept_size && count >= missing) {
        *data += missing;
        return *data - missing;
    }
    count = count < missing ? count : missing;
    if (reader->kept_size + count > reader->capacity) {
        size_t wanted = 2 * (reader->kept_size + count);
        wanted = wanted > FIRST_CAPACITY ? wanted : FIRST_CAPACITY;
        char *grown = gw__realloc(reader->kept, wanted);
        *no_memory = !grown;
        if (!grown)
            return NULL;
        reader->kept = grown;
        reader->capacity = wanted;
    }
    if (count)
        memcpy(reader->kept + reader->kept_size, *data, count);
    *data += count;
    reader->kept_size += count;
    return count == missing ? reader->kept : NULL;
}

/* False: it is cut, or malformed. */
static bool take_varint(const char **at, const char *end, uint64_t *value)
{
    int count = gw__varint_get(*at, (size_t)(end - *at), GW__VARINT32_BYTES, value);
    *at += count > 0 ? count : 0;
    return count > 0;
}

/* Of THeader's header the transforms alone count: its entries mean nothing to a gateway. */
static enum gw__frame_event read_theader(struct gw__frame_reader *reader, const char *at)
{
    const char *end = at + reader->header;
    uint64_t protocol, count, transform;
    if (!take_varint(&at, end, &protocol) || !take_varint(&at, end, &count) || count > MOST_TRANSFORMS)
        return bad(reader, "its THeader is malformed");
    for (uint64_t i = 0; i < count; i++) {
        if (!take_varint(&at, end, &transform))
            return bad(reader, "its THeader is malformed");
        if (transform != ZLIB || reader->zlib)
            return bad(reader, "its THeader has a transform other than zlib, once");
        reader->zlib = true;
    }
    if (reader->zlib && !gw__inflate_begin(&reader->inflate))
        return GW__FRAME_NO_MEMORY;
    return GW__FRAME_MORE;
}

static enum gw__frame_event read_ttheader(struct gw__frame_reader *reader, const char *bytes)
{
    if (bytes[1])
        return bad(reader, "its TTHeader has transforms");
    reader->entries = (struct gw__str){bytes + 2, reader->header - 2};
    return GW__FRAME_ENTRIES;
}

static enum gw__frame_event take_header(struct gw__frame_reader *reader, const char **data, const char *end)
{
    bool no_memory = false;
    const char *bytes = gather_header(reader, data, end, &no_memory);
    if (!bytes)
        return no_memory ? GW__FRAME_NO_MEMORY : GW__FRAME_MORE;
    reader->left -= reader->header;
    reader->step = reader->shape == GW__FRAME_TTHEADER ? INNER : PAYLOAD;
    return reader->shape == GW__FRAME_TTHEADER ? read_ttheader(reader, bytes) : read_theader(reader, bytes);
}

/* The message may be framed once more within. */
static enum gw__frame_event take_inner(struct gw__frame_reader *reader, const char **data, const char *end)
{
    reader->step = PAYLOAD;
    if (reader->left <= GW__FRAME_LENGTH_BYTES)
        return GW__FRAME_MORE;
    reader->step = INNER;
    const char *bytes = look(reader, data, end, 1);
    bool framed = bytes && !begins_message(*bytes);
    if (framed)
        bytes = look(reader, data, end, GW__FRAME_LENGTH_BYTES);
    if (!bytes)
        return GW__FRAME_MORE;
    framed = framed && gw__wire_get32(bytes) == reader->left - GW__FRAME_LENGTH_BYTES;
    reader->left -= framed ? GW__FRAME_LENGTH_BYTES : 0;
    take(reader, data, framed ? GW__FRAME_LENGTH_BYTES : 0);
    reader->step = PAYLOAD;
    return GW__FRAME_MORE;
}

static enum gw__frame_event inflate_payload(struct gw__frame_reader *reader, const char **data, const char *end,
                                            struct gw__str *piece)
{
    const char *begin = *data;
    const char *until = (uint64_t)(end - begin) > reader->left ? begin + reader->left : end;
    enum gw__inflate_status status = gw__inflate_next(reader->inflate, data, until, piece);
    reader->left -= (uint64_t)(*data - begin);
    switch (status) {
    case GW__INFLATE_MORE: return reader->left ? GW__FRAME_MORE : bad(reader, "its compressed message is cut");
    case GW__INFLATE_PIECE: return GW__FRAME_PIECE;
    case GW__INFLATE_NO_MEMORY: return GW__FRAME_NO_MEMORY;
    case GW__INFLATE_BAD: return bad(reader, "its message can't be inflated");
    case GW__INFLATE_END: break;
    }
    if (reader->left)
        return bad(reader, "something stands behind its compressed message");
    reader->step = CLOSED;
    return GW__FRAME_END;
}

static enum gw__frame_event take_payload(struct gw__frame_reader *reader, const char **data, const char *end,
                                         struct gw__str *piece)
{
    if (reader->zlib)
        return inflate_payload(reader, data, end, piece);
    if (!reader->left) {
        reader->step = CLOSED;
        return GW__FRAME_END;
    }
    bool held = reader->held_size > reader->held_at;
    size_t count = held ? (size_t)(reader->held_size - reader->held_at) : (size_t)(end - *data);
    count = count < reader->left ? count : (size_t)reader->left;
    if (!count)
        return GW__FRAME_MORE;
    *piece = (struct gw__str){held ? reader->held + reader->held_at : *data, count};
    reader->left -= count;
    if (held)
        reader->held_at = (uint8_t)(reader->held_at + count);
    else
        *data += count;
    return GW__FRAME_PIECE;
}

enum gw__frame_event gw__frame_next(struct gw__frame_reader *reader, const char **data, const char *end,
                                    struct gw__str *piece)
{
    enum gw__frame_event event = GW__FRAME_MORE;
    uint8_t before;
    do {
        before = reader->step;
        switch (before) {
        case SHAPE: event = take_shape(reader, data, end); break;
        case FIXED: event = take_fixed(reader, data, end); break;
        case HEADER: event = take_header(reader, data, end); break;
        case INNER: event = take_inner(reader, data, end); break;
        case PAYLOAD: return take_payload(reader, data, end, piece);
        default: return GW__FRAME_END;
        }
    } while (event == GW__FRAME_MORE && reader->step != before);
    return event;
}

enum gw__frame_event gw__frame_id(const char *bytes, size_t count, uint64_t *size, uint32_t *id)
{
    if (count && bytes[0] & 0x80)
        return GW__FRAME_BAD;
    if (count < SHAPE_BYTES)
        return GW__FRAME_MORE;
    uint32_t magic = gw__wire_get16(bytes + 4);
    if (magic != MAGIC_THEADER && magic != MAGIC_TTHEADER)
        return GW__FRAME_BAD;
    if (count < GW__FRAME_ID_BYTES)
        return GW__FRAME_MORE;
    *size = GW__FRAME_LENGTH_BYTES + (uint64_t)gw__wire_get32(bytes);
    *id = gw__wire_get32(bytes + 8);
    return *size < FIXED_BYTES ? GW__FRAME_BAD : GW__FRAME_END;
}
