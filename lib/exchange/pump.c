/* The pump: moves heads from stage to stage by the verdicts of their hooks, and decides when bodies may
 * follow. Hooks never call each other; whatever they return is acted on here. An exchange ends at the
 * outermost gw__exchange_leave(), never inside a hook. */
#include "exchange/exchange.h"

#include <stdio.h>

static const char *hook_name(const struct gw_exchange *ex, uint16_t index)
{
    if (index < ex->chain->filter_count)
        return ex->chain->filters[index]->head.name;
    return ex->chain->endpoint ? ex->chain->endpoint->head.name : "routing";
}

enum gw_flow gw__check_hook(struct gw_exchange *ex, enum gw_flow flow, const char *name)
{
    if (ex->state.out_of_memory && !ex->answer.pending) {
        gw__answer_fail(ex, 503, "GW5031", "http_request_error", "out of memory");
        return GW_FAIL;
    }
    if (ex->answer.pending)
        return ex->answer.failed ? GW_FAIL : GW_REPLY;
    if (flow == GW_WAIT && !ex->hook.waits) {
        gw__answer_fail(ex, 500, "GW5002", "http_request_error", "filter '%s' waits for nothing", name);
        return GW_FAIL;
    }
    if (flow == GW_REPLY || flow == GW_FAIL) {
        gw__answer_fail(ex, 500, "GW5003", "http_request_error", "filter '%s' failed", name);
        return GW_FAIL;
    }
    return flow;
}

static enum gw_flow call_head_hook(struct gw_exchange *ex, struct gw__lane *lane, uint16_t index)
{
    struct gw_filter *filter = ex->chain->filters[index];
    const struct gw_filter_type *type = filter->type;
    enum gw_flow (*hook)(struct gw_exchange *, struct gw_filter *) =
        lane->request ? type->on_request : type->on_response;
    if (!hook)
        return GW_CONTINUE;
    if (type->blocking) {
        if (!gw__thread_start(ex, lane, index)) {
            gw__answer_fail(ex, 503, "GW5032", "http_request_error", "no thread is free for filter '%s'",
                            filter->head.name);
            return GW_FAIL;
        }
        return GW_WAIT;
    }
    struct gw__hook outer = ex->hook;
    ex->hook = (struct gw__hook){.lane = lane, .index = index};
    enum gw_flow flow = gw__check_hook(ex, hook(ex, filter), filter->head.name);
    ex->hook = outer;
    return flow;
}

/* ---- request ---- */

static const char methods[] = "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS";

/* TRACE shows a client what proxies before it added for the backend's eyes: not unless it is asked for. */
static bool refuse_trace(struct gw_exchange *ex)
{
    gw__answer_fail(ex, 405, "GW4051", "http_request_denied", "TRACE is not allowed here");
    gw_exchange_set_response_header(ex, "Allow", methods);
    gw__pump_answer(ex, ex->in.at);
    return false;
}

/* OPTIONS * asks for the server in general (RFC 9110 section 9.3.7), which is the gateway. */
static bool answer_unrouted(struct gw_exchange *ex)
{
    if (ex->request.path.data[0] == '*') {
        gw_exchange_set_response_header(ex, "Allow", methods);
        gw_exchange_reply_data(ex, 200, NULL, "", 0);
        return false;
    }
    gw__answer_fail(ex, 404, "GW4041", "destination_not_found", "no route for %s %.*s", gw_exchange_method(ex),
                    (int)(ex->request.path.size < 200 ? ex->request.path.size : 200), ex->request.path.data);
    gw__pump_answer(ex, ex->in.at);
    return false;
}

static bool refuse_overload(struct gw_exchange *ex, bool pressed)
{
    if (pressed)
        gw__answer_fail(ex, 503, "GW5035", "http_request_denied", "the gateway runs out of memory or descriptors");
    else
        gw__answer_fail(ex, 503, "GW5034", "http_request_denied", "too many requests are being served");
    gw_exchange_set_response_header(ex, "Retry-After", "1");
    gw__pump_answer(ex, ex->in.at);
    return false;
}

