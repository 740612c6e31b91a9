/* Values of Thrift's compact protocol, which says of itself what comes. Counts and lengths stand in front, as in
 * binary. */
#include "wire/compact.h"
#include "wire/to_binary.h"
#include "wire/varint.h"

enum {
    AT_VALUE = GW__TO_BINARY_BEGIN,
    AT_NEXT,
    AT_FIELD,
    AT_ID,
    AT_LENGTH,
    AT_STRING,
    AT_COUNT,
    AT_MAP_COUNT,
    AT_MAP_TYPES,
};

static const uint8_t types[16] = {
    [GW__COMPACT_TRUE] = GW__THRIFT_BOOL,  [GW__COMPACT_FALSE] = GW__THRIFT_BOOL,   [GW__COMPACT_I8] = GW__THRIFT_I8,
    [GW__COMPACT_I16] = GW__THRIFT_I16,    [GW__COMPACT_I32] = GW__THRIFT_I32,      [GW__COMPACT_I64] = GW__THRIFT_I64,
    [GW__COMPACT_DOUBLE] = GW__THRIFT_DOUBLE, [GW__COMPACT_STRING] = GW__THRIFT_STRING,
    [GW__COMPACT_LIST] = GW__THRIFT_LIST,  [GW__COMPACT_SET] = GW__THRIFT_SET,      [GW__COMPACT_MAP] = GW__THRIFT_MAP,
    [GW__COMPACT_STRUCT] = GW__THRIFT_STRUCT, [GW__COMPACT_UUID] = GW__THRIFT_UUID,
};

static const char beyond[] = "a number is longer than its type";

/* What a step has come to. */
static enum gw__wire_status as_status(bool good)
{
    return good ? GW__WIRE_DONE : GW__WIRE_BAD;
}

/* A varint up to `most`, of at most `bytes` bytes; what is short of a whole is held. */
static enum gw__wire_status take_varint(struct gw__to_binary *pass, unsigned bytes, uint64_t most, uint64_t *value)
{
    struct gw__thrift_in *in = &pass->in;
    int taken = 0;
    if (!in->held_size) {
        taken = gw__varint_get(in->at, (size_t)(in->end - in->at), bytes, value);
        in->at += taken > 0 ? taken : 0;
    }
    while (!taken && in->at < in->end) {
        in->held[in->held_size++] = *in->at++;
        taken = gw__varint_get(in->held, in->held_size, bytes, value);
    }
    if (!taken)
        return GW__WIRE_MORE;
    in->held_size = 0;
    return as_status((taken > 0 && *value <= most) || gw__to_binary_bad(pass, beyond));
}

static enum gw__wire_status take_varint32(struct gw__to_binary *pass, uint64_t most, uint64_t *value)
{
    return take_varint(pass, GW__VARINT32_BYTES, most, value);
}

/* ---- fields */

static bool begin_field(struct gw__to_binary *pass, struct gw__to_binary_out *out, int64_t id)
{
    struct gw__to_binary_frame *frame = &pass->frames[pass->depth - 1];
    uint8_t nibble = pass->type;
    if (id < INT16_MIN || id > INT16_MAX)
        return gw__to_binary_bad(pass, "a field's id is beyond 16 bits");
    frame->id = (int16_t)id;
    pass->type = types[nibble];
    gw__to_binary_put_field(out, pass->type, frame->id);
    pass->step = AT_VALUE;
    if (pass->type != GW__THRIFT_BOOL)
        return true;
    *gw__to_binary_take(out, 1) = nibble == GW__COMPACT_TRUE;
    pass->step = AT_NEXT;
    return true;
}

static enum gw__wire_status take_field(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    const char *bytes = gw__thrift_in_take(&pass->in, 1);
    if (!bytes)
        return GW__WIRE_MORE;
    uint8_t byte = (uint8_t)*bytes;
    pass->type = byte & 15;
    pass->step = AT_ID;
    if (!byte) {
        *gw__to_binary_take(out, 1) = GW__THRIFT_STOP;
        pass->depth--;
        pass->step = AT_NEXT;
        return GW__WIRE_DONE;
    }
    if (!types[pass->type])
        return as_status(gw__to_binary_bad(pass, "a field has no type"));
    if (byte >> 4)
        return as_status(begin_field(pass, out, pass->frames[pass->depth - 1].id + (byte >> 4)));
    return GW__WIRE_DONE;
}

static enum gw__wire_status take_id(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    uint64_t bits;
    enum gw__wire_status status = take_varint32(pass, UINT16_MAX, &bits);
    return status == GW__WIRE_DONE ? as_status(begin_field(pass, out, gw__unzigzag(bits))) : status;
}

/* ---- values */

static enum gw__wire_status take_integer(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    uint64_t bits, most = pass->type == GW__THRIFT_I16 ? UINT16_MAX : UINT32_MAX;
    bool wide = pass->type == GW__THRIFT_I64;
    enum gw__wire_status status =
        wide ? take_varint(pass, GW__VARINT64_BYTES, UINT64_MAX, &bits) : take_varint32(pass, most, &bits);
    if (status != GW__WIRE_DONE)
        return status;
    gw__to_binary_put_integer(out, pass->type, gw__unzigzag(bits));
    pass->step = AT_NEXT;
    return GW__WIRE_DONE;
}

