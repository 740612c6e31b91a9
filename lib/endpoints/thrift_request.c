/* A Thrift request: the message, and what its transport puts in front of it. That is written last, into a buffer of its
 * own, when the message's length is known, and again for another attempt, since it may tell the time that is left. */
#include "endpoints/thrift.h"

#include "wire/frame.h"
#include "wire/ttheader.h"

enum {
    THEADER_COMPACT = 2,
    THEADER_JSON = 1,
    KEPT_BYTES = 4096, /* segments that gw__wire_reset() surely keeps */
};

/* "Service:method", if that is asked for. False when out of memory. */
static bool set_name(struct gw__thrift_leg *leg)
{
    const struct gw__str method = leg->call.method->name;
    const char *service = leg->call.options.multiplexed;
    leg->name = method;
    if (!service)
        return true;
    char *name = gw_exchange_print(leg->call.ex, "%s:%.*s", service, (int)method.size, method.data);
    leg->name = gw__str(name);
    return name;
}

static uint8_t message_type(const struct gw__thrift_leg *leg)
{
    return leg->call.method->oneway ? GW__MESSAGE_ONEWAY : GW__MESSAGE_CALL;
}

void gw__thrift_begin_message(struct gw__thrift_leg *leg)
{
    struct gw__context *context = leg->call.ex->context;
    leg->oldest = leg->sequence = context->sequence = (int32_t)((uint32_t)context->sequence + 1);
    struct gw__message message = {
        .encoding = leg->call.options.encoding,
        .type = message_type(leg),
        .sequence = leg->sequence,
    };
    if (!set_name(leg))
        return; /* and the exchange fails for want of memory */
    message.name = leg->name;
    gw__message_put(&leg->call.converter->wire, &message);
}

/* ---- what stands in front ---- */

static struct gw__wire *payload_of(const struct gw__thrift_leg *leg)
{
    struct gw__rpc_converter *converter = leg->call.converter;
    bool packed = leg->call.options.transport == GW__TRANSPORT_THEADER && leg->call.options.zlib == 2;
    return packed ? &converter->plain : &converter->wire;
}

static struct gw__str put_number(char *out, uint64_t number)
{
    return (struct gw__str){out, gw__format_u64(out, number)};
}

/* Milliseconds until the exchange's deadline. */
static uint64_t time_left(const struct gw_exchange *ex)
{
    const struct gw__times *times = &ex->times;
    uint64_t now = gw__loop_ms(ex->context->loop), due = times->active_ms + (uint64_t)times->timeout_ms;
    due = due < times->end_ms ? due : times->end_ms;
    return due > now ? due - now : 1;
}

/* Request headers that go with the call, through all services or to this one. */
static void put_metadata(struct gw__ttheader_writer *writer, const struct gw__fields *fields)
{
    static const struct {
        struct gw__str field, key;
    } kinds[] = {
        {{"rpc-persist-", 12}, {"RPC_PERSIST_", 12}},
        {{"rpc-transit-", 12}, {"RPC_TRANSIT_", 12}},
    };
    for (uint16_t i = 0; i < fields->count; i++) {
        const struct gw__header *field = &fields->items[i];
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            size_t size = kinds[k].field.size;
            if (field->name_size <= size || !gw__case_equal(field->name, kinds[k].field.data, size))
                continue;
            struct gw__str name = {field->name + size, field->name_size - size};
            gw__ttheader_put_string(writer, kinds[k].key, name, (struct gw__str){field->value, field->value_size});
        }
    }
}

