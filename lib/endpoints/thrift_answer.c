/* A Thrift answer, as its bytes come: the frame, whichever it is; entries of a TTHeader; the message's header; then a
 * result or exception is converted. It is complete when the message was understood to its last byte and its frame
 * ends there. */
#include "endpoints/thrift_entries.h"

enum {
    INFLATED_PIECES = 64, /* that are taken at a time, so that other calls of the worker are not kept waiting */
    YIELD_MS = 1,
};

/* Of the types of a TApplicationException; the last two are Kitex's. */
enum { UNKNOWN_METHOD = 1, UNKNOWN_SERVICE = 20, NO_SERVICE_NAME = 21 };

void gw__thrift_not_understood(struct gw__thrift_leg *leg, const char *why)
{
    leg->closes = true;
    gw__thrift_let_go(leg, false);
    gw__rpc_fail_unreadable(&leg->call, why);
}

static void fail_memory(struct gw__thrift_leg *leg)
{
    gw__thrift_let_go(leg, false);
    gw__rpc_fail_memory(&leg->call);
}

/* ---- the message's header ---- */

/* What is wrong with it, or NULL. A server that could not read the call may say so under another name and id, as
 * Kitex's client allows; its connection is not used again. */
static const char *check_message(struct gw__thrift_leg *leg, const struct gw__message *message)
{
    const struct gw__str *method = &leg->call.method->name;
    if (gw__thrift_is_stale(leg, (uint32_t)message->sequence))
        return NULL;
    if (leg->call.method->oneway)
        return "a oneway method has none";
    if (message->type != GW__MESSAGE_REPLY && message->type != GW__MESSAGE_EXCEPTION)
        return "its message is no reply";
    bool named = gw__str_equal(message->name, *method) || gw__str_equal(message->name, leg->name);
    leg->closes = leg->closes || !named || message->sequence != leg->sequence;
    if (!named && message->type == GW__MESSAGE_REPLY)
        return "it is to another method";
    if (message->sequence != leg->sequence && message->type == GW__MESSAGE_REPLY)
        return "it has another sequence id";
    return NULL;
}

/* A header is not longer: it repeats the name. An exception may have another, of a server that knows no better. */
static size_t header_limit(const struct gw__thrift_leg *leg)
{
    return gw__message_most_bytes(leg->name.size > 64 ? leg->name.size : 64);
}

/* Appends to what has come of the header before; returns how many bytes there was room for, 0 when out of memory. */
static size_t keep_header(struct gw__thrift_leg *leg, const char *data, size_t size)
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

/* What is stale is read as an exception is, which passes over what it does not know. */
static void begin_body(struct gw__thrift_leg *leg, const struct gw__message *message)
{
    leg->stale = gw__thrift_is_stale(leg, (uint32_t)message->sequence);
    leg->fault = message->type == GW__MESSAGE_EXCEPTION || leg->stale;
    leg->phase = leg->fault ? GW__THRIFT_FAULT : GW__THRIFT_RESULT;
    if (leg->fault)
        gw__rpc_begin_fault(&leg->call, message->encoding);
    else
        gw__rpc_begin_result(&leg->call, message->encoding);
}

/* True: the header is complete, and *piece is what follows it. */
static bool take_header(struct gw__thrift_leg *leg, struct gw__str *piece)
{
    struct gw__message message;
    size_t taken = 0, before = leg->header_size;
    if (before)
        keep_header(leg, piece->data, piece->size);
    const char *bytes = before ? leg->header : piece->data;
    size_t seen = before ? leg->header_size : piece->size;
    enum gw__wire_status status = gw__message_get(bytes, seen, &message, &taken);
    if (leg->oldest == leg->sequence && !gw__message_fits_name(bytes, seen, leg->name.size) &&
        !gw__message_fits_name(bytes, seen, leg->call.method->name.size))
        status = GW__WIRE_BAD;
    const char *why = status == GW__WIRE_DONE ? check_message(leg, &message) : "it is no Thrift message";
    if (status == GW__WIRE_MORE && seen < header_limit(leg)) {
        if (!before && keep_header(leg, piece->data, piece->size) < piece->size)
            fail_memory(leg);
        return false;
    }
    if (why) {
        gw__thrift_not_understood(leg, why);
        return false;
    }
    *piece = (struct gw__str){piece->data + (taken - before), piece->size - (taken - before)};
    begin_body(leg, &message);
    return true;
}

/* ---- the exception ---- */

static const char *kind_of(int32_t type)
{
    static const char *const kinds[] = {
        "unknown",         "unknown method", "invalid message type", "wrong method name", "bad sequence id",
        "missing result",  "internal error", "protocol error",       "invalid transform", "invalid protocol",
        "unsupported client type",
    };
    return type >= 0 && type < (int32_t)(sizeof kinds / sizeof *kinds) ? kinds[type] : "other";
}

