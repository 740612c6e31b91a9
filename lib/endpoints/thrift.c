/* Endpoint `thrift`: calls a method of a Thrift service, in any encoding and transport. The encoded request is held
 * until the call is over; it is sent again only if the HTTP method is idempotent and a pooled connection turned out to
 * be dead before a byte of the answer had come. The answer is converted as it comes, whichever encoding and transport
 * it is in. A connection is used again only if the answer was understood to its last byte and nothing stood behind. */
#include "builtin.h"
#include "endpoints/thrift.h"

#include <gateway/endpoint.h>

static const struct gw_option_spec options[] = {
    {.key = "service",
     .kind = GW_KIND_STRING,
     .required = true,
     .doc = "Name of the service to call; may have `{variables}` of the route's path."},
    {.key = "method", .kind = GW_KIND_STRING, .required = true, .doc = "Name of its method; likewise."},
    {.key = "encoding",
     .kind = GW_KIND_CHOICE,
     .choices = GW__ENCODING_WORDS,
     .fallback = "binary",
     .doc = "How values are encoded; what the service says of itself goes before this and the next two."},
    {.key = "transport",
     .kind = GW_KIND_CHOICE,
     .choices = GW__TRANSPORT_WORDS,
     .fallback = "unframed",
     .doc = "How requests are sent; answers are understood in all."},
    {.key = "zlib",
     .kind = GW_KIND_BOOL,
     .fallback = "false",
     .doc = "With `theader`: whether requests are compressed. Answers may be in any case."},
    {.key = "multiplexed",
     .kind = GW_KIND_STRING,
     .doc = "What the server calls the service where one port has several: messages are to `NAME:method`."},
    {.key = "in_flight",
     .kind = GW_KIND_INT,
     .min = 1,
     .max = GW__IN_FLIGHT_MOST,
     .fallback = "1",
     .doc = "Calls that one connection may carry at a time; above 1 only with `theader` and the two `ttheader`."},
    {.key = "caller",
     .kind = GW_KIND_STRING,
     .fallback = "libgateway",
     .doc = "The name of the gateway that TTHeader tells the service."},
    {.key = "path", .kind = GW_KIND_STRING, .fallback = "/", .doc = "With the transport `http`: the path to call."},
    {.key = "biz_status",
     .kind = GW_KIND_LIST,
     .members = gw__biz_status_specs,
     .doc = "HTTP statuses of business errors, 422 unless said: a list of `{ code = 1001; status = 409; }`."},
    {.key = "json",
     .kind = GW_KIND_CHOICE,
     .choices = GW__JSON_WORDS,
     .fallback = "strict",
     .doc = "How JSON is read: `strict` refuses what does not fit the IDL, `kitex` converts it as Kitex's generic call "
            "does."},
    {.key = "enums",
     .kind = GW_KIND_CHOICE,
     .choices = "number|name",
     .fallback = "number",
     .doc = "How enum values are answered."},
    {.key = "int64",
     .kind = GW_KIND_CHOICE,
     .choices = GW__INT64_WORDS,
     .fallback = "number",
     .doc = "How i64 are answered: as numbers, as strings, or (`auto`) as strings if JavaScript would round them. With "
            "the last two requests may have either."},
    {.key = "nan",
     .kind = GW_KIND_CHOICE,
     .choices = GW__NAN_WORDS,
     .fallback = "null",
     .doc = "What a NaN or infinite double is answered as: `null`, the string `\"NaN\"`, `\"Infinity\"` or "
            "`\"-Infinity\"` (which requests may have then), or an error."},
    {.key = "binary",
     .kind = GW_KIND_CHOICE,
     .choices = GW__BINARY_WORDS,
     .fallback = "base64",
     .doc = "How binary is written and read: in base64 with padding, or in its alphabet that is safe in URLs, "
            "without."},
    {0},
};

static int create(struct gw_endpoint *self, const struct gw_option *given)
{
    struct gw__thrift_target *target = gw_endpoint_data(self);
    return gw__rpc_target_create(self, &target->rpc, given);
}

static void destroy(struct gw_endpoint *self)
{
    struct gw__thrift_target *target = gw_endpoint_data(self);
    gw__deflate_destroy(target->deflate);
}

void gw__thrift_let_go(struct gw__thrift_leg *leg, bool good)
{
    if (!leg->stream)
        return;
    leg->carrier->let_go(leg, good);
    leg->stream = NULL;
    leg->attempt.outbound = NULL;
}

/* A oneway call ends when all of it is with the socket, perhaps in the middle of an answer to one before it. */
void gw__thrift_sent(struct gw__thrift_leg *leg)
{
    if (!leg->call.method->oneway)
        return;
    gw__thrift_let_go(leg, !leg->heard);
    gw__rpc_send_nothing(&leg->call, 202);
}