static bool route(struct gw_exchange *ex)
{
    const struct gw__http_site *site = ex->stream->site;
    uint64_t active = atomic_load_explicit(&ex->context->counters.active, memory_order_relaxed);
    if (active > (uint64_t)ex->view->entry->limits.in_flight || site->pressure > 1)
        return refuse_overload(ex, site->pressure > 1);
    if (ex->request.method_id == GW__METHOD_TRACE && !site->options.trace)
        return refuse_trace(ex);
    const struct gw__chain *chain = ex->view->route(ex->view, ex);
    if (!chain)
        return answer_unrouted(ex);
    ex->chain = chain;
    ex->state.routed = true;
    ex->times.timeout_ms = chain->timeouts.response_ms;
    ex->times.stall_ms = chain->timeouts.stall_ms;
    ex->times.end_ms = ex->times.begun_us / 1000 + (uint64_t)chain->timeouts.total_ms;
    if (gw__timer_pending(&ex->timer)) /* a decorator has waited */
        gw__exchange_arm(ex);
    size_t split = ex->view->entry->scratch_bytes, scratch = chain->scratch_bytes - split;
    char *space = scratch ? gw__arena_zalloc(&ex->arena, scratch) : NULL;
    ex->scratch[1] = space ? (uintptr_t)space - split : 0;
    if ((scratch && !space) || (chain->request_body_count && (ex->request.content_length >= 0 || !ex->in.ended) &&
                                !gw__body_prepare(ex, &ex->in))) {
        gw__answer_fail(ex, 503, "GW5031", "http_request_error", "out of memory");
        gw__pump_answer(ex, ex->in.at);
        return false;
    }
    if (chain->limits.body_bytes > 0 && ex->request.content_length > chain->limits.body_bytes) {
        gw__pump_too_large(ex);
        return false;
    }
    return true;
}

/* Of a body that is wanted whole, complete or not: filters may have held it back or made it longer on its way. */
static bool over_buffer(struct gw_exchange *ex, const struct evbuffer *body)
{
    if (!body || evbuffer_get_length(body) <= (size_t)ex->chain->limits.body_buffer_bytes)
        return false;
    gw__pump_too_large(ex);
    return true;
}

/* True once all of the body stands before the stage that wants it whole, or is refused. */
static bool collected(struct gw_exchange *ex, struct gw__body_stage *stage)
{
    if (!stage)
        return true;
    uint16_t before = (uint16_t)(stage - ex->in.row->stages);
    if (!stage->ended) {
        ex->stream->ops->send_continue(ex->stream);
        if (ex->in.row->open < before || ex->in.source_full) {
            ex->in.row->open = before;
            gw__body_run(ex, &ex->in);
        }
    }
    return ex->in.phase != GW__PHASE_HEAD || over_buffer(ex, stage->queue) || stage->ended;
}

static void pass_filter(struct gw_exchange *ex)
{
    struct gw__lane *lane = &ex->in;
    struct gw_filter *filter = ex->chain->filters[lane->at];
    struct gw__body_stage *stage =
        filter->type->whole_request_body && ex->state.routed ? gw__body_stage(lane, lane->at) : NULL;
    lane->at++;
    if (!stage)
        return;
    lane->row->open = (uint16_t)(stage - lane->row->stages) + 1;
    gw__body_run(ex, lane);
}

static bool endpoint_wants_whole(const struct gw_exchange *ex)
{
    return ex->chain->endpoint->type->whole_request_body;
}

/* Where the length behind the body hooks is known, because all has passed them, it goes upstream. */
static void settle_length(struct gw_exchange *ex)
{
    const struct gw__lane *lane = &ex->in;
    if (!lane->row)
        return;
    bool passed = lane->row->stages[lane->row->count - 1].passed;
    size_t size = lane->tail ? evbuffer_get_length(lane->tail) : 0;
    ex->request.content_length = passed ? (int64_t)size : -1;
    ex->request.chunked = !passed;
    ex->request.has_body = ex->request.has_body || !passed || size;
}