/* {"type": "TApplicationException", "kind": "internal error", "value": {"type": 6, "message": "…"}} */
static const char *describe_fault(struct gw_exchange *ex, const struct gw__thrift_fault *fault,
                                  struct gw__json_out *out)
{
    static const char begin[] = "{\"type\":\"TApplicationException\",\"kind\":", value[] = ",\"value\":{\"type\":";
    const char *kind = kind_of(fault->type);
    out->at = out->begin;
    gw__json_put_raw_key(out, begin, sizeof begin - 1);
    gw__json_put_string(out, kind, strlen(kind));
    out->comma = false;
    gw__json_put_raw_key(out, value, sizeof value - 1);
    gw__json_put_int64(out, fault->type);
    gw__json_put_key(out, "message", 7);
    gw__json_put_string(out, fault->message, fault->size);
    gw__json_put_close(out, '}');
    gw__json_put_close(out, '}');
    return out->lost ? NULL : gw_exchange_print(ex, "%.*s", (int)(out->at - out->begin), out->begin);
}

static void fail_fault(struct gw__thrift_leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    const struct gw__thrift_fault *fault = &leg->call.converter->fault;
    if (fault->type == UNKNOWN_METHOD) {
        gw__rpc_fail_method(ex, leg->call.callee->rpc, leg->call.method->name.data);
        return;
    }
    bool no_service = fault->type == UNKNOWN_SERVICE || fault->type == NO_SERVICE_NAME;
    const char *member = describe_fault(ex, fault, &leg->call.converter->out);
    if (!member) {
        gw__rpc_fail_memory(&leg->call);
        return;
    }
    if (!no_service)
        gw_exchange_set_error_member(ex, "exception", member);
    struct gw__str message = {fault->message, fault->size};
    if (!message.size)
        message = gw__str(kind_of(fault->type));
    gw_exchange_fail_code(ex, no_service ? 404 : 502, no_service ? "GW4042" : "GW5025",
                          no_service ? "destination_not_found" : "http_protocol_error", "%.*s", (int)message.size,
                          message.data);
}

/* ---- the body ---- */

/* What was stale has been passed over; the call's own answer may follow. The connection is not used again. */
static void begin_again(struct gw__thrift_leg *leg)
{
    leg->stale = leg->fault = false;
    leg->closes = true;
    leg->phase = GW__THRIFT_HEADER;
    leg->header_size = 0;
    gw__frame_reset(&leg->call.converter->frame);
}

/* The answer is complete. good: nothing stood behind it, so the connection may be used again. */
static void complete(struct gw__thrift_leg *leg, bool good)
{
    if (leg->stale) {
        begin_again(leg);
        return;
    }
    leg->closes = leg->closes || !good;
    gw__thrift_let_go(leg, !leg->closes && !leg->unsent && !leg->blocked);
    if (leg->fault)
        fail_fault(leg);
    else
        gw__rpc_send_result(&leg->call);
}

static bool is_unframed(const struct gw__thrift_leg *leg)
{
    return leg->call.converter->frame.shape == GW__FRAME_NONE;
}

/* The message was read, with `rest` bytes behind it. True: go on. */
static bool end_message(struct gw__thrift_leg *leg, size_t rest)
{
    const struct gw__frame_reader *frame = &leg->call.converter->frame;
    bool unframed = is_unframed(leg);
    leg->phase = GW__THRIFT_READ;
    if (unframed && !leg->carrier->ends) {
        complete(leg, rest == 0);
        return leg->stream != NULL; /* behind what was stale */
    }
    if (rest || (!unframed && !frame->zlib && frame->left))
        gw__thrift_not_understood(leg, unframed ? "something stands behind its message"
                                                : "its frame is longer than its message");
    else
        return true;
    return false;
}

/* *data: behind the piece; it is moved back to where an unframed message ends. True: go on. */
static bool take_body(struct gw__thrift_leg *leg, struct gw__str piece, const char **data, const char *end)
{
    struct gw__rpc_converter *converter = leg->call.converter;
    size_t taken = 0;
    enum gw__wire_status status = leg->fault
                                      ? gw__thrift_fault_feed(&converter->fault, piece.data, piece.size, &taken)
                                      : gw__decode_feed(&converter->decode, piece.data, piece.size, &taken);
    if (status == GW__WIRE_DONE && is_unframed(leg))
        *data -= piece.size - taken;
    if (status == GW__WIRE_DONE)
        return end_message(leg, is_unframed(leg) ? (size_t)(end - *data) : piece.size - taken);
    if (status == GW__WIRE_BAD && !leg->fault && converter->decode.no_memory)
        fail_memory(leg);
    else if (status == GW__WIRE_BAD)
        gw__thrift_not_understood(leg, leg->fault ? "its exception is malformed" : converter->decode.why);
    else if (!leg->fault && gw__rpc_is_too_long(&leg->call))
        gw__thrift_not_understood(leg, "its exception is longer than limits.body_buffer");
    else if (!leg->fault && gw__rpc_send_some(&leg->call))
        leg->paused = true;
    return leg->stream != NULL; /* else it has failed */
}

