/* The pump without sockets: a driver plays the server codec, an endpoint echoes, filters move random amounts, wait,
 * fail. After every step no queue holds more than two marks; at the end the bytes are whole, on_end came once for
 * every stage that was reached, and the codec got its stream back. */
#include "unit.h"

#include "exchange/exchange.h"

#include <gateway/endpoint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILTERS = 5, TWO_MARKS = 2 * GW__MARK_BYTES };

struct rig {
    struct gw__loop loop;
    struct gw__context context;
    struct gw__exchange_site site;
    struct gw__view view, *current;
    struct gw__chain entry, chain;
    struct gw_filter filters[MAX_FILTERS], *row[MAX_FILTERS];
    struct gw_endpoint endpoint;
    struct gw__server_stream stream;
    uint64_t state;
    size_t sent, size, got;
    int ended[MAX_FILTERS], begun[MAX_FILTERS], finished, heads;
    bool paused, full, last_got, in_order, wait_now;
    int fail_in;   /* body hook call that fails; counts down */
    int wait_every; /* body hooks that hold: one in so many, 0 none */
};

static struct rig *rig;

static uint32_t draw(uint32_t below)
{
    rig->state = rig->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rig->state >> 33) % below;
}

static char byte_at(size_t at)
{
    return (char)(at * 7 + at / 251);
}

/* ---- stages ---- */

static size_t number_of(const struct gw_filter *self)
{
    return (size_t)(self - rig->filters);
}

static enum gw_flow count_begin(struct gw_exchange *ex, struct gw_filter *self)
{
    rig->begun[number_of(self)]++;
    return GW_CONTINUE;
}

static void count_end(struct gw_exchange *ex, struct gw_filter *self)
{
    rig->ended[number_of(self)]++;
}

static enum gw_flow jitter(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    size_t there = evbuffer_get_length(body->in);
    ck_assert_uint_le(there, GW__MARK_BYTES);
    if (rig->fail_in && --rig->fail_in == 0)
        return gw_exchange_fail(ex, 418, "on purpose");
    if (rig->wait_every && draw((uint32_t)rig->wait_every) == 0) {
        struct gw_hold *hold = gw_exchange_hold(ex);
        ck_assert_ptr_nonnull(hold);
        gw_hold_release(hold, GW_CONTINUE);
        return GW_WAIT;
    }
    if (!there || (!body->last && there < 4096 && draw(4) == 0))
        return GW_CONTINUE;
    evbuffer_remove_buffer(body->in, body->out, 1 + draw((uint32_t)there));
    return GW_CONTINUE;
}

static enum gw_flow pass_whole(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    size_t size;
    ck_assert(body->last);
    gw_exchange_request_body(ex, &size);
    ck_assert_uint_eq(size, rig->size);
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static const struct gw_filter_type jitter_type = {
    .name = "jitter", .on_request = count_begin, .on_request_body = jitter, .on_response_body = jitter, .on_end = count_end,
};
static const struct gw_filter_type whole_type = {
    .name = "whole", .whole_request_body = true, .on_request = count_begin, .on_request_body = pass_whole, .on_end = count_end,
};

static enum gw_flow echo_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    return gw_exchange_respond(ex, 200, -1) == GW_FAIL ? GW_FAIL : GW_CONTINUE;
}

static enum gw_flow echo_data(struct gw_exchange *ex, struct gw_endpoint *self, const void *data, size_t size,
                              bool last)
{
    return gw_exchange_write(ex, data, size, last);
}

static enum gw_flow echo_room(struct gw_exchange *ex, struct gw_endpoint *self)
{
    gw_exchange_resume_request(ex);
    return GW_CONTINUE;
}

static const struct gw_endpoint_type echo_type = {
    .name = "echo", .on_request = echo_request, .on_request_data = echo_data, .on_room = echo_room,
};

/* ---- the codec's part ---- */

static void no_interim(struct gw__server_stream *stream, const struct gw__head *head)
{
}

static void no_op(struct gw__server_stream *stream)
{
}

