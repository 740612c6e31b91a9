/* Endpoint `http`: proxies to an instance of a service, heads re-serialised from their one parse, bodies passed on as
 * they come. Nothing is buffered but what a blocked socket leaves, and a small body that may have to be sent again. */
#include "builtin.h"
#include "endpoints/forwarding.h"
#include "endpoints/max_forwards.h"
#include "endpoints/upstream.h"
#include "http/client.h"

#include <gateway/endpoint.h>
#include <gateway/error.h>

struct proxy {
    struct gw__service *service;
};

struct held { /* a piece of the request's body */
    struct held *next;
    size_t size;
    bool last;
    char data[];
};

struct leg { /* the exchange's way to the instance */
    struct gw_exchange *ex;
    struct gw__attempt attempt;
    struct gw__client_stream *stream;
    struct held *held, *newest;
    size_t held_bytes;
    bool holds; /* all of the body so far, for it may have to be sent again */
};

static const struct gw_option_spec options[] = {
    {.key = "service",
     .kind = GW_KIND_STRING,
     .required = true,
     .shorthand = true,
     .doc = "Name of the service to call."},
    {0},
};

static int create(struct gw_endpoint *self, const struct gw_option *given)
{
    struct proxy *proxy = gw_endpoint_data(self);
    proxy->service = gw__instance_service(&self->head, given, "service");
    return proxy->service ? 0 : GW_ERROR_CONFIG;
}

/* ---- the request ---- */

/* A body is gone once it has been sent, unless it is held. */
static bool may_repeat(const struct leg *leg)
{
    const struct gw__head *head = &leg->ex->request;
    return gw__method_is_idempotent(head->method_id) && (!head->has_body || leg->holds);
}

/* On a connection that may turn out to be dead. */
static void hold(struct leg *leg, const void *data, size_t size, bool last)
{
    struct gw_exchange *ex = leg->ex;
    leg->held_bytes += size;
    struct held *piece = NULL;
    if (!leg->stream->heard && leg->held_bytes <= (size_t)ex->chain->limits.replay_bytes)
        piece = gw__arena_alloc(&ex->arena, sizeof *piece + size);
    leg->holds = piece != NULL;
    if (!piece)
        return;
    *piece = (struct held){.size = size, .last = last};
    if (size)
        memcpy(piece->data, data, size);
    if (leg->newest)
        leg->newest->next = piece;
    else
        leg->held = piece;
    leg->newest = piece;
}

static const struct gw__client_handler handler;

static void send_request(struct leg *leg)
{
    struct gw_exchange *ex = leg->ex;
    const struct gw__head *head = &ex->request;
    bool expects_length =
        head->method_id == GW__METHOD_POST || head->method_id == GW__METHOD_PUT || head->method_id == GW__METHOD_PATCH;
    int64_t length = head->has_body ? head->content_length : expects_length ? 0 : -1;
    gw__endpoint_note_upstream(ex, &leg->attempt);
    leg->stream = gw__client_use(leg->attempt.outbound, &handler, leg, &ex->response, &ex->arena);
    leg->stream->ops->send_head(leg->stream, head, head->has_body, length);
    for (const struct held *piece = leg->held; piece; piece = piece->next) /* the second time */
        leg->stream->ops->send_data(leg->stream, piece->data, piece->size, piece->last, ex->in.trailers);
    leg->holds = leg->stream->reused && head->has_body && gw__method_is_idempotent(head->method_id);
}

static void on_ready(struct gw__attempt *attempt)
{
    struct leg *leg = gw__container_of(attempt, struct leg, attempt);
    gw__exchange_enter(leg->ex);
    send_request(leg);
    gw_exchange_resume_request(leg->ex);
    gw__exchange_leave(leg->ex);
}

static void on_failed(struct gw__attempt *attempt)
{
    struct leg *leg = gw__container_of(attempt, struct leg, attempt);
    gw__endpoint_fail_attempt(leg->ex, attempt);
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    const struct proxy *proxy = gw_endpoint_data(self);
    struct leg *leg = gw_exchange_scratch(ex, self);
    leg->ex = ex;
    leg->attempt.upstream = &ex->context->upstream;
    leg->attempt.service = proxy->service;
    leg->attempt.on_ready = on_ready;
    leg->attempt.on_failed = on_failed;
    leg->attempt.once = !may_repeat(leg);
    if (ex->request.method_id >= GW__METHOD_OPTIONS && !gw__max_forwards_pass(ex))
        return GW_REPLY;
    gw__forwarding_add(ex, proxy->service->name);
    if (!ex->request.has_body)
        ex->in.phase = GW__PHASE_DONE; /* nothing is to follow */
    switch (gw__attempt_start(&leg->attempt)) {
    case GW__ATTEMPT_READY:
        send_request(leg);
        return GW_CONTINUE;
    case GW__ATTEMPT_WAITING:
        ex->in.sink_full = true; /* until on_ready */
        return GW_CONTINUE;
    default:
        return gw__endpoint_fail_attempt(ex, &leg->attempt);
    }
}

