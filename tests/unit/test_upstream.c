/* Cells, balancing, pools and attempts, on a loop of the test's own; instances are listening sockets. */
#include "http/client.h"
#include "net/byte_stream.h"
#include "unit.h"
#include "upstream/attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 4 };

static struct gw__loop loop;
static struct gw__services services;
static struct gw__upstream upstream;
static struct gw__raw_head raw;
static struct gw__service *service;
static struct gw__instance_config configs[MOST];
static char texts[MOST][32];
static int listeners[MOST];

static void set_up(void)
{
    ck_assert_int_eq(gw__loop_init(&loop, NULL), 0);
    gw__services_init(&services);
    gw__upstream_init(&upstream, &loop, &raw);
    service = gw__services_hold(&services, "s");
    for (int i = 0; i < MOST; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;
        listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(listeners[i], (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(listen(listeners[i], 16), 0);
        ck_assert_int_eq(getsockname(listeners[i], (struct sockaddr *)&address, &size), 0);
        snprintf(texts[i], sizeof texts[i], "127.0.0.1:%d", ntohs(address.sin_port));
        configs[i] = (struct gw__instance_config){.text = texts[i], .weight = 1};
        configs[i].address.size = size;
        memcpy(&configs[i].address.to, &address, size);
    }
    service->next_connect_ms = 1000;
    service->next_pool_idle = 2;
    service->next_pool_keep_alive_ms = 60000;
}

static void tear_down(void)
{
    gw__loop_enter(&loop);
    gw__upstream_finish(&upstream);
    gw__loop_leave(&loop);
    gw__loop_finish(&loop);
    gw__service_release(service);
    ck_assert(gw__list_empty(&services.cells));
    for (int i = 0; i < MOST; i++)
        close(listeners[i]);
}

static void publish(uint32_t from, uint32_t count)
{
    ck_assert(gw__service_prepare(&services, service, configs + from, count));
    gw__snapshot_free(gw__service_publish(service));
}

static const struct gw__snapshot *current(void)
{
    return atomic_load(&service->snapshot);
}

static int pick(void)
{
    const struct gw__instance *instance = gw__upstream_pick(&upstream, service);
    for (int i = 0; i < MOST; i++)
        if (strcmp(instance->text, texts[i]) == 0)
            return i;
    return -1;
}

static void turn(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
}

/* ---- snapshots ---- */

START_TEST(a_new_snapshot_takes_instances_over)
{
    publish(0, 3);
    struct gw__instance *kept = current()->instances[1], *gone = current()->instances[0];
    gw__instance_hold(gone);
    publish(1, 3);
    ck_assert_ptr_eq(current()->instances[0], kept);
    ck_assert(!atomic_load(&kept->removed));
    ck_assert(atomic_load(&gone->removed));
    ck_assert_int_eq(atomic_load(&gone->refs), 1);
    publish(0, 2); /* it comes back as another one */
    ck_assert_ptr_ne(current()->instances[0], gone);
    ck_assert_uint_ne(current()->instances[0]->index, gone->index);
    gw__instance_release(gone);
}
END_TEST

START_TEST(another_weight_or_address_is_another_instance)
{
    publish(0, 2);
    const struct gw__instance *first = current()->instances[0], *second = current()->instances[1];
    configs[0].weight = 2;
    publish(0, 2);
    ck_assert_ptr_ne(current()->instances[0], first);
    ck_assert_ptr_eq(current()->instances[1], second);
    ck_assert(!current()->equal);
    ck_assert_uint_eq(current()->total_weight, 3);
}
END_TEST

START_TEST(what_is_discarded_changes_nothing)
{
    publish(0, 2);
    const struct gw__snapshot *before = current();
    ck_assert(gw__service_prepare(&services, service, configs, 4));
    ck_assert(gw__service_prepare(&services, service, configs + 1, 1)); /* in place of the first */
    gw__service_discard_next(service);
    gw__service_discard_next(service);
    ck_assert_ptr_null(service->next);
    ck_assert_ptr_eq(current(), before);
    ck_assert(!atomic_load(&before->instances[0]->removed));
    ck_assert_int_eq(atomic_load(&before->instances[1]->refs), 1);
}
END_TEST

START_TEST(preparing_without_memory_changes_nothing)
{
    publish(0, 1);
    for (int i = 0;; i++) {
        fail_allocation(i);
        bool good = gw__service_prepare(&services, service, configs, 4);
        allocate_normally();
        if (good) {
            ck_assert_int_eq(i, 4); /* the snapshot and three new instances */
            break;
        }
        ck_assert_ptr_null(service->next);
        ck_assert_int_eq(atomic_load(&current()->instances[0]->refs), 1);
    }
}
END_TEST

START_TEST(a_cell_is_found_and_counted)
{
    ck_assert_ptr_eq(gw__services_hold(&services, "s"), service);
    struct gw__service *other = gw__services_hold(&services, "t");
    ck_assert_uint_ne(other->index, service->index);
    gw__service_release(service);
    ck_assert_ptr_eq(gw__services_find(&services, "s"), service);
    gw__service_release(other);
    ck_assert_ptr_null(gw__services_find(&services, "t"));
}
END_TEST

/* ---- balancing ---- */

START_TEST(equal_turns_are_exactly_equal)
{
    ck_assert_ptr_null(gw__upstream_pick(&upstream, service));
    publish(0, 3);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(pick(), i % 3);
}
END_TEST

START_TEST(weighted_turns_are_exact_and_spread)
{
    static const uint32_t weights[] = {5, 1, 1};
    int counts[MOST] = {0}, longest = 0, run = 0, last = -1;
    for (int i = 0; i < 3; i++)
        configs[i].weight = weights[i];
    publish(0, 3);
    for (int i = 0; i < 70; i++) {
        int place = pick();
        counts[place]++;
        run = place == last ? run + 1 : 1;
        longest = run > longest ? run : longest;
        last = place;
    }
    ck_assert_int_eq(counts[0], 50);
    ck_assert_int_eq(counts[1], 10);
    ck_assert_int_eq(counts[2], 10);
    ck_assert_int_le(longest, 4); /* a a b a c a a: smooth, not five in a row and two over the border */
    configs[0].weight = 2; /* other weights, another number: shares hold from there on */
    configs[3].weight = 4;
    publish(0, 4);
    memset(counts, 0, sizeof counts);
    for (int i = 0; i < 80; i++)
        counts[pick()]++;
    ck_assert(counts[0] == 20 && counts[1] == 10 && counts[2] == 10 && counts[3] == 40);
}
END_TEST

/* ---- pools ---- */

struct wish {
    struct gw__attempt attempt;
    int ready, failed;
};

static void on_ready(struct gw__attempt *attempt)
{
    gw__container_of(attempt, struct wish, attempt)->ready++;
}

static void on_failed(struct gw__attempt *attempt)
{
    gw__container_of(attempt, struct wish, attempt)->failed++;
}

static enum gw__attempt_result begin(struct wish *wish, enum gw__protocol protocol, bool once)
{
    *wish = (struct wish){.attempt = {.upstream = &upstream,
                                      .service = service,
                                      .protocol = protocol,
                                      .once = once,
                                      .on_ready = on_ready,
                                      .on_failed = on_failed}};
    gw__loop_enter(&loop);
    enum gw__attempt_result result = gw__attempt_start(&wish->attempt);
    gw__loop_leave(&loop);
    return result;
}

static enum gw__attempt_result start(struct wish *wish)
{
    return begin(wish, GW__PROTOCOL_HTTP, false);
}

static enum gw__attempt_result start_in(struct wish *wish, enum gw__protocol protocol)
{
    return begin(wish, protocol, false);
}

static enum gw__attempt_result start_once(struct wish *wish)
{
    return begin(wish, GW__PROTOCOL_THRIFT, true);
}

static void finish(struct wish *wish)
{
    gw__loop_enter(&loop);
    gw__attempt_finish(&wish->attempt);
    gw__loop_leave(&loop);
}

static void finish_use(struct wish *wish, bool good)
{
    gw__loop_enter(&loop);
    gw__byte_stream_finish(gw__byte_stream_use(wish->attempt.outbound, NULL, NULL), good);
    gw__attempt_finish(&wish->attempt);
    gw__loop_leave(&loop);
}

static struct gw__pool *thrift_pool(void)
{
    return gw__upstream_pool(&upstream, service, current()->instances[0], GW__PROTOCOL_THRIFT);
}

static struct gw__pool *pool_of(uint32_t place)
{
    return gw__upstream_pool(&upstream, service, current()->instances[place], GW__PROTOCOL_HTTP);
}

/* Connections nobody waits for any more go to the pool. */
static void fill_pool(struct gw__outbound **clients, int count)
{
    for (int i = 0; i < count; i++) {
        struct wish wish;
        ck_assert_int_eq(start(&wish), GW__ATTEMPT_WAITING);
        clients[i] = wish.attempt.outbound;
        finish(&wish);
        turn(10);
    }
}

START_TEST(the_last_used_is_used_next)
{
    publish(0, 1);
    struct gw__outbound *clients[2];
    struct wish a, b;
    ck_assert_int_eq(start(&a), GW__ATTEMPT_WAITING);
    ck_assert_int_eq(start(&b), GW__ATTEMPT_WAITING);
    clients[0] = a.attempt.outbound, clients[1] = b.attempt.outbound;
    finish(&a);
    turn(10);
    ck_assert_uint_eq(pool_of(0)->idle_count, 1);
    ck_assert_uint_eq(pool_of(0)->busy_count, 1);
    ck_assert_int_eq(b.ready, 1);
    ck_assert_int_eq(a.ready, 0);
    ck_assert_int_eq(start(&a), GW__ATTEMPT_READY);
    ck_assert_ptr_eq(a.attempt.outbound, clients[0]);
    ck_assert_ptr_null(gw__pool_take(pool_of(0), false));
    gw__attempt_finish(&a.attempt);
    gw__attempt_finish(&b.attempt);
    (void)clients[1];
}
END_TEST

static void sweep_in(uint64_t ms)
{
    gw__loop_enter(&loop);
    loop.now_ms += ms;
    gw__upstream_sweep(&upstream);
    gw__loop_leave(&loop);
}

START_TEST(no_more_than_the_limit_idle_for_a_second)
{
    publish(0, 1);
    struct wish wishes[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(start(&wishes[i]), GW__ATTEMPT_WAITING);
    for (int i = 0; i < 4; i++)
        finish(&wishes[i]);
    turn(20);
    sweep_in(500);
    ck_assert_uint_eq(pool_of(0)->idle_count, 4);
    ck_assert_uint_eq(pool_of(0)->busy_count, 0);
    sweep_in(1100);
    ck_assert_uint_eq(pool_of(0)->idle_count, 2);
}
END_TEST

START_TEST(none_idle_where_none_may_be)
{
    struct wish wish;
    service->next_pool_idle = 0;
    publish(0, 1);
    ck_assert_int_eq(start(&wish), GW__ATTEMPT_WAITING);
    finish(&wish);
    turn(20);
    ck_assert_uint_eq(pool_of(0)->idle_count + pool_of(0)->busy_count, 0);
}
END_TEST

START_TEST(what_idles_too_long_is_swept)
{
    struct gw__outbound *clients[1];
    service->next_pool_keep_alive_ms = 50;
    publish(0, 1);
    fill_pool(clients, 1);
    gw__loop_enter(&loop);
    gw__upstream_sweep(&upstream);
    ck_assert_uint_eq(pool_of(0)->idle_count, 1);
    turn(80);
    gw__loop_enter(&loop);
    gw__upstream_sweep(&upstream);
    gw__loop_leave(&loop);
    ck_assert_uint_eq(pool_of(0)->idle_count, 0);
}
END_TEST

START_TEST(a_removed_instances_pool_goes)
{
    struct gw__outbound *clients[1];
    struct wish wish;
    publish(0, 1);
    fill_pool(clients, 1);
    ck_assert_int_eq(start(&wish), GW__ATTEMPT_READY);
    struct gw__instance *gone = current()->instances[0];
    uint32_t index = gone->index;
    gw__instance_hold(gone);
    publish(1, 1);
    gw__loop_enter(&loop);
    gw__upstream_sweep(&upstream);
    ck_assert_ptr_nonnull(upstream.pools[index]); /* one is in use */
    struct gw__client_stream *stream = gw__client_use(wish.attempt.outbound, NULL, NULL, NULL, NULL);
    stream->ops->finish(stream);
    gw__attempt_finish(&wish.attempt);
    gw__loop_leave(&loop);
    gw__loop_enter(&loop);
    gw__upstream_sweep(&upstream);
    gw__loop_leave(&loop);
    ck_assert_ptr_null(upstream.pools[index]);
    ck_assert_int_eq(atomic_load(&gone->refs), 1);
    gw__instance_release(gone);
}
END_TEST

START_TEST(a_pooled_connection_that_is_closed_leaves)
{
    struct gw__outbound *clients[1];
    publish(0, 1);
    fill_pool(clients, 1);
    ck_assert_uint_eq(pool_of(0)->idle_count, 1);
    close(accept(listeners[0], NULL, NULL));
    turn(10);
    ck_assert_uint_eq(pool_of(0)->idle_count, 0);
    struct wish wish;
    ck_assert_int_eq(start(&wish), GW__ATTEMPT_WAITING);
    finish(&wish);
}
END_TEST

START_TEST(protocols_have_pools_of_their_own)
{
    struct gw__outbound *http[1];
    struct wish wish;
    publish(0, 1);
    fill_pool(http, 1);
    ck_assert_uint_eq(pool_of(0)->idle_count, 1);
    ck_assert_int_eq(start_in(&wish, GW__PROTOCOL_THRIFT), GW__ATTEMPT_WAITING);
    struct gw__outbound *thrift = wish.attempt.outbound;
    finish(&wish);
    turn(10);
    ck_assert_uint_eq(pool_of(0)->idle_count, 1);
    ck_assert_int_eq(start_in(&wish, GW__PROTOCOL_THRIFT), GW__ATTEMPT_READY);
    ck_assert_ptr_eq(wish.attempt.outbound, thrift);
    finish_use(&wish, true);
    ck_assert_int_eq(start(&wish), GW__ATTEMPT_READY);
    ck_assert_ptr_eq(wish.attempt.outbound, http[0]);
    struct gw__instance *gone = current()->instances[0];
    uint32_t index = gone->index;
    gw__instance_hold(gone);
    publish(1, 1);
    gw__loop_enter(&loop);
    gw__upstream_sweep(&upstream);
    ck_assert_ptr_nonnull(upstream.pools[index]); /* HTTP's alone is left: one is in use */
    ck_assert_int_eq(upstream.pools[index]->protocol, GW__PROTOCOL_HTTP);
    ck_assert_ptr_null(upstream.pools[index]->next);
    struct gw__client_stream *stream = gw__client_use(wish.attempt.outbound, NULL, NULL, NULL, NULL);
    stream->ops->finish(stream);
    gw__attempt_finish(&wish.attempt);
    gw__upstream_sweep(&upstream);
    gw__loop_leave(&loop);
    ck_assert_ptr_null(upstream.pools[index]);
    ck_assert_int_eq(atomic_load(&gone->refs), 1);
    gw__instance_release(gone);
}
END_TEST

/* The loop does not turn between the peer's close and the taking: only a look at the socket can tell. */
START_TEST(what_may_be_sent_once_is_not_sent_on_a_dead_connection)
{
    struct wish wish;
    publish(0, 1);
    ck_assert_int_eq(start_once(&wish), GW__ATTEMPT_WAITING);
    finish(&wish);
    turn(10);
    int peer = accept(listeners[0], NULL, NULL);
    usleep(15000);
    ck_assert_int_eq(start_once(&wish), GW__ATTEMPT_READY); /* quiet for long, but alive */
    finish_use(&wish, true);
    close(peer);
    ck_assert_int_eq(start_once(&wish), GW__ATTEMPT_READY); /* in use a moment ago: not looked at */
    finish_use(&wish, true);
    usleep(15000);
    ck_assert_int_eq(start_once(&wish), GW__ATTEMPT_WAITING);
    ck_assert_uint_eq(thrift_pool()->idle_count, 0);
    ck_assert_uint_eq(thrift_pool()->busy_count, 1);
    finish(&wish);
}
END_TEST

/* ---- byte streams ---- */

static struct {
    char bytes[64];
    size_t size;
    int rooms, ends, error;
} heard;

static void hear_data(struct gw__byte_stream *stream, const char *data, size_t size)
{
    ck_assert_uint_le(heard.size + size, sizeof heard.bytes);
    memcpy(heard.bytes + heard.size, data, size);
    heard.size += size;
}

static void hear_room(struct gw__byte_stream *stream)
{
    heard.rooms++;
}

static void hear_end(struct gw__byte_stream *stream, int error)
{
    heard.ends++;
    heard.error = error;
}

static const struct gw__byte_stream_handler hearing = {
    .on_data = hear_data, .on_room = hear_room, .on_end = hear_end};

/* A connected stream, whose other end is *peer. */
static struct gw__byte_stream *open_stream(struct wish *wish, int *peer)
{
    memset(&heard, 0, sizeof heard);
    ck_assert_int_eq(start_in(wish, GW__PROTOCOL_THRIFT), GW__ATTEMPT_WAITING);
    turn(10);
    ck_assert_int_eq(wish->ready, 1);
    *peer = accept(listeners[0], NULL, NULL);
    ck_assert_int_ge(*peer, 0);
    return gw__byte_stream_use(wish->attempt.outbound, &hearing, NULL);
}

static void finish_stream(struct wish *wish, struct gw__byte_stream *stream, bool good)
{
    gw__loop_enter(&loop);
    gw__byte_stream_finish(stream, good);
    gw__attempt_finish(&wish->attempt);
    gw__loop_leave(&loop);
}

START_TEST(a_stream_carries_bytes_and_is_used_again)
{
    struct wish wish;
    struct iovec pieces[2] = {{"ab", 2}, {"cde", 3}};
    char got[8];
    int peer;
    publish(0, 1);
    struct gw__byte_stream *stream = open_stream(&wish, &peer);
    ck_assert(!stream->reused);
    ck_assert(!gw__byte_stream_send(stream, pieces, 2));
    ck_assert_int_eq(recv(peer, got, sizeof got, 0), 5);
    ck_assert_int_eq(memcmp(got, "abcde", 5), 0);
    gw__byte_stream_pause(stream);
    ck_assert_int_eq(send(peer, "xyz", 3, 0), 3);
    turn(5);
    ck_assert_uint_eq(heard.size, 0);
    gw__byte_stream_resume(stream);
    turn(5);
    ck_assert_uint_eq(heard.size, 3);
    ck_assert_int_eq(memcmp(heard.bytes, "xyz", 3), 0);
    gw__byte_stream_pause(stream); /* what idles reads, whatever it was left like */
    finish_stream(&wish, stream, true);
    ck_assert_uint_eq(thrift_pool()->idle_count, 1);
    ck_assert_int_eq(start_in(&wish, GW__PROTOCOL_THRIFT), GW__ATTEMPT_READY);
    ck_assert_ptr_eq(gw__byte_stream_use(wish.attempt.outbound, &hearing, NULL), stream);
    ck_assert(stream->reused);
    finish_stream(&wish, stream, true);
    ck_assert_int_eq(send(peer, "?", 1, 0), 1); /* nobody asked for that */
    turn(5);
    ck_assert_uint_eq(thrift_pool()->idle_count, 0);
    ck_assert_uint_eq(heard.size, 3);
    ck_assert_int_eq(heard.ends, 0);
    close(peer);
}
END_TEST

START_TEST(a_stream_that_is_not_good_is_closed)
{
    struct wish wish;
    char byte;
    int peer;
    publish(0, 1);
    struct gw__byte_stream *stream = open_stream(&wish, &peer);
    finish_stream(&wish, stream, false);
    ck_assert_int_eq(recv(peer, &byte, 1, 0), 0);
    close(peer);
    stream = open_stream(&wish, &peer);
    close(peer);
    turn(5);
    ck_assert_int_eq(heard.ends, 1);
    ck_assert_int_eq(heard.error, 0);
    finish_stream(&wish, stream, true); /* the peer has gone */
    stream = open_stream(&wish, &peer);
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(peer);
    turn(5);
    ck_assert_int_eq(heard.error, ECONNRESET);
    finish_stream(&wish, stream, true);
    ck_assert_uint_eq(thrift_pool()->idle_count, 0);
    ck_assert_uint_eq(thrift_pool()->busy_count, 0);
}
END_TEST

START_TEST(a_blocked_stream_tells_of_room)
{
    static char block[1 << 20], sink[1 << 16];
    struct wish wish;
    int peer;
    publish(0, 1);
    struct gw__byte_stream *stream = open_stream(&wish, &peer);
    struct iovec piece = {block, sizeof block};
    int sent = 0;
    bool blocked = false;
    for (; sent < 64 && !blocked; sent++)
        blocked = gw__byte_stream_send(stream, &piece, 1);
    ck_assert(blocked);
    turn(5);
    ck_assert_int_eq(heard.rooms, 0);
    for (size_t left = (size_t)sent * sizeof block; left;) {
        ssize_t n = recv(peer, sink, sizeof sink, MSG_DONTWAIT);
        left -= n > 0 ? (size_t)n : 0;
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
    }
    ck_assert_int_eq(heard.rooms, 1);
    blocked = false;
    for (int i = 0; i < 64 && !blocked; i++)
        blocked = gw__byte_stream_send(stream, &piece, 1);
    finish_stream(&wish, stream, true); /* what is queued can't be waited for */
    ck_assert_uint_eq(thrift_pool()->idle_count, 0);
    close(peer);
}
END_TEST

/* ---- attempts ---- */

START_TEST(each_instance_is_tried_once)
{
    static const int dead[][2] = {{0, 1}, {0, 2}, {1, 2}};
    configs[0].weight = 9; /* its turn comes again and again */
    publish(0, 3);
    for (int i = 0; i < 2; i++)
        close(listeners[dead[_i][i]]), listeners[dead[_i][i]] = -1;
    for (int n = 0; n < 12; n++) {
        struct wish wish;
        ck_assert_int_ne(start(&wish), GW__ATTEMPT_FAILED);
        for (int i = 0; i < 200 && !wish.ready && !wish.failed; i++)
            turn(1);
        ck_assert_int_eq(wish.ready, 1);
        ck_assert_int_eq(wish.failed, 0);
        ck_assert_str_eq(wish.attempt.instance->text, texts[3 - dead[_i][0] - dead[_i][1]]);
        gw__outbound_close(wish.attempt.outbound); /* as if never used */
        pool_of((uint32_t)(3 - dead[_i][0] - dead[_i][1]))->busy_count--;
        finish(&wish);
    }
}
END_TEST

START_TEST(all_dead_or_none_at_all)
{
    struct wish wish;
    ck_assert_int_eq(start(&wish), GW__ATTEMPT_FAILED);
    ck_assert_int_eq(wish.attempt.failure, GW__ATTEMPT_NO_INSTANCE);
    publish(0, 3);
    for (int i = 0; i < 3; i++)
        close(listeners[i]), listeners[i] = -1;
    enum gw__attempt_result result = start(&wish);
    for (int i = 0; i < 200 && result == GW__ATTEMPT_WAITING && !wish.failed; i++)
        turn(1);
    ck_assert(result == GW__ATTEMPT_FAILED || wish.failed == 1);
    ck_assert_int_eq(wish.attempt.failure, GW__ATTEMPT_REFUSED);
    ck_assert_int_eq(wish.ready, 0);
    finish(&wish);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(pool_of(i)->busy_count + pool_of(i)->idle_count, 0);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    publish(0, 2);
    int failures = 0;
    for (int i = 0; i < 8; i++) {
        struct wish wish;
        fail_allocation(i);
        enum gw__attempt_result result = start(&wish);
        allocate_normally();
        if (result == GW__ATTEMPT_FAILED) {
            ck_assert_int_eq(wish.attempt.failure, GW__ATTEMPT_MEMORY);
            failures++;
        }
        finish(&wish);
    }
    ck_assert_int_ge(failures, 1);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("upstream");
    TCase *tests = tcase_create("upstream");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, a_new_snapshot_takes_instances_over);
    tcase_add_test(tests, another_weight_or_address_is_another_instance);
    tcase_add_test(tests, what_is_discarded_changes_nothing);
    tcase_add_test(tests, preparing_without_memory_changes_nothing);
    tcase_add_test(tests, a_cell_is_found_and_counted);
    tcase_add_test(tests, equal_turns_are_exactly_equal);
    tcase_add_test(tests, weighted_turns_are_exact_and_spread);
    tcase_add_test(tests, the_last_used_is_used_next);
    tcase_add_test(tests, no_more_than_the_limit_idle_for_a_second);
    tcase_add_test(tests, none_idle_where_none_may_be);
    tcase_add_test(tests, what_idles_too_long_is_swept);
    tcase_add_test(tests, a_removed_instances_pool_goes);
    tcase_add_test(tests, a_pooled_connection_that_is_closed_leaves);
    tcase_add_test(tests, protocols_have_pools_of_their_own);
    tcase_add_test(tests, what_may_be_sent_once_is_not_sent_on_a_dead_connection);
    tcase_add_test(tests, a_stream_carries_bytes_and_is_used_again);
    tcase_add_test(tests, a_stream_that_is_not_good_is_closed);
    tcase_add_test(tests, a_blocked_stream_tells_of_room);
    tcase_add_loop_test(tests, each_instance_is_tried_once, 0, 3);
    tcase_add_test(tests, all_dead_or_none_at_all);
    tcase_add_test(tests, without_memory_it_says_so);
    suite_add_tcase(suite, tests);
    return suite;
}