/* What follows from the verdict of the endpoint's on_request: an answer, or the body may come. */
static void after_endpoint(struct gw_exchange *ex, enum gw_flow flow)
{
    struct gw__lane *lane = &ex->in;
    if (ex->answer.pending || flow == GW_REPLY || flow == GW_FAIL) {
        gw__pump_body_verdict(ex, lane, ex->chain->filter_count, flow);
        return;
    }
    if (ex->state.out_of_memory) {
        gw__answer_fail(ex, 503, "GW5031", "http_request_error", "out of memory");
        gw__pump_answer(ex, ex->chain->filter_count);
        return;
    }
    if (lane->phase != GW__PHASE_BODY || ex->state.over)
        return;
    if (endpoint_wants_whole(ex)) { /* its body stays where gw_exchange_request_body() finds it */
        lane->phase = GW__PHASE_DONE;
        return;
    }
    if (!lane->ended)
        ex->stream->ops->send_continue(ex->stream);
    gw__body_open_sink(ex, lane);
}

static void reach_endpoint(struct gw_exchange *ex)
{
    struct gw__lane *lane = &ex->in;
    struct gw_endpoint *endpoint = ex->chain->endpoint;
    if (endpoint_wants_whole(ex) && !lane->ended) {
        ex->stream->ops->send_continue(ex->stream);
        if (lane->source_full) {
            lane->source_full = false;
            ex->stream->ops->resume(ex->stream);
        }
    }
    bool empty = lane->ended && !lane->bytes; /* then its hooks can say at once whether it stays so */
    if (lane->row && (empty || endpoint_wants_whole(ex))) {
        lane->row->open = lane->row->count;
        gw__body_run(ex, lane);
        if (lane->phase != GW__PHASE_HEAD)
            return;
    }
    bool complete = lane->row ? lane->row->stages[lane->row->count - 1].passed : lane->ended;
    if (endpoint_wants_whole(ex) && (over_buffer(ex, lane->tail) || !complete))
        return;
    settle_length(ex);
    ex->state.endpoint_started = true;
    lane->phase = GW__PHASE_BODY;
    enum gw_flow flow;
    if (endpoint->type->blocking) {
        if (!gw__thread_start(ex, lane, ex->chain->filter_count)) {
            gw__answer_fail(ex, 503, "GW5032", "http_request_error", "no thread is free for endpoint '%s'",
                            endpoint->head.name);
            flow = GW_FAIL;
        } else {
            lane->parked = true;
            return;
        }
    } else {
        struct gw__hook outer = ex->hook;
        ex->hook = (struct gw__hook){.lane = lane, .index = ex->chain->filter_count};
        flow = endpoint->type->on_request(ex, endpoint);
        ex->hook = outer;
    }
    after_endpoint(ex, flow);
}

void gw__pump_request(struct gw_exchange *ex)
{
    struct gw__lane *lane = &ex->in;
    while (lane->phase == GW__PHASE_HEAD && !lane->parked && !ex->state.over) {
        if (!ex->state.routed && lane->at == ex->view->entry->filter_count && !route(ex))
            return;
        if (lane->at == ex->chain->filter_count) {
            reach_endpoint(ex);
            return;
        }
        struct gw_filter *filter = ex->chain->filters[lane->at];
        if (filter->type->whole_request_body && !collected(ex, gw__body_stage(lane, lane->at)))
            return;
        if (lane->phase != GW__PHASE_HEAD)
            return;
        ex->reached = lane->at + 1;
        enum gw_flow flow = call_head_hook(ex, lane, lane->at);
        if (flow == GW_WAIT)
            lane->parked = true;
        else if (flow == GW_CONTINUE)
            pass_filter(ex);
        else
            gw__pump_answer(ex, lane->at);
    }
}

/* ---- response ---- */

static int64_t final_length(const struct gw_exchange *ex)
{
    if (ex->out.row)
        return -1;
    return ex->answer.active ? (int64_t)ex->answer.size : ex->response_length;
}

static bool has_no_body(const struct gw_exchange *ex)
{
    return ex->request.method_id == GW__METHOD_HEAD || ex->response.status == 204 || ex->response.status == 304;
}