/* False: it is longer than such a header can be. */
static bool put_ttheader(struct gw__thrift_leg *leg, struct gw__wire *front, uint64_t payload)
{
    const struct gw__callee *callee = leg->call.callee;
    const struct gw__rpc_options *options = &leg->call.options;
    struct gw__ttheader_writer writer = {.wire = front};
    bool framed = options->transport == GW__TRANSPORT_TTHEADER_FRAMED;
    char number[20];
    gw__ttheader_begin(&writer, (uint32_t)leg->sequence, options->encoding == GW__ENCODING_COMPACT ? 2 : 0);
    gw__ttheader_put(&writer, GW__TTHEADER_TRANSPORT, framed ? GW__STR("framed") : GW__STR("unframed"));
    gw__ttheader_put(&writer, GW__TTHEADER_FROM_SERVICE, gw__str(options->caller));
    gw__ttheader_put(&writer, GW__TTHEADER_TO_SERVICE, gw__str(callee->service->name));
    gw__ttheader_put(&writer, GW__TTHEADER_METHOD, leg->call.method->name);
    gw__ttheader_put(&writer, GW__TTHEADER_TIMEOUT, put_number(number, time_left(leg->call.ex)));
    gw__ttheader_put(&writer, GW__TTHEADER_MESSAGE_TYPE, put_number(number, message_type(leg)));
    gw__ttheader_put_string(&writer, GW__STR("isn"), GW__STR(""), gw__str(callee->rpc->name));
    put_metadata(&writer, &leg->call.ex->request.fields);
    gw__ttheader_end(&writer, payload + (framed ? GW__FRAME_LENGTH_BYTES : 0));
    if (framed)
        gw__frame_put_length(front, payload);
    return !writer.too_long;
}

static bool put_front(struct gw__thrift_leg *leg)
{
    const struct gw__rpc_options *options = &leg->call.options;
    struct gw__wire *front = &leg->call.converter->front;
    uint64_t payload = gw__wire_settle(payload_of(leg));
    bool fits = true;
    gw__wire_reset(front);
    leg->fronted_ms = gw__loop_ms(leg->call.ex->context->loop);
    if (options->transport == GW__TRANSPORT_FRAMED) {
        gw__frame_put_length(front, payload);
    } else if (options->transport == GW__TRANSPORT_THEADER) {
        uint8_t protocol = options->encoding == GW__ENCODING_COMPACT ? THEADER_COMPACT
                           : options->encoding == GW__ENCODING_JSON  ? THEADER_JSON
                                                                     : 0;
        gw__theader_put(front, protocol, options->zlib == 2, (uint32_t)leg->sequence, payload);
    } else if (options->transport == GW__TRANSPORT_TTHEADER || options->transport == GW__TRANSPORT_TTHEADER_FRAMED) {
        fits = put_ttheader(leg, front, payload);
    }
    gw__wire_settle(front);
    return fits;
}

static enum gw_flow fail_memory(struct gw_exchange *ex)
{
    return gw_exchange_fail_code(ex, 503, "GW5031", "proxy_internal_error", "out of memory");
}

enum gw_flow gw__thrift_end_message(struct gw__thrift_leg *leg)
{
    struct gw__rpc_converter *converter = leg->call.converter;
    struct gw__wire *payload = payload_of(leg);
    gw__wire_settle(&converter->wire);
    if (!leg->name.data)
        return fail_memory(leg->call.ex);
    if (payload != &converter->wire) {
        gw__wire_reset(payload);
        if (!gw__deflate_wire(&leg->target->deflate, &converter->wire, payload))
            return fail_memory(leg->call.ex);
    }
    if (!put_front(leg))
        return gw_exchange_fail_code(leg->call.ex, 431, "GW4001", "http_request_error",
                                     "the rpc-persist-* and rpc-transit-* headers are longer than a TTHeader can be");
    return converter->front.lost || payload->lost ? fail_memory(leg->call.ex) : GW_CONTINUE;
}

/* ---- sending ---- */

void gw__thrift_rewind(struct gw__thrift_leg *leg)
{
    const struct gw__wire *front = &leg->call.converter->front, *payload = payload_of(leg);
    bool small = front->first && !front->first->next && front->first->capacity <= KEPT_BYTES;
    if (small && leg->fronted_ms != gw__loop_ms(leg->call.ex->context->loop))
        put_front(leg); /* it fits into the segment it had */
    bool has_front = front->first && front->first->size;
    leg->unsent = has_front ? front->first : payload->first;
    leg->behind = has_front ? payload->first : NULL;
}

int gw__thrift_pieces(struct gw__thrift_leg *leg, struct iovec *pieces, int most)
{
    int count = 0;
    while (leg->unsent && count < most) {
        pieces[count++] = (struct iovec){(void *)leg->unsent->bytes, leg->unsent->size};
        leg->unsent = leg->unsent->next;
        if (!leg->unsent) {
            leg->unsent = leg->behind;
            leg->behind = NULL;
        }
    }
    return count;
}

uint64_t gw__thrift_request_size(const struct gw__thrift_leg *leg)
{
    return gw__wire_settle(&leg->call.converter->front) + gw__wire_settle(payload_of(leg));
}