static void take_head(struct gw__server_stream *stream, struct gw__head *head, int64_t length)
{
    rig->heads++;
}

static bool take_data(struct gw__server_stream *stream, const char *data, size_t size, bool last,
                      const struct gw__fields *trailers)
{
    ck_assert(!rig->last_got);
    for (size_t i = 0; i < size; i++)
        rig->in_order = rig->in_order && data[i] == byte_at(rig->got + i);
    rig->got += size;
    rig->last_got = last;
    rig->full = !last && draw(3) == 0;
    return rig->full;
}

static void pause_source(struct gw__server_stream *stream)
{
    rig->paused = true;
}

static void resume_source(struct gw__server_stream *stream)
{
    rig->paused = false;
}

static void finish_stream(struct gw__server_stream *stream)
{
    rig->finished++;
    stream->user = NULL;
}

static const struct gw__server_stream_ops ops = {
    .send_interim = no_interim,
    .send_continue = no_op,
    .send_head = take_head,
    .send_data = take_data,
    .pause = pause_source,
    .resume = resume_source,
    .finish = finish_stream,
};

/* ---- the rig ---- */

static const struct gw__chain *route(const struct gw__view *view, struct gw_exchange *ex)
{
    return &rig->chain;
}

static void let_go(struct gw__view *view)
{
}

static void set_up(size_t filters, int whole, uint64_t seed)
{
    rig = calloc(1, sizeof *rig);
    rig->state = seed * 2654435761u + 1;
    rig->in_order = true;
    ck_assert_int_eq(gw__loop_init(&rig->loop, NULL), 0);
    gw__context_init(&rig->context, &rig->loop, NULL, NULL);
    for (size_t i = 0; i < filters; i++) {
        rig->filters[i] = (struct gw_filter){.head.name = "test", .type = (int)i == whole ? &whole_type : &jitter_type};
        rig->row[i] = &rig->filters[i];
    }
    rig->endpoint = (struct gw_endpoint){.head.name = "echo", .type = &echo_type};
    struct gw__limits limits = {.body_bytes = 1 << 30, .body_buffer_bytes = 1 << 30, .connections = 1, .in_flight = 1};
    struct gw__timeouts timeouts = {.response_ms = 60000, .stall_ms = 60000, .slow_ms = 60000, .total_ms = 60000};
    rig->chain = (struct gw__chain){
        .filters = rig->row, .endpoint = &rig->endpoint, .filter_count = (uint16_t)filters,
        .request_body_count = (uint16_t)filters, .limits = limits, .timeouts = timeouts,
        .response_body_count = (uint16_t)(filters - (whole >= 0)),
    };
    rig->entry = (struct gw__chain){.limits = limits, .timeouts = timeouts};
    rig->view = (struct gw__view){.entry = &rig->entry, .route = route, .let_go = let_go};
    rig->current = &rig->view;
    gw__exchange_site_init(&rig->site, &rig->context, &rig->current, &limits, &timeouts);
    rig->stream = (struct gw__server_stream){.ops = &ops, .handler = rig->site.http.handler, .site = &rig->site.http,
                                             .peer = "127.0.0.1:1"};
}

static void tear_down(void)
{
    gw__loop_leave(&rig->loop);
    gw__context_finish(&rig->context);
    gw__loop_finish(&rig->loop);
    free(rig);
    rig = NULL;
}

static void check_lane(const struct gw__lane *lane, int whole)
{
    if (lane->tail && whole < 0)
        ck_assert_uint_le(evbuffer_get_length(lane->tail), TWO_MARKS);
    for (uint16_t i = 0; lane->row && whole < 0 && i < lane->row->count; i++)
        ck_assert_uint_le(evbuffer_get_length(lane->row->stages[i].queue), TWO_MARKS);
}

static void give(size_t most)
{
    static char piece[GW__RECEIVE_BYTES];
    size_t left = rig->size - rig->sent, size = 1 + draw((uint32_t)most);
    size = size < left ? size : left;
    for (size_t i = 0; i < size; i++)
        piece[i] = byte_at(rig->sent + i);
    rig->sent += size;
    if (rig->stream.handler->on_data(&rig->stream, piece, size, rig->sent == rig->size))
        rig->paused = true;
}

