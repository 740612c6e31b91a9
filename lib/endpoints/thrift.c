/* Endpoint `thrift`: calls a method of a Thrift service, unframed or framed, in any encoding. The encoded
 * request is held until the call is over; it is sent again only if the HTTP method is idempotent and a pooled
 * connection turned out to be dead before a byte of the answer had come. The answer is converted as it comes. A
 * connection has one call at a time, and is used again only if the answer was understood to its last byte and nothing
 * stood behind it. */
#include "builtin.h"
#include "endpoints/rpc.h"
#include "endpoints/upstream.h"
#include "net/byte_stream.h"

#include <gateway/endpoint.h>

enum {
    PIECES = 8,       /* segments that are handed to a connection at once */
    FRAME_BYTES = 4, /* a frame's length */
};

/* Of the types of a TApplicationException. */
enum { UNKNOWN_METHOD = 1 };

enum phase { REQUEST, HEADER, RESULT, FAULT };

struct leg { /* the exchange's way to the instance */
    struct gw__rpc_call call;
    struct gw__attempt attempt;
    struct gw__byte_stream *stream;
    const struct gw__wire_segment *unsent; /* the first that has not been handed to the connection */
    char *header;       /* of the answer, if it comes in pieces: those so far */
    uint32_t header_size;
    int32_t sequence;
    uint64_t left;      /* bytes to come of the answer's frame; UINT64_MAX minus those taken if it is unframed */
    uint8_t phase;      /* enum phase */
    uint8_t encoding;   /* of the answer: enum gw__encoding */
    bool blocked;       /* the connection has not written all it was given */
    bool framed;        /* the answer is */
    bool heard;         /* a byte of it has come */
};

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
     .doc = "How requests are delimited; of answers both are understood."},
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
    return gw__rpc_target_create(self, gw_endpoint_data(self), given);
}

/* ---- the request ---- */

static bool is_framed(const struct leg *leg)
{
    return leg->call.options.transport == GW__TRANSPORT_FRAMED;
}

/* Writes the message's header. Room is left for a frame's length, which is known when the arguments are encoded. */
static void begin_message(struct leg *leg)
{
    struct gw__context *context = leg->call.ex->context;
    const struct gw__method *method = leg->call.method;
    struct gw__wire *wire = &leg->call.converter->wire;
    leg->sequence = context->sequence = (int32_t)((uint32_t)context->sequence + 1);
    struct gw__message message = {
        .encoding = leg->call.options.encoding,
        .type = method->oneway ? GW__MESSAGE_ONEWAY : GW__MESSAGE_CALL,
        .name = method->name,
        .sequence = leg->sequence,
    };
    if (is_framed(leg))
        gw__wire_take(wire, FRAME_BYTES);
    gw__message_put(wire, &message);
}

static void end_message(struct leg *leg)
{
    struct gw__wire *wire = &leg->call.converter->wire;
    size_t size = gw__wire_settle(wire);
    if (is_framed(leg))
        gw__wire_set32(wire->first->bytes, (uint32_t)(size - FRAME_BYTES));
}

static void let_go(struct leg *leg, bool good)
{
    struct gw__byte_stream *stream = leg->stream;
    if (!stream)
        return;
    leg->stream = NULL;
    leg->attempt.outbound = NULL;
    gw__byte_stream_finish(stream, good);
}

/* Sends until the connection blocks. A oneway call ends when all of it is with the socket. */
static void send_rest(struct leg *leg)
{
    while (leg->unsent && !leg->blocked) {
        struct iovec pieces[PIECES];
        int count = 0;
        for (; leg->unsent && count < PIECES; leg->unsent = leg->unsent->next)
            pieces[count++] = (struct iovec){(void *)leg->unsent->bytes, leg->unsent->size};
        leg->blocked = gw__byte_stream_send(leg->stream, pieces, count);
    }
    if (leg->blocked || !leg->call.method->oneway || gw__byte_stream_is_broken(leg->stream))
        return;
    let_go(leg, true);
    gw__rpc_send_nothing(&leg->call, 202);
}

