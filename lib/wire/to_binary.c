/* What both protocols share: output, frames, and the loop. Each step takes a byte or ends a container that took some,
 * so that a count costs nothing that was not sent. */
#include "wire/to_binary.h"

void gw__to_binary_init(struct gw__to_binary *pass, uint8_t encoding, uint8_t type, bool in_message)
{
    memset(pass, 0, offsetof(struct gw__to_binary, frames));
    memset(&pass->in, 0, sizeof pass->in);
    pass->encoding = encoding;
    pass->type = type;
    pass->in_message = in_message;
    if (encoding == GW__ENCODING_JSON) {
        gw__json_init(&pass->json, GW__JSON_DEPTH_MAX);
        pass->json.controls = true; /* the servers of several languages escape none of them, or some */
        pass->json.words = true; /* Python's write doubles that no number is without quotes */
    }
}

void gw__to_binary_finish(struct gw__to_binary *pass)
{
    pass->step = GW__TO_BINARY_END;
    if (pass->encoding == GW__ENCODING_JSON)
        gw__json_finish(&pass->json);
}

bool gw__to_binary_bad(struct gw__to_binary *pass, const char *why)
{
    pass->why = why;
    return false;
}

/* ---- output */

static void hand_on(struct gw__to_binary_out *out, const char *bytes, size_t size)
{
    if (size && out->status == GW__WIRE_MORE)
        out->status = out->sink->take(out->sink->user, bytes, size);
}

void gw__to_binary_flush(struct gw__to_binary_out *out)
{
    hand_on(out, out->bytes, out->size);
    out->size = 0;
}

char *gw__to_binary_take(struct gw__to_binary_out *out, size_t size)
{
    if (sizeof out->bytes - out->size < size)
        gw__to_binary_flush(out);
    char *bytes = out->bytes + out->size;
    out->size += size;
    return bytes;
}

/* Bytes that are many are not copied. */
void gw__to_binary_put(struct gw__to_binary_out *out, const char *bytes, size_t size)
{
    if (size <= sizeof out->bytes / 4) {
        char *copy = gw__to_binary_take(out, size);
        if (size)
            memcpy(copy, bytes, size);
        return;
    }
    gw__to_binary_flush(out);
    hand_on(out, bytes, size);
}

void gw__to_binary_put_field(struct gw__to_binary_out *out, uint8_t type, int16_t id)
{
    char *bytes = gw__to_binary_take(out, 3);
    *bytes = (char)type;
    gw__wire_set16(bytes + 1, (uint16_t)id);
}

void gw__to_binary_put_integer(struct gw__to_binary_out *out, uint8_t type, int64_t value)
{
    switch (type) {
    case GW__THRIFT_I16: gw__wire_set16(gw__to_binary_take(out, 2), (uint16_t)value); break;
    case GW__THRIFT_I32: gw__wire_set32(gw__to_binary_take(out, 4), (uint32_t)value); break;
    case GW__THRIFT_I64: gw__wire_set64(gw__to_binary_take(out, 8), (uint64_t)value); break;
    default: *gw__to_binary_take(out, 1) = (char)value; break;
    }
}

/* ---- frames */

static bool push(struct gw__to_binary *pass, const struct gw__to_binary_frame *frame)
{
    if (pass->depth == GW__TO_BINARY_DEPTH)
        return gw__to_binary_bad(pass, "nesting is too deep");
    pass->frames[pass->depth++] = *frame;
    return true;
}

bool gw__to_binary_begin_struct(struct gw__to_binary *pass)
{
    return push(pass, &(struct gw__to_binary_frame){0});
}

bool gw__to_binary_begin_items(struct gw__to_binary *pass, struct gw__to_binary_out *out, uint64_t count)
{
    bool map = pass->map;
    if (count > INT32_MAX)
        return gw__to_binary_bad(pass, "a container's size is beyond 31 bits");
    if (count && ((map && !gw__thrift_is_type(pass->key)) || !gw__thrift_is_type(pass->value)))
        return gw__to_binary_bad(pass, "a container's values have no type");
    char *bytes = gw__to_binary_take(out, map ? 6 : 5);
    if (map)
        *bytes++ = (char)pass->key;
    *bytes = (char)pass->value;
    gw__wire_set32(bytes + 1, (uint32_t)count);
    /* A type of an empty one may be none, but that of a frame says what it is. */
    uint8_t first = map ? pass->key : pass->value;
    struct gw__to_binary_frame frame = {
        .types = {first ? first : GW__THRIFT_BOOL, pass->value}, .left = map ? 2 * count : count};
    return push(pass, &frame);
}

/* ---- the pass */

static enum gw__wire_status run(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    bool json = pass->encoding == GW__ENCODING_JSON;
    enum gw__wire_status status = GW__WIRE_DONE;
    while (status == GW__WIRE_DONE && pass->step != GW__TO_BINARY_END && out->status != GW__WIRE_BAD)
        status = json ? gw__from_json_step(pass, out) : gw__from_compact_step(pass, out);
    gw__to_binary_flush(out);
    return status;
}

enum gw__wire_status gw__to_binary_feed(struct gw__to_binary *pass, const char *data, size_t size, size_t *taken,
                                        const struct gw__to_binary_sink *sink)
{
    struct gw__to_binary_out out;
    out.sink = sink;
    out.status = pass->whole ? GW__WIRE_DONE : GW__WIRE_MORE;
    out.size = 0;
    *taken = size;
    if (pass->step == GW__TO_BINARY_END)
        return GW__WIRE_BAD;
    bool json = pass->encoding == GW__ENCODING_JSON;
    if (json)
        gw__json_feed(&pass->json, data, size, false);
    else
        gw__thrift_in_feed(&pass->in, data, size);
    enum gw__wire_status status = run(pass, &out);
    *taken = size - (size_t)(json ? pass->json.end - pass->json.at : pass->in.end - pass->in.at);
    pass->whole = out.status == GW__WIRE_DONE;
    if (status == GW__WIRE_MORE && out.status != GW__WIRE_BAD)
        return GW__WIRE_MORE;
    pass->step = GW__TO_BINARY_END;
    return status == GW__WIRE_DONE && pass->whole ? GW__WIRE_DONE : GW__WIRE_BAD;
}
