/* Passes over a value by its type bytes. Every value takes a byte at least, so that no count makes it work more than
 * there are bytes. */
#include "wire/thrift.h"

enum { AT_VALUE, AT_FIELD, AT_ID, AT_LENGTH, AT_ITEMS };

/* Bytes of a value whose type says it all; 0: does not. */
static const uint8_t fixed[] = {
    [GW__THRIFT_BOOL] = 1, [GW__THRIFT_I8] = 1,  [GW__THRIFT_DOUBLE] = 8, [GW__THRIFT_I16] = 2,
    [GW__THRIFT_I32] = 4,  [GW__THRIFT_I64] = 8, [GW__THRIFT_UUID] = 16,
};

bool gw__thrift_is_type(uint8_t type)
{
    return type < sizeof fixed && (fixed[type] || (type >= GW__THRIFT_STRING && type <= GW__THRIFT_LIST));
}

void gw__thrift_skip_init(struct gw__thrift_skip *skip, uint8_t type)
{
    skip->bytes = 0;
    skip->depth = 0;
    skip->step = AT_VALUE;
    skip->type = type;
}

static bool push(struct gw__thrift_skip *skip, uint8_t first, uint8_t second, uint64_t left)
{
    if (skip->depth == GW__THRIFT_DEPTH)
        return false;
    skip->frames[skip->depth++] = (struct gw__thrift_skip_frame){.types = {first, second}, .left = left};
    return true;
}

static bool begin_value(struct gw__thrift_skip *skip)
{
    uint8_t type = skip->type;
    if (!gw__thrift_is_type(type))
        return false;
    skip->type = 0;
    skip->bytes = fixed[type];
    if (type == GW__THRIFT_STRUCT)
        return push(skip, 0, 0, 0);
    if (type == GW__THRIFT_STRING) {
        skip->step = AT_LENGTH;
    } else if (!fixed[type]) {
        skip->type = type;
        skip->step = AT_ITEMS;
    }
    return true;
}

/* A field, or what comes next in a container. */
static void begin_next(struct gw__thrift_skip *skip)
{
    struct gw__thrift_skip_frame *frame = &skip->frames[skip->depth - 1];
    if (!frame->types[0]) {
        skip->step = AT_FIELD;
        return;
    }
    if (!frame->left) {
        skip->depth--;
        return;
    }
    frame->left--;
    skip->type = frame->types[frame->second];
    frame->second = !frame->second;
}

static bool take_length(struct gw__thrift_skip *skip, const struct gw__thrift_in *in, const char *bytes)
{
    uint32_t size;
    bool more, good = gw__thrift_in_length(in, bytes, &size, &more);
    skip->bytes = size;
    skip->step = more ? AT_LENGTH : AT_VALUE;
    return good;
}

static bool take_items(struct gw__thrift_skip *skip, const char *bytes)
{
    bool map = skip->type == GW__THRIFT_MAP;
    uint8_t first = (uint8_t)bytes[0], second = map ? (uint8_t)bytes[1] : first;
    uint64_t count = gw__wire_get32(bytes + 1 + map);
    skip->type = 0;
    skip->step = AT_VALUE;
    if (count > INT32_MAX)
        return false;
    if (!count)
        return true;
    if (!gw__thrift_is_type(first) || !gw__thrift_is_type(second))
        return false;
    if (fixed[first] && fixed[second]) {
        skip->bytes = map ? count * (fixed[first] + fixed[second]) : count * fixed[first];
        return true;
    }
    return push(skip, first, second, map ? 2 * count : count);
}

static bool take_field(struct gw__thrift_skip *skip, const char *bytes)
{
    skip->type = (uint8_t)*bytes;
    skip->step = skip->type ? AT_ID : AT_VALUE;
    skip->depth -= !skip->type;
    return !skip->type || gw__thrift_is_type(skip->type);
}

static bool take(struct gw__thrift_skip *skip, const struct gw__thrift_in *in, const char *bytes)
{
    switch (skip->step) {
    case AT_FIELD: return take_field(skip, bytes);
    case AT_LENGTH: return take_length(skip, in, bytes);
    case AT_ITEMS: return take_items(skip, bytes);
    default: skip->step = AT_VALUE; return true; /* an id says nothing here */
    }
}

static bool pass_bytes(struct gw__thrift_skip *skip, struct gw__thrift_in *in)
{
    size_t left = (size_t)(in->end - in->at), count = skip->bytes < left ? (size_t)skip->bytes : left;
    in->at += count;
    skip->bytes -= count;
    return skip->bytes == 0;
}

enum gw__wire_status gw__thrift_skip(struct gw__thrift_skip *skip, struct gw__thrift_in *in)
{
    static const uint8_t sizes[] = {[AT_FIELD] = 1, [AT_ID] = 2, [AT_LENGTH] = 4};
    for (;;) {
        if (!pass_bytes(skip, in))
            return GW__WIRE_MORE;
        if (skip->step == AT_VALUE) {
            if (!skip->type && !skip->depth)
                return GW__WIRE_DONE;
            if (!skip->type)
                begin_next(skip);
            else if (!begin_value(skip))
                return GW__WIRE_BAD;
            continue;
        }
        size_t size = skip->step == AT_ITEMS ? (skip->type == GW__THRIFT_MAP ? 6 : 5) : sizes[skip->step];
        const char *bytes = gw__thrift_in_take(in, size);
        if (!bytes)
            return GW__WIRE_MORE;
        if (!take(skip, in, bytes))
            return GW__WIRE_BAD;
    }
}