static void send_request(struct gw__thrift_leg *leg)
{
    gw__endpoint_note_upstream(leg->call.ex, &leg->attempt);
    gw__thrift_rewind(leg);
    leg->blocked = false;
    leg->phase = GW__THRIFT_HEADER;
    leg->carrier->use(leg);
}

static void on_ready(struct gw__attempt *attempt)
{
    struct gw__thrift_leg *leg = gw__container_of(attempt, struct gw__thrift_leg, attempt);
    struct gw_exchange *ex = leg->call.ex;
    gw__exchange_enter(ex);
    send_request(leg);
    gw__exchange_leave(ex);
}

static void on_failed(struct gw__attempt *attempt)
{
    struct gw__thrift_leg *leg = gw__container_of(attempt, struct gw__thrift_leg, attempt);
    gw__endpoint_fail_attempt(leg->call.ex, attempt);
}

static const struct gw__thrift_carrier *choose_carrier(const struct gw__rpc_options *asked)
{
    if (asked->transport == GW__TRANSPORT_HTTP)
        return &gw__thrift_http;
    bool shares = asked->in_flight > 1 && gw__rpc_transport_has_id(asked->transport);
    return shares ? &gw__thrift_shared : &gw__thrift_stream;
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct gw__thrift_leg *leg = gw_exchange_scratch(ex, self);
    leg->target = gw_endpoint_data(self);
    gw__thrift_init(leg);
    enum gw_flow flow = gw__rpc_begin(&leg->call, ex, &leg->target->rpc);
    if (flow != GW_CONTINUE)
        return flow;
    leg->carrier = choose_carrier(&leg->call.options);
    gw__thrift_begin_message(leg);
    gw__rpc_begin_request(&leg->call);
    return GW_CONTINUE;
}

static enum gw_flow start(struct gw__thrift_leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    leg->attempt.upstream = &ex->context->upstream;
    leg->attempt.service = leg->call.callee->service;
    leg->attempt.protocol = leg->carrier->protocol;
    leg->attempt.share = (uint8_t)leg->call.options.in_flight;
    leg->attempt.once = !gw__method_is_idempotent(ex->request.method_id);
    leg->attempt.on_ready = on_ready;
    leg->attempt.on_failed = on_failed;
    enum gw__attempt_result result = gw__attempt_start(&leg->attempt);
    if (result == GW__ATTEMPT_FAILED)
        return gw__endpoint_fail_attempt(ex, &leg->attempt);
    if (result == GW__ATTEMPT_READY)
        send_request(leg);
    return ex->answer.pending ? GW_FAIL : GW_CONTINUE;
}

static enum gw_flow on_request_data(struct gw_exchange *ex, struct gw_endpoint *self, const void *data, size_t size,
                                    bool last)
{
    struct gw__thrift_leg *leg = gw_exchange_scratch(ex, self);
    enum gw_flow flow;
    if (!gw__rpc_take_request(&leg->call, data, size, last, &flow))
        return flow;
    flow = gw__thrift_end_message(leg);
    return flow == GW_CONTINUE ? start(leg) : flow;
}

/* A pooled connection that was dead already: once more on a fresh one, if nothing can happen twice. */
static bool try_again(struct gw__thrift_leg *leg, bool reused)
{
    if (!reused || leg->heard || leg->attempt.once)
        return false;
    gw__thrift_let_go(leg, false);
    enum gw__attempt_result result = gw__attempt_again(&leg->attempt);
    if (result == GW__ATTEMPT_READY)
        send_request(leg);
    return result != GW__ATTEMPT_FAILED;
}

void gw__thrift_broken(struct gw__thrift_leg *leg, bool reused)
{
    struct gw_exchange *ex = leg->call.ex;
    if (ex->state.ended || ex->answer.active)
        return;
    gw__exchange_enter(ex);
    if (!try_again(leg, reused)) {
        gw__thrift_let_go(leg, false);
        gw__rpc_fail_closed(&leg->call);
    }
    gw__exchange_leave(ex);
}

static enum gw_flow on_room(struct gw_exchange *ex, struct gw_endpoint *self)
{
    gw__thrift_go_on(gw_exchange_scratch(ex, self));
    return GW_CONTINUE;
}

static void on_end(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct gw__thrift_leg *leg = gw_exchange_scratch(ex, self);
    gw__thrift_let_go(leg, false);
    gw__attempt_finish(&leg->attempt);
    gw__timer_stop(&leg->timer);
    gw__kept_leave(&leg->rest, 0);
    gw__rpc_end(&leg->call);
}

const struct gw_endpoint_type gw__endpoint_thrift = {
    .size = sizeof gw__endpoint_thrift,
    .name = "thrift",
    .doc = "Calls a method of a Thrift service: the request's JSON becomes its arguments, its result the response.",
    .options = options,
    .instance_size = sizeof(struct gw__thrift_target),
    .scratch_size = sizeof(struct gw__thrift_leg),
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
    .on_request_data = on_request_data,
    .on_room = on_room,
    .on_end = on_end,
};
