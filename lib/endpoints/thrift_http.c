/* Carrier of a call as an HTTP request: POST, with one unframed message for a body each way. */
#include "endpoints/thrift.h"
#include "http/client.h"

enum { PIECES = 8 };

struct gw__thrift_heads {
    struct gw__head request, response;
};

static struct gw__thrift_leg *leg_of(const struct gw__client_stream *stream)
{
    return stream->user;
}

/* Some servers answer a oneway call, others don't, and keep the connection: it is closed once all is with the socket.
 * Its request is never told to be complete, or on_room would not come for the last of it. */
static void send_rest(struct gw__thrift_leg *leg)
{
    struct gw__client_stream *stream = leg->stream;
    bool oneway = leg->call.method->oneway;
    struct iovec pieces[PIECES];
    int count;
    while (!leg->blocked && (count = gw__thrift_pieces(leg, pieces, PIECES)) > 0)
        for (int i = 0; i < count; i++) {
            bool last = i == count - 1 && !leg->unsent && !oneway;
            if (stream->ops->send_data(stream, pieces[i].iov_base, pieces[i].iov_len, last, NULL))
                leg->blocked = true;
        }
    struct gw__conn *conn = &leg->attempt.outbound->conn;
    if (!leg->blocked && !conn->error && !conn->ended)
        gw__thrift_sent(leg);
}

/* ---- the answer ---- */

static void fail_status(struct gw__thrift_leg *leg, unsigned status)
{
    const char *why = gw_exchange_print(leg->call.ex, "its HTTP status is %u", status);
    gw__thrift_not_understood(leg, why ? why : "of its HTTP status");
}

static void on_interim(struct gw__client_stream *stream, struct gw__head *head)
{
}

static void on_head(struct gw__client_stream *stream, int64_t length)
{
    struct gw__thrift_leg *leg = leg_of(stream);
    struct gw_exchange *ex = leg->call.ex;
    if (ex->answer.active)
        return;
    gw__exchange_enter(ex);
    if (stream->head->status != 200)
        fail_status(leg, stream->head->status);
    else if (length == 0)
        gw__thrift_end(leg);
    gw__exchange_leave(ex);
}

static bool on_data(struct gw__client_stream *stream, const char *data, size_t size, bool last)
{
    struct gw__thrift_leg *leg = leg_of(stream);
    struct gw_exchange *ex = leg->call.ex;
    if (ex->answer.active)
        return true;
    gw__exchange_enter(ex);
    if (size && !leg->call.method->oneway)
        gw__thrift_take(leg, data, size);
    if (last && leg->stream)
        gw__thrift_end(leg);
    gw__exchange_leave(ex);
    return false;
}

static void on_room(struct gw__client_stream *stream)
{
    struct gw__thrift_leg *leg = leg_of(stream);
    leg->call.ex->times.active_ms = gw__loop_ms(leg->call.ex->context->loop);
    leg->blocked = false;
    send_rest(leg);
}

static void on_fail(struct gw__client_stream *stream, enum gw__stream_failure failure)
{
    struct gw__thrift_leg *leg = leg_of(stream);
    struct gw_exchange *ex = leg->call.ex;
    if (failure != GW__FAILED_GARBAGE && failure != GW__FAILED_MEMORY) {
        gw__thrift_broken(leg, stream->reused && !stream->heard);
        return;
    }
    if (ex->state.ended || ex->answer.active)
        return;
    gw__exchange_enter(ex);
    if (failure == GW__FAILED_GARBAGE) {
        gw__thrift_not_understood(leg, "it is no HTTP");
    } else {
        gw__thrift_let_go(leg, false);
        gw__rpc_fail_memory(&leg->call);
    }
    gw__exchange_leave(ex);
}

static const struct gw__client_handler handler = {
    .on_interim = on_interim,
    .on_head = on_head,
    .on_data = on_data,
    .on_room = on_room,
    .on_fail = on_fail,
};

/* ---- the request ---- */

static bool add(struct gw_exchange *ex, struct gw__head *head, struct gw__str name, struct gw__str value)
{
    return gw__fields_add(&head->fields, &ex->arena, name.data, name.size, value.data, value.size);
}

static struct gw__thrift_heads *make_heads(struct gw__thrift_leg *leg)
{
    struct gw_exchange *ex = leg->call.ex;
    struct gw__thrift_heads *heads = gw_exchange_alloc(ex, sizeof *heads);
    const char *address = leg->attempt.instance->text;
    struct gw__str type = GW__STR("application/x-thrift");
    struct gw__str host = strncmp(address, "unix:", 5) == 0 ? GW__STR("localhost") : gw__str(address);
    if (!heads)
        return NULL;
    *heads = (struct gw__thrift_heads){0};
    heads->request.method = GW__STR("POST");
    heads->request.method_id = GW__METHOD_POST;
    heads->request.path = gw__str(leg->call.options.path);
    heads->request.has_body = true;
    bool added = add(ex, &heads->request, GW__STR("Host"), host) &&
                 add(ex, &heads->request, GW__STR("Content-Type"), type) &&
                 add(ex, &heads->request, GW__STR("Accept"), type);
    return added ? heads : NULL;
}

static void use(struct gw__thrift_leg *leg)
{
    struct gw__thrift_heads *heads = make_heads(leg);
    struct gw__head *answer = heads ? &heads->response : NULL;
    struct gw__client_stream *stream =
        gw__client_use(leg->attempt.outbound, &handler, leg, answer, &leg->call.ex->arena);
    leg->stream = stream;
    if (!heads) {
        gw__thrift_let_go(leg, false);
        gw__rpc_fail_memory(&leg->call);
        return;
    }
    stream->ops->send_head(stream, &heads->request, true, (int64_t)gw__thrift_request_size(leg));
    send_rest(leg);
}

static void pause(struct gw__thrift_leg *leg)
{
    struct gw__client_stream *stream = leg->stream;
    stream->ops->pause(stream);
}

static void resume(struct gw__thrift_leg *leg)
{
    struct gw__client_stream *stream = leg->stream;
    stream->ops->resume(stream);
}

static void let_go(struct gw__thrift_leg *leg, bool good)
{
    struct gw__client_stream *stream = leg->stream;
    stream->ops->finish(stream);
}

const struct gw__thrift_carrier gw__thrift_http = {
    .protocol = GW__PROTOCOL_HTTP,
    .ends = true,
    .use = use,
    .pause = pause,
    .resume = resume,
    .let_go = let_go,
};
