/* Bodies: from a lane's source through the stages with body hooks to its sink.
 *
 * Each stage queues its input. A hook is shown no more than the next stage has room for, so queues
 * cannot compound along the row: none holds more than twice the mark. A stage that wants the whole
 * body is exempt from the mark on both sides. A lane without body hooks queues only while its sink is
 * not open or full. */
#include "exchange/exchange.h"

#include "base/alloc.h"

static bool is_whole(const struct gw__lane *lane, const struct gw__body_stage *stage)
{
    return lane->request && stage->filter->type->whole_request_body;
}

static bool has_body_hook(const struct gw__lane *lane, const struct gw_filter *filter)
{
    return lane->request ? filter->type->on_request_body || filter->type->whole_request_body
                         : filter->type->on_response_body != NULL;
}

static bool add_stage(struct gw__body_row *row, struct gw_filter *filter, uint16_t index)
{
    struct gw__body_stage *stage = &row->stages[row->count];
    *stage = (struct gw__body_stage){.filter = filter, .queue = evbuffer_new(), .index = index};
    if (!stage->queue)
        return false;
    row->count++;
    return true;
}

bool gw__body_prepare(struct gw_exchange *ex, struct gw__lane *lane)
{
    const struct gw__chain *chain = ex->chain;
    uint16_t wanted = lane->request ? chain->request_body_count : chain->response_body_count;
    if (!wanted || lane->row)
        return true;
    struct gw__body_row *row = gw__arena_zalloc(&ex->arena, sizeof *row + wanted * sizeof row->stages[0]);
    if (!row)
        return false;
    lane->row = row;
    row->shown = evbuffer_new();
    row->out = evbuffer_new();
    uint16_t count = lane->request ? chain->filter_count : lane->at;
    for (uint16_t i = 0; i < count; i++) {
        uint16_t index = lane->request ? i : count - 1 - i;
        if (has_body_hook(lane, chain->filters[index]) && !add_stage(row, chain->filters[index], index))
            return false;
    }
    if (!row->shown || !row->out)
        return false;
    if (!row->count) { /* none of them is outside where the response begins */
        gw__body_finish(lane);
        lane->row = NULL;
    } else if (lane->tail) {
        evbuffer_add_buffer(row->stages[0].queue, lane->tail);
        row->stages[0].ended = lane->ended;
    } else {
        row->stages[0].ended = lane->ended;
    }
    return true;
}

void gw__body_finish(struct gw__lane *lane)
{
    struct gw__body_row *row = lane->row;
    if (row) {
        for (uint16_t i = 0; i < row->count; i++)
            if (row->stages[i].queue)
                evbuffer_free(row->stages[i].queue);
        row->count = 0;
        if (row->shown)
            evbuffer_free(row->shown);
        if (row->out)
            evbuffer_free(row->out);
        row->shown = row->out = NULL;
    }
    if (lane->tail)
        evbuffer_free(lane->tail);
    lane->tail = NULL;
}

void gw__body_discard(struct gw_exchange *ex, struct gw__lane *lane)
{
    lane->phase = GW__PHASE_DONE;
    if (lane->tail)
        evbuffer_drain(lane->tail, evbuffer_get_length(lane->tail));
    for (uint16_t i = 0; lane->row && i < lane->row->count; i++) {
        evbuffer_drain(lane->row->stages[i].queue, evbuffer_get_length(lane->row->stages[i].queue));
        lane->row->stages[i].passed = true;
    }
}

struct gw__body_stage *gw__body_stage(const struct gw__lane *lane, uint16_t index)
{
    for (uint16_t i = 0; lane->row && i < lane->row->count; i++)
        if (lane->row->stages[i].index == index)
            return &lane->row->stages[i];
    return NULL;
}

/* ---- the sink ---- */

static void sink_request(struct gw_exchange *ex, const char *data, size_t size, bool last)
{
    struct gw_endpoint *endpoint = ex->chain->endpoint;
    if (!endpoint->type->on_request_data)
        return;
    struct gw__hook outer = ex->hook;
    ex->hook = (struct gw__hook){.lane = &ex->in, .index = ex->chain->filter_count, .body = true};
    enum gw_flow flow = endpoint->type->on_request_data(ex, endpoint, data, size, last);
    ex->hook = outer;
    if (flow == GW_WAIT)
        ex->in.sink_full = true;
    else if (flow != GW_CONTINUE)
        gw__pump_body_verdict(ex, &ex->in, ex->chain->filter_count, flow);
}