static void begin(size_t size)
{
    struct gw__arena *arena;
    rig->size = size;
    struct gw__head *head = rig->stream.handler->on_begin(&rig->stream, &arena);
    ck_assert_ptr_nonnull(head);
    head->method = GW__STR("POST");
    head->path = GW__STR("/");
    head->method_id = GW__METHOD_POST;
    head->minor = 1;
    head->chunked = head->has_body = true;
    head->content_length = -1;
    rig->stream.handler->on_head(&rig->stream);
}

/* Plays until the stream is given back, or `steps` are done. */
static void play(int whole, int steps)
{
    bool gave_last = false;
    for (int step = 0; !rig->finished && step < steps; step++) {
        const struct gw_exchange *ex = rig->stream.user;
        gw__loop_enter(&rig->loop);
        if (!rig->paused && !gave_last && draw(2) == 0) {
            gave_last = rig->sent == rig->size;
            if (!gave_last)
                give(GW__RECEIVE_BYTES);
            gave_last = rig->sent == rig->size;
        } else if (rig->full) {
            rig->full = false;
            rig->stream.handler->on_room(&rig->stream);
        }
        if (!rig->finished) {
            check_lane(&ex->in, whole);
            check_lane(&ex->out, whole);
        }
        gw__loop_leave(&rig->loop);
        event_base_loop(rig->loop.base, EVLOOP_NONBLOCK); /* mail of holds */
    }
}

static void check_ends(size_t filters)
{
    ck_assert_int_eq(rig->finished, 1);
    for (size_t i = 0; i < filters; i++)
        ck_assert_int_eq(rig->ended[i], rig->begun[i]);
}

static const struct {
    size_t filters;
    int whole;
} rows[] = {{0, -1}, {1, -1}, {2, -1}, {4, -1}, {1, 0}, {3, 1}, {5, 4}};

START_TEST(echo_comes_whole)
{
    size_t size = 1 + (size_t)_i * 77773 % 1500000;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up(rows[i].filters, rows[i].whole, (uint64_t)_i + 1);
        rig->wait_every = _i % 3 == 2 ? 5 : 0;
        begin(size);
        play(rows[i].whole, 10000000);
        check_ends(rows[i].filters);
        ck_assert_uint_eq(rig->got, size);
        ck_assert(rig->in_order && rig->last_got && rig->heads == 1);
        for (size_t f = 0; f < rows[i].filters; f++)
            ck_assert_int_eq(rig->begun[f], 1);
        tear_down();
    }
}
END_TEST

START_TEST(client_leaves_at_any_step)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up(rows[i].filters, rows[i].whole, (uint64_t)_i + 100);
        rig->wait_every = _i % 2 ? 4 : 0;
        begin(500000);
        play(rows[i].whole, _i);
        if (!rig->finished)
            rig->stream.handler->on_gone(&rig->stream);
        check_ends(rows[i].filters);
        gw__loop_leave(&rig->loop);
        event_base_loop(rig->loop.base, EVLOOP_NONBLOCK); /* holds that come too late */
        ck_assert_int_eq(rig->finished, 1);
        tear_down();
    }
}
END_TEST

START_TEST(a_hook_fails_at_any_call)
{
    for (size_t i = 1; i < 4; i++) {
        set_up(rows[i].filters, -1, (uint64_t)_i + 200);
        rig->fail_in = _i + 1;
        begin(400000);
        play(-1, 1000000);
        check_ends(rows[i].filters);
        ck_assert_int_eq(rig->heads, 1);
        ck_assert(rig->fail_in > 0 || !rig->last_got || rig->got < 400000);
        tear_down();
    }
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("pump");
    TCase *tests = tcase_create("pump");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, echo_comes_whole, 0, 12);
    tcase_add_loop_test(tests, client_leaves_at_any_step, 0, 40);
    tcase_add_loop_test(tests, a_hook_fails_at_any_call, 0, 30);
    suite_add_tcase(suite, tests);
    return suite;
}