static enum gw_flow on_request_data(struct gw_exchange *ex, struct gw_endpoint *self, const void *data, size_t size,
                                    bool last)
{
    struct leg *leg = gw_exchange_scratch(ex, self);
    if (!leg->stream)
        return GW_CONTINUE;
    if (leg->holds)
        hold(leg, data, size, last);
    return leg->stream->ops->send_data(leg->stream, data, size, last, ex->in.trailers) ? GW_WAIT : GW_CONTINUE;
}

/* ---- the response ---- */

static void on_interim(struct gw__client_stream *stream, struct gw__head *head)
{
    struct leg *leg = stream->user;
    if (leg->ex->stream && !leg->ex->state.over)
        leg->ex->stream->ops->send_interim(leg->ex->stream, head);
}

static void on_head(struct gw__client_stream *stream, int64_t length)
{
    struct leg *leg = stream->user;
    struct gw_exchange *ex = leg->ex;
    gw__exchange_enter(ex);
    gw__forwarding_add_via(ex, &ex->response);
    bool bodyless = ex->request.method_id == GW__METHOD_HEAD || ex->response.status == 304;
    enum gw_flow flow = gw_exchange_respond(ex, ex->response.status, bodyless ? ex->response.content_length : length);
    if (length == 0)
        gw_exchange_write(ex, NULL, 0, true);
    else if (flow == GW_WAIT)
        stream->ops->pause(stream);
    gw__exchange_leave(ex);
}

static bool on_data(struct gw__client_stream *stream, const char *data, size_t size, bool last)
{
    struct leg *leg = stream->user;
    if (leg->ex->answer.active) /* another answer has taken the place of this one */
        return true;
    if (last && stream->trailers.count)
        leg->ex->out.trailers = &stream->trailers;
    return gw_exchange_write(leg->ex, data, size, last) == GW_WAIT;
}

static void on_stream_room(struct gw__client_stream *stream)
{
    struct leg *leg = stream->user;
    gw_exchange_resume_request(leg->ex);
}

/* A pooled connection that was dead already: once more on a fresh one, if nothing can happen twice. */
static bool try_again(struct leg *leg, enum gw__stream_failure failure)
{
    struct gw_exchange *ex = leg->ex;
    struct gw__client_stream *stream = leg->stream;
    if (!stream->reused || stream->heard || failure > GW__FAILED_RESET || !may_repeat(leg))
        return false;
    leg->stream = NULL;
    stream->ops->finish(stream);
    leg->attempt.outbound = NULL;
    enum gw__attempt_result result = gw__attempt_again(&leg->attempt);
    if (result == GW__ATTEMPT_READY)
        send_request(leg);
    else if (result == GW__ATTEMPT_WAITING)
        ex->in.sink_full = true; /* until on_ready */
    return result != GW__ATTEMPT_FAILED;
}

static void on_stream_fail(struct gw__client_stream *stream, enum gw__stream_failure failure)
{
    struct leg *leg = stream->user;
    struct gw_exchange *ex = leg->ex;
    if (ex->state.ended || ex->answer.active || try_again(leg, failure))
        return;
    gw__exchange_enter(ex);
    if (ex->state.head_sent)
        gw__exchange_over(ex, "upstream gone");
    else if (failure == GW__FAILED_MEMORY)
        gw_exchange_fail_code(ex, 503, "GW5031", "proxy_internal_error", "out of memory");
    else if (failure == GW__FAILED_GARBAGE)
        gw_exchange_fail_code(ex, 502, "GW5024", "http_protocol_error", "the answer of %s is no HTTP",
                              gw__endpoint_upstream(ex));
    else
        gw_exchange_fail_code(ex, 502, "GW5023", "connection_terminated", "%s closed the connection",
                              gw__endpoint_upstream(ex));
    gw__exchange_leave(ex);
}

static const struct gw__client_handler handler = {
    .on_interim = on_interim,
    .on_head = on_head,
    .on_data = on_data,
    .on_room = on_stream_room,
    .on_fail = on_stream_fail,
};

static enum gw_flow on_room(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct leg *leg = gw_exchange_scratch(ex, self);
    if (leg->stream)
        leg->stream->ops->resume(leg->stream);
    return GW_CONTINUE;
}

static void on_end(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct leg *leg = gw_exchange_scratch(ex, self);
    if (leg->stream) {
        leg->stream->ops->finish(leg->stream);
        leg->attempt.outbound = NULL;
    }
    gw__attempt_finish(&leg->attempt);
}

const struct gw_endpoint_type gw__endpoint_http = {
    .size = sizeof gw__endpoint_http,
    .name = "http",
    .doc = "Proxies the request to an instance of a service over HTTP/1.1.",
    .options = options,
    .instance_size = sizeof(struct proxy),
    .scratch_size = sizeof(struct leg),
    .create = create,
    .on_request = on_request,
    .on_request_data = on_request_data,
    .on_room = on_room,
    .on_end = on_end,
};