static void send_head(struct gw_exchange *ex)
{
    struct gw__lane *lane = &ex->out;
    const struct gw__http_site *site = ex->stream->site;
    if (!site->options.server)
        gw__fields_remove(&ex->response.fields, "Server", 6);
    ex->state.head_sent = true;
    if (ex->times.stall_ms < ex->times.timeout_ms) /* else what is armed comes first */
        gw__exchange_arm(ex);
    ex->stream->ops->send_head(ex->stream, &ex->response, final_length(ex));
    lane->phase = GW__PHASE_BODY;
    if (ex->answer.active) {
        lane->sink_open = true;
        if (lane->row)
            lane->row->open = lane->row->count;
        gw__body_push(ex, lane, ex->answer.data, has_no_body(ex) ? 0 : ex->answer.size, true);
    } else {
        gw__body_open_sink(ex, lane);
    }
}

void gw__pump_response(struct gw_exchange *ex)
{
    struct gw__lane *lane = &ex->out;
    while (lane->phase == GW__PHASE_HEAD && !lane->parked && !ex->state.over) {
        if (lane->at == 0) {
            send_head(ex);
            return;
        }
        enum gw_flow flow = call_head_hook(ex, lane, lane->at - 1);
        if (flow == GW_WAIT)
            lane->parked = true;
        else if (flow == GW_CONTINUE)
            lane->at--;
        else
            gw__pump_answer(ex, lane->at - 1);
    }
}

/* The response begins at stage `from`: the filters before it see it, innermost first. */
static void begin_response(struct gw_exchange *ex, uint16_t from)
{
    struct gw__lane *lane = &ex->out;
    ex->state.responded = true;
    lane->at = from < ex->reached ? from : ex->reached;
    if (ex->chain->response_body_count && !has_no_body(ex) && !gw__body_prepare(ex, lane))
        ex->state.out_of_memory = true;
    gw__pump_response(ex);
}

void gw__pump_answer(struct gw_exchange *ex, uint16_t index)
{
    struct gw__lane *lane = &ex->out;
    struct gw__answer *answer = &ex->answer;
    answer->pending = false;
    if (ex->state.over)
        return;
    if (ex->state.head_sent) {
        gw__exchange_over(ex, "cut");
        return;
    }
    answer->active = true;
    if (!gw__fields_find_id(&ex->response.fields, GW__FIELD_SERVER))
        gw__fields_add(&ex->response.fields, &ex->arena, "Server", 6, "gateway", 7); /* if it fits */
    ex->job = NULL; /* not submitted yet, or this would not run */
    gw__body_discard(ex, &ex->in);
    ex->in.parked = false;
    gw__holds_cancel(ex);
    gw__calls_cancel(ex);
    lane->parked = false;
    lane->ended = false;
    lane->trailers = NULL;
    if (!ex->state.responded)
        gw__exchange_end_endpoint(ex); /* its answer would come too late */
    if (lane->row || lane->tail) { /* what the endpoint has sent so far is dropped, and stages begin anew */
        gw__body_finish(lane);
        lane->row = NULL;
    }
    if (!ex->state.responded) {
        begin_response(ex, index);
        return;
    }
    uint16_t outside = index < lane->at ? index : lane->at;
    lane->at = outside;
    if (ex->chain->response_body_count && !has_no_body(ex) && !gw__body_prepare(ex, lane))
        ex->state.out_of_memory = true;
    gw__pump_response(ex);
}

void gw__pump_too_large(struct gw_exchange *ex)
{
    gw__answer_fail(ex, 413, "GW4131", "http_request_error", "the request's body is too large");
    gw__pump_answer(ex, ex->in.at);
}

void gw__pump_body_verdict(struct gw_exchange *ex, struct gw__lane *lane, uint16_t index, enum gw_flow flow)
{
    if (!ex->answer.pending)
        gw__answer_fail(ex, 500, "GW5003", "http_request_error", "'%s' failed", hook_name(ex, index));
    gw__pump_answer(ex, index);
}

/* ---- waiting ---- */

static void resume_body(struct gw_exchange *ex, struct gw__lane *lane, uint16_t index, enum gw_flow flow)
{
    struct gw__body_stage *stage = gw__body_stage(lane, index);
    if (!stage || !stage->parked || flow == GW_WAIT)
        return;
    stage->parked = false;
    if (flow == GW_CONTINUE)
        gw__body_run(ex, lane);
    else
        gw__pump_body_verdict(ex, lane, index, flow);
    if (lane->request && !lane->parked)
        gw__pump_request(ex);
}

