/* The walk over encoded arguments. They were written by encode and are not doubted; that is why recursion is bounded:
 * by the depth of what encode takes, and of defaults in the IDL. */
#include "transcode/from_binary.h"

#include "base/alloc.h"

enum { KEPT_BYTES = 16 << 10 /* of a segment that is not worth freeing */ };

static void put_value(struct gw__from_binary *pass, const struct gw__type *type);

/* ---- input */

static bool next_segment(struct gw__from_binary *pass)
{
    struct gw__wire_segment *done = pass->segment;
    if (!done || !done->next)
        return false;
    pass->segment = done->next;
    if (pass->kept && done->capacity > KEPT_BYTES) {
        pass->kept->next = pass->segment;
        gw__free(done);
    } else {
        pass->kept = done;
    }
    gw__thrift_in_feed(&pass->in, pass->segment->bytes, pass->segment->size);
    return true;
}

/* At most 16 bytes; zeroes where there are none, which ends records and containers. */
static const char *take(struct gw__from_binary *pass, size_t size)
{
    static const char none[16];
    const char *bytes;
    while (!(bytes = gw__thrift_in_take(&pass->in, size)))
        if (!next_segment(pass))
            return none;
    return bytes;
}

/* ---- values */

static void put_string(struct gw__from_binary *pass, const struct gw__type *type)
{
    uint32_t left = gw__wire_get32(take(pass, 4));
    pass->writer->begin_string(pass, type, left);
    while (left) {
        size_t here = (size_t)(pass->in.end - pass->in.at), size = left < here ? left : here;
        pass->writer->string_piece(pass, type, pass->in.at, size);
        pass->in.at += size;
        left -= (uint32_t)size;
        if (left && !next_segment(pass))
            break;
    }
    pass->writer->end_string(pass, type);
}

static void put_items(struct gw__from_binary *pass, const struct gw__type *type)
{
    bool map = type->kind == GW__MAP;
    uint32_t count = gw__wire_get32(take(pass, map ? 6 : 5) + 1 + map);
    pass->writer->begin_items(pass, type, count);
    for (uint32_t i = 0; i < count && !pass->wire->lost; i++) {
        pass->is_key = map;
        if (map)
            put_value(pass, type->key);
        pass->is_key = false;
        put_value(pass, type->value);
    }
    pass->writer->end_items(pass, type);
}

static void put_record(struct gw__from_binary *pass, const struct gw__record *record)
{
    int16_t previous = 0;
    pass->is_key = false;
    pass->writer->begin_record(pass);
    while (*take(pass, 1) != GW__THRIFT_STOP && !pass->wire->lost) {
        int16_t id = (int16_t)gw__wire_get16(take(pass, 2));
        const struct gw__field *field = gw__record_by_id(record, id);
        if (!field)
            break; /* encode writes no other */
        pass->previous = previous;
        pass->id = previous = id;
        pass->writer->begin_field(pass, field->type);
        put_value(pass, field->type);
        pass->writer->end_field(pass);
    }
    pass->writer->end_record(pass);
}

static void put_value(struct gw__from_binary *pass, const struct gw__type *type)
{
    switch (type->kind) {
    case GW__STRING:
    case GW__BINARY: put_string(pass, type); break;
    case GW__LIST:
    case GW__SET:
    case GW__MAP: put_items(pass, type); break;
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: put_record(pass, type->record); break;
    default: pass->writer->scalar(pass, type, take(pass, type->min_bytes)); break;
    }
}

void gw__from_binary(struct gw__wire *plain, const struct gw__type *type, const struct gw__encoding_writer *writer,
                     struct gw__wire *wire)
{
    struct gw__from_binary pass = {.writer = writer, .wire = wire, .segment = plain->first};
    if (plain->first)
        gw__thrift_in_feed(&pass.in, plain->first->bytes, plain->first->size);
    put_value(&pass, type);
}