static enum gw__wire_status take_fixed(struct gw__to_binary *pass, struct gw__to_binary_out *out, size_t size)
{
    const char *bytes = gw__thrift_in_take(&pass->in, size);
    if (!bytes)
        return GW__WIRE_MORE;
    char *copy = gw__to_binary_take(out, size);
    if (pass->type == GW__THRIFT_BOOL) {
        *copy = *bytes == GW__COMPACT_TRUE;
        if ((uint8_t)*bytes > GW__COMPACT_FALSE)
            return as_status(gw__to_binary_bad(pass, "a bool is neither true nor false"));
    } else if (pass->type == GW__THRIFT_DOUBLE) { /* the one that has its lowest byte first */
        uint64_t bits;
        memcpy(&bits, bytes, sizeof bits);
        gw__wire_set64(copy, le64toh(bits));
    } else {
        memcpy(copy, bytes, size);
    }
    pass->step = AT_NEXT;
    return GW__WIRE_DONE;
}

static enum gw__wire_status take_length(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    enum gw__wire_status status = take_varint32(pass, INT32_MAX, &pass->bytes);
    if (status != GW__WIRE_DONE)
        return status;
    gw__wire_set32(gw__to_binary_take(out, 4), (uint32_t)pass->bytes);
    pass->step = AT_STRING;
    return GW__WIRE_DONE;
}

static enum gw__wire_status take_string(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    size_t left = (size_t)(pass->in.end - pass->in.at), size = pass->bytes < left ? (size_t)pass->bytes : left;
    gw__to_binary_put(out, pass->in.at, size);
    pass->in.at += size;
    pass->bytes -= size;
    if (pass->bytes)
        return GW__WIRE_MORE;
    pass->step = AT_NEXT;
    return GW__WIRE_DONE;
}

/* ---- containers */

static bool begin_items(struct gw__to_binary *pass, struct gw__to_binary_out *out, uint64_t count)
{
    pass->step = AT_NEXT;
    return gw__to_binary_begin_items(pass, out, count);
}

static enum gw__wire_status take_list(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    const char *bytes = gw__thrift_in_take(&pass->in, 1);
    if (!bytes)
        return GW__WIRE_MORE;
    uint8_t byte = (uint8_t)*bytes;
    pass->map = false;
    pass->value = types[byte & 15];
    pass->step = AT_COUNT;
    return as_status(byte >> 4 == 15 || begin_items(pass, out, byte >> 4));
}

static enum gw__wire_status take_count(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    uint64_t count;
    enum gw__wire_status status = take_varint32(pass, INT32_MAX, &count);
    return status == GW__WIRE_DONE ? as_status(begin_items(pass, out, count)) : status;
}

static enum gw__wire_status take_map_count(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    enum gw__wire_status status = take_varint32(pass, INT32_MAX, &pass->bytes);
    if (status != GW__WIRE_DONE)
        return status;
    pass->map = true;
    pass->key = pass->value = 0;
    pass->step = AT_MAP_TYPES;
    return as_status(pass->bytes || begin_items(pass, out, 0));
}

static enum gw__wire_status take_map_types(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    const char *bytes = gw__thrift_in_take(&pass->in, 1);
    if (!bytes)
        return GW__WIRE_MORE;
    pass->key = types[(uint8_t)*bytes >> 4];
    pass->value = types[*bytes & 15];
    return as_status(begin_items(pass, out, pass->bytes));
}

/* ---- the pass */

static enum gw__wire_status take_value(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    switch (pass->type) {
    case GW__THRIFT_I16:
    case GW__THRIFT_I32:
    case GW__THRIFT_I64: return take_integer(pass, out);
    case GW__THRIFT_DOUBLE: return take_fixed(pass, out, 8);
    case GW__THRIFT_UUID: return take_fixed(pass, out, 16);
    case GW__THRIFT_STRING: pass->step = AT_LENGTH; return GW__WIRE_DONE;
    case GW__THRIFT_MAP: pass->step = AT_MAP_COUNT; return GW__WIRE_DONE;
    case GW__THRIFT_LIST:
    case GW__THRIFT_SET: return take_list(pass, out);
    case GW__THRIFT_STRUCT: pass->step = AT_NEXT; return as_status(gw__to_binary_begin_struct(pass));
    default: return take_fixed(pass, out, 1);
    }
}

static void begin_next(struct gw__to_binary *pass)
{
    if (!pass->depth) {
        pass->step = GW__TO_BINARY_END;
        return;
    }
    struct gw__to_binary_frame *frame = &pass->frames[pass->depth - 1];
    if (!frame->types[0]) {
        pass->step = AT_FIELD;
        return;
    }
    if (!frame->left) {
        pass->depth--;
        return;
    }
    frame->left--;
    pass->type = frame->types[frame->second];
    frame->second = !frame->second;
    pass->step = AT_VALUE;
}

enum gw__wire_status gw__from_compact_step(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    switch (pass->step) {
    case AT_NEXT: begin_next(pass); return GW__WIRE_DONE;
    case AT_FIELD: return take_field(pass, out);
    case AT_ID: return take_id(pass, out);
    case AT_LENGTH: return take_length(pass, out);
    case AT_STRING: return take_string(pass, out);
    case AT_COUNT: return take_count(pass, out);
    case AT_MAP_COUNT: return take_map_count(pass, out);
    case AT_MAP_TYPES: return take_map_types(pass, out);
    default: return take_value(pass, out);
    }
}