static bool take_piece(struct gw__thrift_leg *leg, struct gw__str piece, const char **data, const char *end)
{
    if (leg->phase == GW__THRIFT_HEADER && !take_header(leg, &piece))
        return leg->stream != NULL;
    if (leg->phase != GW__THRIFT_READ)
        return !piece.size || take_body(leg, piece, data, end);
    gw__thrift_not_understood(leg, "its frame is longer than its message");
    return false;
}

/* The frame is complete, and so must be the message. A carrier that tells the end of its answers needs its connection
 * until then. good: nothing stands behind it. */
static void end_frame(struct gw__thrift_leg *leg, bool good)
{
    if (leg->phase != GW__THRIFT_READ)
        gw__thrift_not_understood(leg, "its frame is shorter than its message");
    else if (!leg->carrier->ends)
        complete(leg, good);
    else if (!good)
        gw__thrift_not_understood(leg, "something stands behind its frame");
}

/* True: it may go on, with *data. */
static bool take_next(struct gw__thrift_leg *leg, const char **data, const char *end)
{
    struct gw__frame_reader *frame = &leg->call.converter->frame;
    struct gw__str piece;
    switch (gw__frame_next(frame, data, end, &piece)) {
    case GW__FRAME_ENTRIES: return gw__thrift_take_entries(leg, (size_t)(end - *data));
    case GW__FRAME_PIECE: return take_piece(leg, piece, data, end);
    case GW__FRAME_END:
        end_frame(leg, *data == end);
        return leg->stream && leg->phase == GW__THRIFT_HEADER; /* behind what was stale */
    case GW__FRAME_BAD: gw__thrift_not_understood(leg, frame->why); return false;
    case GW__FRAME_NO_MEMORY: fail_memory(leg); return false;
    default: return false;
    }
}

/* Returns what could not be taken: where a compressed answer stands for much, some of it stays. */
static const char *take_all(struct gw__thrift_leg *leg, const char *data, const char *end)
{
    int pieces = 0;
    while (take_next(leg, &data, end)) {
        bool zlib = leg->call.converter->frame.zlib;
        if (zlib && (leg->paused || ++pieces == INFLATED_PIECES)) {
            if (!leg->paused)
                gw__timer_set(leg->call.ex->context->loop, &leg->timer,
                              gw__loop_ms(leg->call.ex->context->loop) + YIELD_MS);
            leg->paused = true;
            break;
        }
    }
    return data;
}

static void on_timer(struct gw__timer *timer)
{
    gw__thrift_go_on(gw__container_of(timer, struct gw__thrift_leg, timer));
}

void gw__thrift_init(struct gw__thrift_leg *leg)
{
    gw__timer_init(&leg->timer, on_timer);
}

static void begin_answer(struct gw__thrift_leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    ex->times.upstream_us = (int64_t)(ex->context->loop->now_us - ex->times.upstream_begun_us);
    leg->heard = true;
    gw__frame_reset(&leg->call.converter->frame);
}

void gw__thrift_take(struct gw__thrift_leg *leg, const char *data, size_t size)
{
    struct gw_exchange *ex = leg->call.ex;
    if (ex->answer.active) { /* another answer has taken the place of this one */
        leg->carrier->pause(leg);
        return;
    }
    gw__exchange_enter(ex);
    if (!leg->heard)
        begin_answer(leg);
    bool waits = leg->paused && leg->call.converter->frame.zlib;
    const char *end = data + size, *at = waits ? data : take_all(leg, data, end);
    if (leg->stream && at < end && !gw__kept_append(&leg->rest, at, (size_t)(end - at)))
        fail_memory(leg);
    if (leg->stream && leg->paused)
        leg->carrier->pause(leg);
    gw__exchange_leave(ex);
}

void gw__thrift_end(struct gw__thrift_leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    gw__exchange_enter(ex);
    if (leg->call.method->oneway) {
        gw__thrift_let_go(leg, true);
        gw__rpc_send_nothing(&leg->call, 202);
    } else if (leg->paused && leg->call.converter->frame.zlib) {
        leg->ended = true;
    } else if (leg->phase == GW__THRIFT_READ) {
        complete(leg, true);
    } else {
        gw__thrift_not_understood(leg, "it ends before its message");
    }
    gw__exchange_leave(ex);
}

void gw__thrift_go_on(struct gw__thrift_leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    if (!leg->stream || !leg->paused)
        return;
    gw__exchange_enter(ex);
    leg->paused = false;
    gw__timer_stop(&leg->timer);
    if (leg->call.converter->frame.zlib) {
        const char *end = leg->rest.data + leg->rest.size, *at = take_all(leg, leg->rest.data, end);
        if (leg->stream)
            gw__kept_leave(&leg->rest, (size_t)(end - at));
    }
    if (leg->stream && !leg->paused && leg->ended)
        gw__thrift_end(leg);
    else if (leg->stream && !leg->paused)
        leg->carrier->resume(leg);
    gw__exchange_leave(ex);
}