static void sink_response(struct gw_exchange *ex, const char *data, size_t size, bool last)
{
    struct gw__lane *lane = &ex->out;
    int64_t promised = lane->row || ex->answer.active ? -1 : ex->response_length;
    bool bodyless = ex->request.method_id == GW__METHOD_HEAD || ex->response.status == 304;
    if (promised >= 0 && !bodyless &&
        (lane->passed_bytes > (uint64_t)promised || (last && lane->passed_bytes != (uint64_t)promised))) {
        gw__exchange_over(ex, "cut");
        return;
    }
    if (ex->stream->ops->send_data(ex->stream, data, size, last, lane->trailers))
        lane->sink_full = true;
    if (last)
        gw__exchange_over(ex, NULL);
}

static void sink(struct gw_exchange *ex, struct gw__lane *lane, const char *data, size_t size, bool last)
{
    lane->passed_bytes += size;
    ex->times.active_ms = gw__loop_ms(ex->context->loop);
    if (last)
        lane->phase = GW__PHASE_DONE;
    if (lane->request)
        sink_request(ex, data, size, last);
    else
        sink_response(ex, data, size, last);
}

static void sink_buffer(struct gw_exchange *ex, struct gw__lane *lane, struct evbuffer *buffer, bool ended)
{
    while (lane->phase == GW__PHASE_BODY && !lane->sink_full && !ex->state.over) {
        struct evbuffer_iovec piece;
        if (evbuffer_peek(buffer, -1, NULL, &piece, 1) < 1 || !piece.iov_len) {
            if (ended)
                sink(ex, lane, NULL, 0, true);
            return;
        }
        bool last = ended && piece.iov_len == evbuffer_get_length(buffer);
        sink(ex, lane, piece.iov_base, piece.iov_len, last);
        evbuffer_drain(buffer, piece.iov_len);
    }
}

/* ---- the stages ---- */

static size_t room_behind(const struct gw_exchange *ex, const struct gw__lane *lane, uint16_t number)
{
    const struct gw__body_row *row = lane->row;
    bool last = number + 1 == row->count;
    if (is_whole(lane, &row->stages[number]))
        return SIZE_MAX;
    if (!last && is_whole(lane, &row->stages[number + 1]))
        return GW__MARK_BYTES;
    if (last && !lane->sink_open)
        return lane->request && ex->chain->endpoint->type->whole_request_body ? GW__MARK_BYTES : 0;
    size_t used = last ? (lane->tail ? evbuffer_get_length(lane->tail) : 0) + (lane->sink_full ? GW__MARK_BYTES : 0)
                       : evbuffer_get_length(row->stages[number + 1].queue);
    return used < GW__MARK_BYTES ? GW__MARK_BYTES - used : 0;
}

/* Moves the first bytes of a queue to where a hook is shown them; libevent keeps quiet about a copy that failed. */
static bool cut_off(struct gw_exchange *ex, struct gw__body_stage *stage, struct evbuffer *shown, size_t size)
{
    evbuffer_remove_buffer(stage->queue, shown, size);
    ex->state.out_of_memory = ex->state.out_of_memory || evbuffer_get_length(shown) != size;
    return !ex->state.out_of_memory;
}

static bool append_tail(struct gw_exchange *ex, struct gw__lane *lane, struct evbuffer *from)
{
    if (!lane->tail)
        lane->tail = evbuffer_new();
    if (lane->tail && evbuffer_add_buffer(lane->tail, from) == 0)
        return true;
    ex->state.out_of_memory = true;
    return false;
}

static void hand_on(struct gw_exchange *ex, struct gw__lane *lane, uint16_t number, bool ended)
{
    struct gw__body_row *row = lane->row;
    if (number + 1 < row->count) {
        if (evbuffer_add_buffer(row->stages[number + 1].queue, row->out) < 0)
            ex->state.out_of_memory = true;
        row->stages[number + 1].ended = ended;
        return;
    }
    if (append_tail(ex, lane, row->out) && lane->sink_open)
        sink_buffer(ex, lane, lane->tail, ended);
}