static const struct gw__byte_stream_handler handler;

static void send_request(struct leg *leg)
{
    gw__endpoint_note_upstream(leg->call.ex, &leg->attempt);
    leg->stream = gw__byte_stream_use(leg->attempt.outbound, &handler, leg);
    leg->unsent = leg->call.converter->wire.first;
    leg->blocked = false;
    leg->phase = HEADER;
    send_rest(leg);
}

static void on_ready(struct gw__attempt *attempt)
{
    struct leg *leg = gw__container_of(attempt, struct leg, attempt);
    struct gw_exchange *ex = leg->call.ex;
    gw__exchange_enter(ex);
    send_request(leg);
    gw__exchange_leave(ex);
}

static void on_failed(struct gw__attempt *attempt)
{
    struct leg *leg = gw__container_of(attempt, struct leg, attempt);
    gw__endpoint_fail_attempt(leg->call.ex, attempt);
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct leg *leg = gw_exchange_scratch(ex, self);
    enum gw_flow flow = gw__rpc_begin(&leg->call, ex, gw_endpoint_data(self));
    if (flow != GW_CONTINUE)
        return flow;
    begin_message(leg);
    gw__rpc_begin_request(&leg->call);
    return GW_CONTINUE;
}

static enum gw_flow start(struct leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    leg->attempt.upstream = &ex->context->upstream;
    leg->attempt.service = leg->call.callee->service;
    leg->attempt.protocol = GW__PROTOCOL_THRIFT;
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
    struct leg *leg = gw_exchange_scratch(ex, self);
    enum gw_flow flow;
    if (!gw__rpc_take_request(&leg->call, data, size, last, &flow))
        return flow;
    end_message(leg);
    return start(leg);
}

/* ---- the answer ---- */

static void not_understood(struct leg *leg, const char *why)
{
    let_go(leg, false);
    gw__rpc_fail_unreadable(&leg->call, why);
}

/* What is wrong with an answer's header, or NULL. */
static const char *check_message(const struct leg *leg, const struct gw__message *message)
{
    const struct gw__str *name = &leg->call.method->name;
    if (leg->call.method->oneway)
        return "a oneway method has none";
    if (message->name.size != name->size || memcmp(message->name.data, name->data, name->size) != 0)
        return "it is to another method";
    if (message->sequence != leg->sequence)
        return "it has another sequence id";
    if (message->type != GW__MESSAGE_REPLY && message->type != GW__MESSAGE_EXCEPTION)
        return "its message is no reply";
    return NULL;
}

/* The bytes tell whether the answer is framed, and its encoding, whatever the request's are. DONE: *taken bytes were the
 * header, with the frame's length. BAD: *why. */
static enum gw__wire_status parse_header(struct leg *leg, const char *bytes, size_t size, size_t *taken,
                                         const char **why)
{
    struct gw__message message;
    enum gw__message_frame kind = gw__message_frame(bytes, size);
    leg->framed = kind == GW__MESSAGE_FRAMED;
    size_t frame = leg->framed ? FRAME_BYTES : 0;
    *why = "it is no Thrift message";
    if (kind == GW__MESSAGE_UNKNOWN)
        return GW__WIRE_MORE;
    enum gw__wire_status status = gw__message_get(bytes + frame, size - frame, &message, taken);
    if (status != GW__WIRE_DONE)
        return status;
    *why = gw__encoding_is_binary(message.encoding) ? check_message(leg, &message) : "its encoding is not known";
    if (*why)
        return GW__WIRE_BAD;
    leg->left = leg->framed ? gw__wire_get32(bytes) : UINT64_MAX;
    *why = "its frame is shorter than its message";
    if (leg->left <= *taken)
        return GW__WIRE_BAD;
    leg->left -= *taken;
    *taken += frame;
    leg->encoding = message.encoding;
    leg->phase = message.type == GW__MESSAGE_REPLY ? RESULT : FAULT;
    return GW__WIRE_DONE;
}

