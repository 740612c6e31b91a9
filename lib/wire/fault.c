/* TApplicationException: 1: string message, 2: i32 type; of other fields nothing is kept. */
#include "wire/fault.h"

enum { AT_FIELD, AT_ID, AT_TYPE, AT_LENGTH, AT_MESSAGE, AT_SKIP, AT_STOP };
enum { ID_MESSAGE = 1, ID_TYPE = 2 };

void gw__thrift_fault_init(struct gw__thrift_fault *fault, uint8_t encoding)
{
    memset(fault, 0, offsetof(struct gw__thrift_fault, to_binary));
    fault->encoding = encoding;
    fault->in.chunked = encoding == GW__ENCODING_JSON;
    if (!gw__encoding_is_binary(encoding))
        gw__to_binary_init(&fault->to_binary, encoding, GW__THRIFT_STRUCT, true);
}

void gw__thrift_fault_finish(struct gw__thrift_fault *fault)
{
    fault->step = AT_STOP;
    if (!gw__encoding_is_binary(fault->encoding))
        gw__to_binary_finish(&fault->to_binary);
}

static bool take_id(struct gw__thrift_fault *fault, const char *bytes)
{
    uint16_t id = gw__wire_get16(bytes);
    if (id == ID_MESSAGE && fault->field == GW__THRIFT_STRING) {
        fault->step = AT_LENGTH;
        fault->size = 0;
    } else if (id == ID_TYPE && fault->field == GW__THRIFT_I32) {
        fault->step = AT_TYPE;
    } else {
        gw__thrift_skip_init(&fault->skip, fault->field);
        fault->step = AT_SKIP;
    }
    return true;
}

static bool take(struct gw__thrift_fault *fault, const char *bytes)
{
    switch (fault->step) {
    case AT_FIELD:
        fault->field = (uint8_t)*bytes;
        fault->step = fault->field ? AT_ID : AT_STOP;
        return !fault->field || gw__thrift_is_type(fault->field);
    case AT_ID: return take_id(fault, bytes);
    case AT_TYPE:
        fault->type = (int32_t)gw__wire_get32(bytes);
        fault->step = AT_FIELD;
        return true;
    default:
        fault->step = AT_MESSAGE;
        return gw__thrift_in_length(&fault->in, bytes, &fault->bytes, &fault->chunk);
    }
}

static enum gw__wire_status take_message(struct gw__thrift_fault *fault)
{
    size_t left = (size_t)(fault->in.end - fault->in.at), count = fault->bytes < left ? fault->bytes : left;
    size_t room = sizeof fault->message - fault->size, kept = count < room ? count : room;
    if (kept)
        memcpy(fault->message + fault->size, fault->in.at, kept);
    fault->size += kept;
    fault->in.at += count;
    fault->bytes -= (uint32_t)count;
    if (fault->bytes)
        return GW__WIRE_MORE;
    fault->step = fault->chunk ? AT_LENGTH : AT_FIELD;
    return GW__WIRE_DONE;
}

static enum gw__wire_status take_step(struct gw__thrift_fault *fault)
{
    static const uint8_t sizes[] = {[AT_FIELD] = 1, [AT_ID] = 2, [AT_TYPE] = 4, [AT_LENGTH] = 4};
    if (fault->step == AT_MESSAGE)
        return take_message(fault);
    if (fault->step == AT_SKIP) {
        enum gw__wire_status status = gw__thrift_skip(&fault->skip, &fault->in);
        if (status == GW__WIRE_DONE)
            fault->step = AT_FIELD;
        return status;
    }
    const char *bytes = gw__thrift_in_take(&fault->in, sizes[fault->step]);
    if (!bytes)
        return GW__WIRE_MORE;
    return take(fault, bytes) ? GW__WIRE_DONE : GW__WIRE_BAD;
}

static enum gw__wire_status feed(struct gw__thrift_fault *fault, const char *data, size_t size, size_t *taken)
{
    enum gw__wire_status status = GW__WIRE_DONE;
    gw__thrift_in_feed(&fault->in, data, size);
    while (status == GW__WIRE_DONE && fault->step != AT_STOP)
        status = take_step(fault);
    *taken = size - (size_t)(fault->in.end - fault->in.at);
    return status;
}

static enum gw__wire_status take_binary(void *user, const char *bytes, size_t size)
{
    size_t taken;
    return feed(user, bytes, size, &taken);
}

enum gw__wire_status gw__thrift_fault_feed(struct gw__thrift_fault *fault, const char *data, size_t size,
                                           size_t *taken)
{
    if (gw__encoding_is_binary(fault->encoding))
        return feed(fault, data, size, taken);
    struct gw__to_binary_sink sink = {take_binary, fault};
    return gw__to_binary_feed(&fault->to_binary, data, size, taken, &sink);
}