static enum gw_flow call_hook(struct gw_exchange *ex, struct gw__lane *lane, struct gw__body_stage *stage,
                              struct gw_body *body)
{
    const struct gw_filter_type *type = stage->filter->type;
    enum gw_flow (*hook)(struct gw_exchange *, struct gw_filter *, struct gw_body *) =
        lane->request ? type->on_request_body : type->on_response_body;
    if (!hook) {
        evbuffer_add_buffer(body->out, body->in);
        return GW_CONTINUE;
    }
    struct gw__hook outer = ex->hook;
    ex->hook = (struct gw__hook){.lane = lane, .index = stage->index, .body = true};
    enum gw_flow flow = hook(ex, stage->filter, body);
    flow = gw__check_hook(ex, flow, stage->filter->head.name);
    ex->hook = outer;
    return flow;
}

/* Shows a stage what it may see; true if anything moved. */
static bool step(struct gw_exchange *ex, struct gw__lane *lane, uint16_t number)
{
    struct gw__body_row *row = lane->row;
    struct gw__body_stage *stage = &row->stages[number];
    size_t have = evbuffer_get_length(stage->queue), room = room_behind(ex, lane, number);
    if (stage->passed || stage->parked || (!have && !stage->ended) || (!room && have) ||
        (is_whole(lane, stage) && !stage->ended))
        return false;
    size_t show = have < room ? have : room;
    bool last = stage->ended && show == have;
    struct gw_body body = {.in = show == have ? stage->queue : row->shown, .out = row->out, .last = last};
    if (show < have && !cut_off(ex, stage, row->shown, show))
        return false;
    enum gw_flow flow = call_hook(ex, lane, stage, &body);
    size_t left = evbuffer_get_length(body.in), produced = evbuffer_get_length(row->out);
    if (show < have && evbuffer_prepend_buffer(stage->queue, row->shown) < 0)
        ex->state.out_of_memory = true;
    if (flow == GW_REPLY || flow == GW_FAIL) {
        evbuffer_drain(row->out, produced);
        gw__pump_body_verdict(ex, lane, stage->index, flow);
        return false;
    }
    stage->parked = flow == GW_WAIT;
    stage->passed = flow == GW_CONTINUE && last && !left;
    bool stuck = flow == GW_CONTINUE && left == show && !produced && show && (last || show >= GW__MARK_BYTES);
    if (stuck) {
        gw__answer_fail(ex, 500, "GW5004", "http_request_error", "filter '%s' took nothing from a full or last piece",
                        stage->filter->head.name);
        gw__pump_body_verdict(ex, lane, stage->index, GW_FAIL);
        return false;
    }
    hand_on(ex, lane, number, stage->passed);
    return left < show || produced || stage->passed;
}

/* A thread has the exchange, or will have it before the response's head has left: nothing may come in then. */
static bool is_for_thread(const struct gw_exchange *ex, const struct gw__lane *lane)
{
    uint16_t first = lane->request || lane->phase != GW__PHASE_HEAD ? 0 : ex->chain->blocking_response;
    return ex->job || (first && first <= lane->at);
}

static bool source_is_full(const struct gw_exchange *ex, const struct gw__lane *lane)
{
    if (lane->phase == GW__PHASE_DONE || lane->ended)
        return false;
    if (is_for_thread(ex, lane))
        return true;
    if (!lane->row)
        return lane->sink_full ||
               (lane->tail && evbuffer_get_length(lane->tail) &&
                !(lane->request && ex->state.routed && ex->chain->endpoint &&
                  ex->chain->endpoint->type->whole_request_body && lane->at == ex->chain->filter_count));
    const struct gw__body_stage *first = &lane->row->stages[0];
    bool collects = is_whole(lane, first) && lane->at >= first->index; /* whose limit is looked at as it grows */
    return evbuffer_get_length(first->queue) >= GW__MARK_BYTES && !collects;
}