/* An answer's header is not longer: it repeats the method's name. */
static size_t header_limit(const struct leg *leg)
{
    return FRAME_BYTES + gw__message_most_bytes(leg->call.method->name.size);
}

/* Appends to what has come of the header before; returns how many bytes there was room for, 0 when out of memory. */
static size_t keep_header(struct leg *leg, const char *data, size_t size)
{
    size_t room = header_limit(leg) - leg->header_size, count = size < room ? size : room;
    if (!leg->header)
        leg->header = gw_exchange_alloc(leg->call.ex, header_limit(leg));
    if (!leg->header)
        return 0;
    memcpy(leg->header + leg->header_size, data, count);
    leg->header_size += (uint32_t)count;
    return count;
}

/* True: the header is complete, and *data is what follows it. */
static bool take_header(struct leg *leg, const char **data, size_t *size)
{
    const char *why;
    size_t taken = 0, before = leg->header_size;
    if (before)
        keep_header(leg, *data, *size);
    size_t seen = before ? leg->header_size : *size;
    enum gw__wire_status status = parse_header(leg, before ? leg->header : *data, seen, &taken, &why);
    if (status == GW__WIRE_BAD || (status == GW__WIRE_MORE && seen >= header_limit(leg))) {
        not_understood(leg, why);
        return false;
    }
    if (status == GW__WIRE_MORE) {
        if (!before && keep_header(leg, *data, *size) < *size) {
            let_go(leg, false);
            gw__rpc_fail_memory(&leg->call);
        }
        return false;
    }
    *data += taken - before;
    *size -= taken - before;
    return true;
}

/* {"type": "TApplicationException", "value": {"type": 6, "message": "…"}} */
static const char *describe_fault(struct gw_exchange *ex, const struct gw__thrift_fault *fault,
                                  struct gw__json_out *out)
{
    static const char begin[] = "{\"type\":\"TApplicationException\",\"value\":{\"type\":";
    out->at = out->begin;
    gw__json_put_raw_key(out, begin, sizeof begin - 1);
    gw__json_put_int64(out, fault->type);
    gw__json_put_key(out, "message", 7);
    gw__json_put_string(out, fault->message, fault->size);
    gw__json_put_close(out, '}');
    gw__json_put_close(out, '}');
    return out->lost ? NULL : gw_exchange_print(ex, "%.*s", (int)(out->at - out->begin), out->begin);
}

static void fail_fault(struct leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    const struct gw__thrift_fault *fault = &leg->call.converter->fault;
    if (fault->type == UNKNOWN_METHOD) {
        gw__rpc_fail_method(ex, leg->call.callee->rpc, leg->call.method->name.data);
        return;
    }
    const char *member = describe_fault(ex, fault, &leg->call.converter->out);
    if (!member) {
        gw__rpc_fail_memory(&leg->call);
        return;
    }
    gw_exchange_set_error_member(ex, "exception", member);
    gw_exchange_fail_code(ex, 502, "GW5025", "http_protocol_error", "%.*s", (int)fault->size, fault->message);
}

/* The answer is complete. good: nothing stood behind it, so the connection may be used again. */
static void complete(struct leg *leg, bool good)
{
    let_go(leg, good && !leg->unsent && !leg->blocked);
    if (leg->phase == RESULT)
        gw__rpc_send_result(&leg->call);
    else
        fail_fault(leg);
}

