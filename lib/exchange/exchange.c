/* Life of an exchange: begun by the server codec when a head arrives, over when its response has left or
 * can't any more, ended once nothing of it is on the stack, freed by a task at the top of the loop. */
#include "exchange/exchange.h"

#include "base/alloc.h"
#include "exchange/client.h"

#include <sys/random.h>
#include <time.h>

static void handle_deadline(struct gw__timer *timer);
static void run_free(struct gw__task *task);

/* ---- end ---- */

static void count_end(struct gw_exchange *ex)
{
    struct gw__counters *counters = &ex->context->counters;
    unsigned class = ex->state.head_sent ? ex->response.status / 100u : 0;
    gw__count(&counters->requests, 1);
    gw__count(&counters->active, (uint64_t)-1);
    gw__count(&counters->responses[class < 6 ? class : 0], 1);
    gw__count(&counters->request_bytes, ex->in.bytes);
    gw__count(&counters->response_bytes, ex->out.passed_bytes);
}

void gw__exchange_end_endpoint(struct gw_exchange *ex)
{
    struct gw_endpoint *endpoint = ex->chain->endpoint;
    if (!ex->state.endpoint_started || ex->state.endpoint_ended)
        return;
    ex->state.endpoint_ended = true;
    if (endpoint->type->on_end)
        endpoint->type->on_end(ex, endpoint);
}

static void call_on_end(struct gw_exchange *ex)
{
    gw__exchange_end_endpoint(ex);
    for (uint16_t i = ex->reached; i-- > 0;) {
        struct gw_filter *filter = ex->chain->filters[i];
        if (filter->type->on_end)
            filter->type->on_end(ex, filter);
    }
}

static void end(struct gw_exchange *ex)
{
    struct gw__server_stream *stream = ex->stream;
    ex->state.ended = true;
    gw__timer_stop(&ex->timer);
    gw__holds_cancel(ex);
    if (ex->calls)
        gw__calls_cancel(ex);
    call_on_end(ex);
    count_end(ex);
    gw__list_remove(&ex->link);
    ex->stream = NULL;
    stream->ops->finish(stream);
    gw__loop_defer(ex->context->loop, &ex->free_task);
}

void gw__exchange_over(struct gw_exchange *ex, const char *cut)
{
    if (ex->state.over)
        return;
    ex->state.over = true;
    ex->text.cut = cut;
}

void gw__exchange_leave(struct gw_exchange *ex)
{
    if (--ex->depth || ex->state.ended || ex->job)
        return;
    if (ex->state.over)
        end(ex);
    else if (!gw__timer_pending(&ex->timer)) /* it has begun just now */
        gw__exchange_arm(ex);
}

static void run_free(struct gw__task *task)
{
    struct gw_exchange *ex = gw__container_of(task, struct gw_exchange, free_task);
    for (struct gw__defer *defer = ex->defers; defer; defer = defer->next)
        defer->release(defer->arg); /* which may look at its instance: the view goes behind it */
    if (ex->in.row || ex->in.tail)
        gw__body_finish(&ex->in);
    if (ex->out.row || ex->out.tail)
        gw__body_finish(&ex->out);
    gw__view_unpin(ex->view);
    struct gw__arena arena = ex->arena; /* which holds the exchange itself */
    gw__arena_finish(&arena);
}

/* ---- deadline ---- */

static bool awaits_client(const struct gw_exchange *ex)
{
    return !ex->in.ended && ex->in.phase != GW__PHASE_DONE && !ex->in.source_full && !ex->in.parked;
}

void gw__exchange_expire(struct gw_exchange *ex)
{
    struct gw__lane *lane = ex->in.parked ? &ex->in : ex->out.parked ? &ex->out : NULL;
    struct gw__body_stage *stage = NULL;
    uint64_t now = gw__loop_ms(ex->context->loop);
    bool ended = now >= ex->times.end_ms;
    if (ended)
        ex->times.end_ms = now + (uint64_t)ex->times.stall_ms; /* for sending the failure */
    for (uint16_t i = 0; !lane && ex->in.row && i < ex->in.row->count; i++)
        if (ex->in.row->stages[i].parked)
            stage = &ex->in.row->stages[i];
    if (lane || stage) {
        uint16_t index = stage ? stage->index : lane->request ? lane->at : lane->at - 1;
        const char *name =
            index < ex->chain->filter_count ? ex->chain->filters[index]->head.name : ex->chain->endpoint->head.name;
        gw__answer_fail(ex, 504, "GW5042", "http_response_timeout", "filter '%s' did not answer in time", name);
        gw__pump_answer(ex, index);
    } else if (awaits_client(ex)) {
        gw__answer_fail(ex, 408, "GW4081", "http_request_error", "the request's body did not come in time");
        gw__pump_answer(ex, ex->state.endpoint_started ? ex->chain->filter_count : ex->in.at);
    } else {
        ex->state.endpoint_late = true;
        gw__answer_fail(ex, 504, ended ? "GW5043" : "GW5041", "http_response_timeout",
                        ended ? "the exchange took too long" : "no response in time");
        gw__pump_answer(ex, ex->chain->filter_count);
    }
}