static void resume_endpoint(struct gw_exchange *ex, enum gw_flow flow)
{
    struct gw_endpoint *endpoint = ex->chain->endpoint;
    if (ex->in.parked) { /* its on_request has run on a thread */
        ex->in.parked = false;
        after_endpoint(ex, flow);
        return;
    }
    if (flow == GW_CONTINUE && endpoint->type->on_room) {
        struct gw__hook outer = ex->hook;
        ex->hook = (struct gw__hook){.lane = &ex->in, .index = ex->chain->filter_count};
        flow = endpoint->type->on_room(ex, endpoint);
        ex->hook = outer;
    }
    if (ex->answer.pending || flow == GW_FAIL || flow == GW_REPLY)
        gw__pump_body_verdict(ex, &ex->in, ex->chain->filter_count, flow);
}

static void resume_head(struct gw_exchange *ex, struct gw__lane *lane, uint16_t index, enum gw_flow flow)
{
    if (!lane->parked || flow == GW_WAIT)
        return;
    lane->parked = false;
    if (flow != GW_CONTINUE) {
        gw__pump_body_verdict(ex, lane, index, flow);
    } else if (lane->request) {
        pass_filter(ex);
        gw__pump_request(ex);
    } else {
        lane->at--;
        gw__pump_response(ex);
    }
}

void gw__pump_resume(struct gw_exchange *ex, const struct gw__hook *hook, enum gw_flow flow)
{
    if (ex->state.over || ex->state.ended)
        return;
    gw__exchange_enter(ex);
    gw__exchange_restart_rate(ex);
    if (hook->index == ex->chain->filter_count && ex->state.endpoint_started)
        resume_endpoint(ex, flow);
    else if (hook->body)
        resume_body(ex, hook->lane, hook->index, flow);
    else
        resume_head(ex, hook->lane, hook->index, flow);
    gw__exchange_leave(ex);
}

/* ---- for endpoints ---- */

/* The pump is the loop's. A thread's hook fails; the loop meanwhile can only note that its endpoint does not wait. */
static enum gw_flow refuse_streaming(struct gw_exchange *ex)
{
    if (!gw__thread_is_here(ex)) {
        ex->state.broken = true;
        return GW_CONTINUE;
    }
    return gw_exchange_fail_code(ex, 500, "GW5006", NULL, "a blocking hook can't stream its response");
}

enum gw_flow gw_exchange_respond(struct gw_exchange *ex, int status, int64_t length)
{
    if (ex->job && gw__thread_has(ex))
        return refuse_streaming(ex);
    if (ex->state.over || ex->state.ended || ex->state.responded)
        return GW_CONTINUE;
    gw__exchange_enter(ex);
    if (ex->response.status != status) /* else its reason phrase stays */
        gw_exchange_set_status(ex, status);
    ex->response_length = length;
    if (ex->times.upstream_begun_us && ex->times.upstream_us < 0)
        ex->times.upstream_us = (int64_t)(ex->context->loop->now_us - ex->times.upstream_begun_us);
    ex->times.active_ms = gw__loop_ms(ex->context->loop);
    begin_response(ex, ex->chain->filter_count);
    enum gw_flow flow = ex->out.sink_open || ex->state.over ? GW_CONTINUE : GW_WAIT;
    ex->out.source_full = flow == GW_WAIT;
    gw__exchange_leave(ex);
    return flow;
}

enum gw_flow gw_exchange_write(struct gw_exchange *ex, const void *data, size_t size, bool last)
{
    if (ex->job && gw__thread_has(ex))
        return refuse_streaming(ex);
    if (ex->state.over || ex->state.ended || ex->answer.active || !ex->state.responded || ex->out.ended)
        return GW_CONTINUE;
    gw__exchange_enter(ex);
    bool full = gw__body_push(ex, &ex->out, data, size, last);
    gw__exchange_leave(ex);
    return full && !last ? GW_WAIT : GW_CONTINUE;
}

void gw_exchange_resume_request(struct gw_exchange *ex)
{
    if (ex->state.over || ex->state.ended || !ex->in.sink_full)
        return;
    ex->in.sink_full = false;
    if (gw__thread_has(ex))
        return;
    gw__exchange_enter(ex);
    gw__body_run(ex, &ex->in);
    gw__exchange_leave(ex);
}
