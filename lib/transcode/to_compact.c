/* Thrift's compact protocol. The header of a bool field is written with its value, which stands in it. */
#include "transcode/from_binary.h"
#include "wire/compact.h"
#include "wire/varint.h"

enum { ID_BYTES = 3, DELTA_MOST = 15, SHORT_MOST = 14 };

static void put_header(struct gw__from_binary *pass, uint8_t type)
{
    if (!gw__wire_room(pass->wire, 1 + ID_BYTES))
        return;
    int delta = pass->id - pass->previous;
    bool near = delta > 0 && delta <= DELTA_MOST;
    *pass->wire->at++ = (char)(near ? delta << 4 | type : type);
    if (!near)
        pass->wire->at = gw__varint_put(pass->wire->at, gw__zigzag(pass->id));
}

static void begin_field(struct gw__from_binary *pass, const struct gw__type *type)
{
    pass->in_field = type->kind == GW__BOOL;
    if (!pass->in_field)
        put_header(pass, type->compact);
}

static void end_record(struct gw__from_binary *pass)
{
    gw__thrift_put_stop(pass->wire);
}

static void put_varint(struct gw__from_binary *pass, uint64_t value)
{
    if (gw__wire_room(pass->wire, GW__VARINT64_BYTES))
        pass->wire->at = gw__varint_put(pass->wire->at, value);
}

static void begin_items(struct gw__from_binary *pass, const struct gw__type *type, uint32_t count)
{
    if (!gw__wire_room(pass->wire, 1 + GW__VARINT32_BYTES))
        return;
    char *out = pass->wire->at;
    if (type->kind == GW__MAP) {
        out = gw__varint_put(out, count);
        if (count)
            *out++ = (char)(type->key->compact << 4 | type->value->compact);
    } else {
        bool few = count <= SHORT_MOST;
        *out++ = (char)((few ? count : 15) << 4 | type->value->compact);
        if (!few)
            out = gw__varint_put(out, count);
    }
    pass->wire->at = out;
}

static void put_fixed(struct gw__from_binary *pass, const char *bytes, size_t size)
{
    char *out = gw__wire_take(pass->wire, size);
    if (out)
        memcpy(out, bytes, size);
}

static void put_bool(struct gw__from_binary *pass, bool value)
{
    char byte = value ? GW__COMPACT_TRUE : GW__COMPACT_FALSE;
    if (pass->in_field)
        put_header(pass, (uint8_t)byte);
    else
        put_fixed(pass, &byte, 1);
    pass->in_field = false;
}

/* The one that has its lowest byte first. */
static void put_double(struct gw__from_binary *pass, const char *bytes)
{
    uint64_t bits = htole64(gw__wire_get64(bytes));
    char little[8];
    memcpy(little, &bits, sizeof bits);
    put_fixed(pass, little, sizeof little);
}

static void put_scalar(struct gw__from_binary *pass, const struct gw__type *type, const char *bytes)
{
    switch (type->kind) {
    case GW__BOOL: put_bool(pass, *bytes); break;
    case GW__I16: put_varint(pass, gw__zigzag((int16_t)gw__wire_get16(bytes))); break;
    case GW__I32:
    case GW__ENUM: put_varint(pass, gw__zigzag((int32_t)gw__wire_get32(bytes))); break;
    case GW__I64: put_varint(pass, gw__zigzag((int64_t)gw__wire_get64(bytes))); break;
    case GW__DOUBLE: put_double(pass, bytes); break;
    default: put_fixed(pass, bytes, type->min_bytes); break; /* i8, uuid */
    }
}

static void begin_string(struct gw__from_binary *pass, const struct gw__type *type, uint32_t size)
{
    (void)type;
    put_varint(pass, size);
}

static void put_piece(struct gw__from_binary *pass, const struct gw__type *type, const char *bytes, size_t size)
{
    (void)type;
    while (size && gw__wire_room(pass->wire, 1)) {
        size_t room = (size_t)(pass->wire->end - pass->wire->at), count = size < room ? size : room;
        memcpy(pass->wire->at, bytes, count);
        pass->wire->at += count;
        bytes += count;
        size -= count;
    }
}

static void nothing(struct gw__from_binary *pass)
{
    (void)pass;
}

static void nothing_of_type(struct gw__from_binary *pass, const struct gw__type *type)
{
    (void)pass;
    (void)type;
}

const struct gw__encoding_writer gw__compact_writer = {
    .begin_record = nothing,
    .begin_field = begin_field,
    .end_field = nothing,
    .end_record = end_record,
    .begin_items = begin_items,
    .end_items = nothing_of_type,
    .scalar = put_scalar,
    .begin_string = begin_string,
    .string_piece = put_piece,
    .end_string = nothing_of_type,
};