static uint64_t due_ms(const struct gw_exchange *ex)
{
    const struct gw__times *times = &ex->times;
    bool awaits = awaits_client(ex), stalls = ex->state.head_sent || (awaits && times->stall_ms < times->timeout_ms);
    uint64_t due = times->active_ms + (uint64_t)(stalls ? times->stall_ms : times->timeout_ms);
    if (awaits && !ex->state.head_sent) {
        uint64_t slow = times->rate_ms + (uint64_t)ex->chain->timeouts.slow_ms;
        due = slow < due ? slow : due;
    }
    return due < times->end_ms ? due : times->end_ms;
}

void gw__exchange_restart_rate(struct gw_exchange *ex)
{
    ex->times.rate_ms = gw__loop_ms(ex->context->loop);
    ex->times.rate_bytes = ex->in.bytes;
}

/* The time over which the rate of a request's body is measured has passed well: a new one. */
static void measure_rate(struct gw_exchange *ex)
{
    struct gw__times *times = &ex->times;
    const struct gw__chain *chain = ex->chain;
    uint64_t now = gw__loop_ms(ex->context->loop);
    uint64_t least = (uint64_t)(chain->limits.body_rate * chain->timeouts.slow_ms);
    bool passed = now >= times->rate_ms + (uint64_t)chain->timeouts.slow_ms;
    if (passed && (ex->in.bytes - times->rate_bytes) * 1000 >= least)
        gw__exchange_restart_rate(ex);
}

static void handle_deadline(struct gw__timer *timer)
{
    struct gw_exchange *ex = gw__container_of(timer, struct gw_exchange, timer);
    struct gw__loop *loop = ex->context->loop;
    if (ex->job) /* what runs on a thread is not cut: it is looked at when it returns */
        return;
    measure_rate(ex);
    if (!gw__exchange_is_late(ex)) {
        gw__timer_set(loop, timer, due_ms(ex));
        return;
    }
    gw__exchange_enter(ex);
    gw__timer_set(loop, timer, gw__loop_ms(loop) + (uint64_t)ex->times.stall_ms); /* for sending the failure */
    ex->times.active_ms = gw__loop_ms(loop);
    if (ex->state.head_sent)
        gw__exchange_over(ex, "deadline");
    else
        gw__exchange_expire(ex);
    gw__exchange_leave(ex);
}

bool gw__exchange_is_late(const struct gw_exchange *ex)
{
    return due_ms(ex) <= gw__loop_ms(ex->context->loop);
}

void gw__exchange_arm(struct gw_exchange *ex)
{
    if (!gw__timer_pending(&ex->timer) || ex->timer.deadline_ms > due_ms(ex))
        gw__timer_set(ex->context->loop, &ex->timer, due_ms(ex));
}

void gw_exchange_set_timeout_ms(struct gw_exchange *ex, int64_t timeout_ms)
{
    ex->times.timeout_ms = timeout_ms;
    ex->times.active_ms = gw__exchange_now_us(ex) / 1000;
    if (!gw__thread_has(ex)) /* else when that gives it back */
        gw__exchange_arm(ex);
}

/* ---- begin ---- */

static struct gw__head *on_begin(struct gw__server_stream *stream, struct gw__arena **arena)
{
    struct gw__exchange_site *site = gw__container_of(stream->site, struct gw__exchange_site, http);
    struct gw__context *context = site->context;
    struct gw__arena space;
    gw__arena_init(&space, &context->loop->blocks);
    struct gw__view *view = site->fixed ? site->fixed : *site->current;
    size_t scratch = view ? view->entry->scratch_bytes : 0;
    struct gw_exchange *ex = view ? gw__arena_zalloc(&space, sizeof *ex) : NULL;
    if (!ex || (scratch && !(ex->scratch[0] = (uintptr_t)gw__arena_zalloc(&space, scratch)))) {
        gw__arena_finish(&space);
        return NULL;
    }
    ex->arena = space;
    ex->context = context;
    ex->view = view;
    ex->view->pins++;
    ex->chain = ex->view->entry;
    ex->stream = stream;
    ex->state.secure = stream->secure;
    ex->text.client = stream->peer;
    ex->in.request = true;
    ex->response_length = -1;
    ex->times = (struct gw__times){
        .begun_us = context->loop->now_us,
        .active_ms = gw__loop_ms(context->loop),
        .upstream_us = -1,
        .timeout_ms = site->http.timeouts.response_ms,
        .stall_ms = site->http.timeouts.stall_ms,
        .end_ms = gw__loop_ms(context->loop) + (uint64_t)view->entry->timeouts.total_ms,
        .rate_ms = gw__loop_ms(context->loop),
    };
    ex->free_task.run = run_free;
    gw__list_append(&context->exchanges, &ex->link);
    gw__timer_init(&ex->timer, handle_deadline);
    gw__count(&context->counters.active, 1);
    stream->user = ex;
    *arena = &ex->arena;
    return &ex->request;
}