static void check_source(struct gw_exchange *ex, struct gw__lane *lane)
{
    bool was = lane->source_full;
    lane->source_full = source_is_full(ex, lane);
    if (!was || lane->source_full || ex->state.over)
        return;
    if (lane->request) {
        gw__exchange_restart_rate(ex);
        if (ex->stream)
            ex->stream->ops->resume(ex->stream);
    } else if (ex->state.endpoint_started && !ex->answer.active && ex->chain->endpoint->type->on_room) {
        struct gw_endpoint *endpoint = ex->chain->endpoint;
        struct gw__hook outer = ex->hook;
        ex->hook = (struct gw__hook){.lane = &ex->in, .index = ex->chain->filter_count, .body = true};
        enum gw_flow flow = endpoint->type->on_room(ex, endpoint);
        ex->hook = outer;
        if (flow == GW_REPLY || flow == GW_FAIL)
            gw__pump_body_verdict(ex, lane, ex->chain->filter_count, flow);
    }
}

static void flush_tail(struct gw_exchange *ex, struct gw__lane *lane)
{
    bool ended = lane->row ? lane->row->stages[lane->row->count - 1].passed : lane->ended;
    if (!lane->sink_open || lane->sink_full || lane->phase != GW__PHASE_BODY || ex->state.out_of_memory)
        return;
    if (lane->tail)
        sink_buffer(ex, lane, lane->tail, ended);
    else if (ended)
        sink(ex, lane, NULL, 0, true);
}

static bool may_run(const struct gw_exchange *ex, const struct gw__lane *lane)
{
    return lane->phase != GW__PHASE_DONE && !ex->state.over && !ex->state.out_of_memory;
}

void gw__body_run(struct gw_exchange *ex, struct gw__lane *lane)
{
    if (lane->running) {
        lane->again = true;
        return;
    }
    lane->running = true;
    do {
        lane->again = false;
        flush_tail(ex, lane);
        for (uint16_t i = lane->row ? lane->row->open : 0; i-- > 0 && may_run(ex, lane);)
            while (may_run(ex, lane) && step(ex, lane, i))
                lane->again = true;
    } while (lane->again && may_run(ex, lane));
    lane->running = false;
    if (ex->state.out_of_memory && !ex->state.over) { /* bytes may be missing: whole it must not look */
        gw__answer_fail(ex, 503, "GW5031", "http_request_error", "out of memory");
        gw__pump_body_verdict(ex, lane, lane->at, GW_FAIL);
    }
    check_source(ex, lane);
}

void gw__body_open_sink(struct gw_exchange *ex, struct gw__lane *lane)
{
    lane->sink_open = true;
    if (lane->phase == GW__PHASE_HEAD)
        lane->phase = GW__PHASE_BODY;
    if (lane->row)
        lane->row->open = lane->row->count;
    else if (!lane->tail && !lane->ended && !lane->source_full && !ex->state.out_of_memory)
        return; /* nothing has come yet */
    gw__body_run(ex, lane);
}

static bool over_limit(const struct gw_exchange *ex, const struct gw__lane *lane)
{
    int64_t limit = ex->chain->limits.body_bytes;
    return lane->request && limit > 0 && lane->bytes > (uint64_t)limit;
}

bool gw__body_push(struct gw_exchange *ex, struct gw__lane *lane, const char *data, size_t size, bool last)
{
    lane->bytes += size;
    lane->ended = lane->ended || last;
    ex->times.active_ms = gw__loop_ms(ex->context->loop);
    if (lane->phase == GW__PHASE_DONE || ex->state.over)
        return false;
    bool direct = !lane->row && lane->sink_open && !lane->sink_full && !(lane->tail && evbuffer_get_length(lane->tail));
    if (direct && !lane->running && !over_limit(ex, lane)) {
        sink(ex, lane, data, size, last);
        return lane->source_full = source_is_full(ex, lane);
    }
    struct evbuffer *queue = lane->row ? lane->row->stages[0].queue : lane->tail;
    if (!queue)
        queue = lane->tail = evbuffer_new();
    if (!queue || (size && evbuffer_add(queue, data, size) < 0))
        ex->state.out_of_memory = true;
    if (lane->row && last)
        lane->row->stages[0].ended = true;
    gw__body_run(ex, lane);
    if (!ex->state.over && lane->phase != GW__PHASE_DONE && over_limit(ex, lane))
        gw__pump_too_large(ex);
    if (!ex->state.over && lane->request && lane->phase == GW__PHASE_HEAD && !lane->parked)
        gw__pump_request(ex); /* a stage may have been waiting for the whole body */
    return lane->source_full = source_is_full(ex, lane);
}