static void take_body(struct leg *leg, const char *data, size_t size)
{
    struct gw__rpc_converter *converter = leg->call.converter;
    size_t taken = 0, part = leg->left < size ? (size_t)leg->left : size;
    enum gw__wire_status status = leg->phase == RESULT ? gw__decode_feed(&converter->decode, data, part, &taken)
                                                       : gw__thrift_fault_feed(&converter->fault, data, part, &taken);
    leg->left -= taken;
    if (status == GW__WIRE_BAD && leg->phase == RESULT && converter->decode.no_memory) {
        let_go(leg, false);
        gw__rpc_fail_memory(&leg->call);
    } else if (status == GW__WIRE_BAD) {
        not_understood(leg, leg->phase == RESULT ? converter->decode.why : "its exception is malformed");
    } else if (status == GW__WIRE_MORE && !leg->left) {
        not_understood(leg, "its frame is shorter than its message");
    } else if (status == GW__WIRE_DONE && leg->framed && leg->left) {
        not_understood(leg, "its frame is longer than its message");
    } else if (status == GW__WIRE_DONE) {
        complete(leg, taken == size);
    } else if (leg->phase == RESULT && gw__rpc_is_too_long(&leg->call)) {
        not_understood(leg, "its exception is longer than limits.body_buffer");
    } else if (leg->phase == RESULT && gw__rpc_send_some(&leg->call) && leg->stream) {
        gw__byte_stream_pause(leg->stream);
    }
}

static void on_data(struct gw__byte_stream *stream, const char *data, size_t size)
{
    struct leg *leg = stream->user;
    struct gw_exchange *ex = leg->call.ex;
    if (ex->answer.active) { /* another answer has taken the place of this one */
        gw__byte_stream_pause(stream);
        return;
    }
    gw__exchange_enter(ex);
    if (!leg->heard)
        ex->times.upstream_us = (int64_t)(ex->context->loop->now_us - ex->times.upstream_begun_us);
    leg->heard = true;
    bool begins = leg->phase == HEADER;
    if (!begins || take_header(leg, &data, &size)) {
        if (begins && leg->phase == RESULT)
            gw__rpc_begin_result(&leg->call, leg->encoding);
        else if (begins)
            gw__rpc_begin_fault(&leg->call, leg->encoding);
        if (size || !begins)
            take_body(leg, data, size);
    }
    gw__exchange_leave(ex);
}

static void on_stream_room(struct gw__byte_stream *stream)
{
    struct leg *leg = stream->user;
    struct gw_exchange *ex = leg->call.ex;
    gw__exchange_enter(ex);
    ex->times.active_ms = gw__loop_ms(ex->context->loop);
    leg->blocked = false;
    send_rest(leg);
    gw__exchange_leave(ex);
}

/* A pooled connection that was dead already: once more on a fresh one, if nothing can happen twice. */
static bool try_again(struct leg *leg)
{
    if (!leg->stream->reused || leg->heard || leg->attempt.once)
        return false;
    let_go(leg, false);
    enum gw__attempt_result result = gw__attempt_again(&leg->attempt);
    if (result == GW__ATTEMPT_READY)
        send_request(leg);
    return result != GW__ATTEMPT_FAILED;
}

static void on_stream_end(struct gw__byte_stream *stream, int error)
{
    struct leg *leg = stream->user;
    struct gw_exchange *ex = leg->call.ex;
    if (ex->state.ended || ex->answer.active)
        return;
    gw__exchange_enter(ex);
    if (!try_again(leg)) {
        let_go(leg, false);
        gw__rpc_fail_closed(&leg->call);
    }
    gw__exchange_leave(ex);
}

static const struct gw__byte_stream_handler handler = {
    .on_data = on_data,
    .on_room = on_stream_room,
    .on_end = on_stream_end,
};

static enum gw_flow on_room(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct leg *leg = gw_exchange_scratch(ex, self);
    if (leg->stream)
        gw__byte_stream_resume(leg->stream);
    return GW_CONTINUE;
}

static void on_end(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct leg *leg = gw_exchange_scratch(ex, self);
    let_go(leg, false);
    gw__attempt_finish(&leg->attempt);
    gw__rpc_end(&leg->call);
}

const struct gw_endpoint_type gw__endpoint_thrift = {
    .size = sizeof gw__endpoint_thrift,
    .name = "thrift",
    .doc = "Calls a method of a Thrift service: the request's JSON becomes its arguments, its result the response.",
    .options = options,
    .instance_size = sizeof(struct gw__rpc_target),
    .scratch_size = sizeof(struct leg),
    .create = create,
    .on_request = on_request,
    .on_request_data = on_request_data,
    .on_room = on_room,
    .on_end = on_end,
};