static void on_head(struct gw__server_stream *stream)
{
    struct gw_exchange *ex = stream->user;
    gw__exchange_enter(ex);
    if (!ex->request.has_body)
        ex->in.ended = true;
    gw__client_identify(ex);
    gw__pump_request(ex);
    gw__exchange_leave(ex);
}

/* What is no HTTP passes the decorators on its way out, so that it is logged; their request hooks have
 * nothing to look at and do not run. */
static void on_bad(struct gw__server_stream *stream, const struct gw__parse_error *error)
{
    struct gw_exchange *ex = stream->user;
    if (!ex)
        return;
    gw__exchange_enter(ex);
    if (ex->job) {
        gw__exchange_over(ex, "client gone");
    } else if (ex->in.at == 0 && !ex->reached && !ex->state.routed) {
        ex->in.ended = true;
        ex->in.phase = GW__PHASE_DONE;
        ex->in.at = ex->reached = ex->chain->decorator_count;
    }
    if (!ex->state.over) {
        const char *code = error->status == 408 ? "GW4082" : error->status == 429 ? "GW4291" : "GW4001";
        const char *proxy_error = error->status == 429 ? "http_request_denied" : "http_request_error";
        gw__answer_fail(ex, error->status, code, proxy_error, "%s", error->reason);
        gw__pump_answer(ex, ex->state.endpoint_started ? ex->chain->filter_count : ex->in.at);
    }
    gw__exchange_leave(ex);
}

static bool on_data(struct gw__server_stream *stream, const char *data, size_t size, bool last)
{
    struct gw_exchange *ex = stream->user;
    if (!ex)
        return false;
    gw__exchange_enter(ex);
    if (last && stream->trailers.count)
        ex->in.trailers = &stream->trailers;
    bool full = gw__body_push(ex, &ex->in, data, size, last) || ex->job;
    gw__exchange_leave(ex);
    return full;
}

static void on_room(struct gw__server_stream *stream)
{
    struct gw_exchange *ex = stream->user;
    if (!ex)
        return;
    ex->out.sink_full = false;
    if (gw__thread_has(ex))
        return;
    gw__exchange_enter(ex);
    ex->times.active_ms = gw__loop_ms(ex->context->loop);
    gw__body_run(ex, &ex->out);
    gw__exchange_leave(ex);
}

static void on_gone(struct gw__server_stream *stream)
{
    struct gw_exchange *ex = stream->user;
    if (!ex)
        return;
    gw__exchange_enter(ex);
    gw__exchange_over(ex, "client gone");
    gw__exchange_leave(ex);
}

static const struct gw__server_handler handler = {
    .on_begin = on_begin,
    .on_head = on_head,
    .on_bad = on_bad,
    .on_data = on_data,
    .on_room = on_room,
    .on_gone = on_gone,
};

/* ---- context, site, view ---- */

void gw__context_init(struct gw__context *context, struct gw__loop *loop, struct gw_server *server,
                      struct gw__blocking *blocking)
{
    struct timespec now;
    uint64_t random = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    context->loop = loop;
    context->server = server;
    context->blocking = blocking;
    context->id_seed = ((uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec) * 0x9e3779b97f4a7c15u ^ (uintptr_t)context;
    ssize_t added = getrandom(&random, sizeof random, GRND_NONBLOCK);
    if (added == (ssize_t)sizeof random) /* without it time and address are all there is */
        context->id_seed ^= random;
    gw__list_init(&context->exchanges);
    gw__upstream_init(&context->upstream, loop, &context->raw);
}

void gw__context_finish(struct gw__context *context)
{
    gw__upstream_finish(&context->upstream);
    while (context->spares) {
        struct gw__spare *spare = context->spares;
        context->spares = spare->next;
        spare->destroy(spare);
    }
}

void gw__exchange_site_init(struct gw__exchange_site *site, struct gw__context *context, struct gw__view **current,
                            const struct gw__limits *limits, const struct gw__timeouts *timeouts)
{
    memset(site, 0, sizeof *site);
    site->context = context;
    site->current = current;
    site->http = (struct gw__http_site){
        .loop = context->loop,
        .handler = &handler,
        .limits = *limits,
        .timeouts = *timeouts,
        .raw = &context->raw,
        .gauge = &context->counters.connections,
        .refusals = context->counters.refusals,
    };
    gw__list_init(&site->http.connections);
}

void gw__view_unpin(struct gw__view *view)
{
    if (--view->pins == 0 && view->retired)
        view->let_go(view);
}

void gw__view_swap(struct gw__view **current, struct gw__view *next)
{
    struct gw__view *old = *current;
    *current = next;
    if (!old)
        return;
    old->retired = true;
    if (!old->pins)
        old->let_go(old);
}
