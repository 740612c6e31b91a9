/* The server as an embedder meets it, by the public API alone: types of its own, two servers at once, its
 * own loop, reload, stop, and that destroy gives back every byte, thread and descriptor. */
#include "host.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- types of the embedder's own ---- */

static enum gw_flow name_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    const char *user = gw_endpoint_user(self);
    return gw_exchange_reply(ex, 200, "%s", user ? user : "nobody");
}

static enum gw_flow tag_response(struct gw_exchange *ex, struct gw_filter *self)
{
    gw_exchange_set_response_header(ex, "X-Tag", gw_filter_user(self));
    return GW_CONTINUE;
}

static bool is_asked(const struct gw_exchange *ex, const struct gw_predicate *self)
{
    const char *value = gw_exchange_request_header(ex, "X-Ask");
    return value && strcmp(value, gw_predicate_user(self)) == 0;
}

static const struct gw_endpoint_type name_type = {.size = sizeof name_type, .name = "name", .on_request = name_request};
static const struct gw_filter_type tag_type = {.size = sizeof tag_type, .name = "tag", .on_response = tag_response};
static const struct gw_predicate_type ask_type = {.size = sizeof ask_type, .name = "ask", .matches = is_asked};

/* A filter that holds, and counts its ends. */
static _Atomic(struct gw_hold *) held;
static atomic_int begun, ended, calls_by_thread;

static void count_anew(void) /* tests may share one process */
{
    begun = ended = calls_by_thread = 0;
}

static enum gw_flow hold_request(struct gw_exchange *ex, struct gw_filter *self)
{
    struct gw_hold *hold = gw_exchange_hold(ex);
    atomic_store(&held, hold);
    atomic_fetch_add(&begun, 1);
    return GW_WAIT;
}

static void hold_end(struct gw_exchange *ex, struct gw_filter *self)
{
    atomic_fetch_add(&ended, 1);
}

static enum gw_flow sleep_request(struct gw_exchange *ex, struct gw_filter *self)
{
    atomic_fetch_add(&begun, 1);
    usleep(150000);
    atomic_fetch_add(&calls_by_thread, 1);
    return GW_CONTINUE;
}

static const struct gw_filter_type hold_type = {
    .size = sizeof hold_type, .name = "hold", .on_request = hold_request, .on_end = hold_end};
static const struct gw_filter_type sleep_type = {
    .size = sizeof sleep_type, .name = "sleep", .blocking = true, .on_request = sleep_request, .on_end = hold_end};

static void add_types(struct gw_server *server, char *user)
{
    ck_assert_int_eq(gw_server_add_endpoint_type(server, &name_type, user), GW_OK);
    ck_assert_int_eq(gw_server_add_filter_type(server, &tag_type, user), GW_OK);
    ck_assert_int_eq(gw_server_add_predicate_type(server, &ask_type, user), GW_OK);
    ck_assert_int_eq(gw_server_add_filter_type(server, &hold_type, NULL), GW_OK);
    ck_assert_int_eq(gw_server_add_filter_type(server, &sleep_type, NULL), GW_OK);
}

static struct gw_config *create_config(const char *workers)
{
    struct gw_config *config = gw_config_create();
    gw_config_set(config, "workers", GW_VALUE(workers));
    gw_config_listen(config, "127.0.0.1:0");
    return config;
}

static struct gw_route *add_route(struct gw_config *config, const char *id, const char *path)
{
    struct gw_route *route = gw_config_add_route(config, id);
    gw_route_add_predicate(route, "path", GW_VALUE(path));
    return route;
}

/* /name, /slow (held), /sleep (blocked), /asked */
static struct gw_config *create_full_config(const char *workers)
{
    struct gw_config *config = create_config(workers);
    gw_config_add_decorator(config, "errors", NULL);
    struct gw_route *route = add_route(config, "name", "/name");
    gw_route_add_filter(route, "tag", NULL);
    gw_route_set_endpoint(route, "name", NULL);
    route = add_route(config, "slow", "/slow");
    gw_route_add_filter(route, "hold", NULL);
    gw_route_set_endpoint(route, "name", NULL);
    route = add_route(config, "sleep", "/sleep");
    gw_route_add_filter(route, "sleep", NULL);
    gw_route_add_filter(route, "sleep", NULL);
    gw_route_set_endpoint(route, "name", NULL);
    route = add_route(config, "asked", "/asked");
    gw_route_add_predicate(route, "ask", NULL);
    gw_route_set_endpoint(route, "name", NULL);
    return config;
}

static void apply_and_drop(struct gw_server *server, struct gw_config *config)
{
    int result = gw_server_apply(server, config);
    gw_config_destroy(config);
    ck_assert_msg(result == GW_OK, "%s", gw_server_error(server));
}

static struct gw_server *create_running(char *user, const char *workers)
{
    struct gw_server *server = gw_server_create();
    ck_assert_ptr_nonnull(server);
    add_types(server, user);
    apply_and_drop(server, create_full_config(workers));
    ck_assert_int_eq(gw_server_start(server), GW_OK);
    return server;
}

static struct gw_config *create_proxy_config(int backend)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", backend);
    struct gw_config *config = create_config("2");
    struct gw_service *service = gw_config_add_service(config, "back");
    gw_service_add_instance(service, address, NULL);
    struct gw_route *route = add_route(config, "all", "/**");
    gw_route_set_endpoint(route, "http", GW_OPTIONS("service", "back"));
    return config;
}

static void wait_for(atomic_int *counter, int value)
{
    for (int i = 0; i < 1000 && atomic_load(counter) < value; i++)
        usleep(5000);
    ck_assert_int_ge(atomic_load(counter), value);
}

/* ---- running ---- */

START_TEST(own_types_see_their_user)
{
    struct usage before = measure();
    struct gw_server *server = create_running("anna", "2");
    int port = gw_server_port(server, 0);
    struct answer answer;
    ck_assert_int_eq(get(&answer, port, "/name", ""), 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "X-Tag: anna\r\n"));
    ck_assert_str_eq(answer.body, "anna");
    ck_assert_int_eq(get(&answer, port, "/asked", ""), 404);
    ck_assert_int_eq(get(&answer, port, "/asked", "X-Ask: bert\r\n"), 404);
    ck_assert_int_eq(get(&answer, port, "/asked", "X-Ask: anna\r\n"), 200);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

START_TEST(two_servers_at_once)
{
    struct usage before = measure();
    struct gw_server *back = create_running("back", "2"), *other = create_running("other", "1");
    struct gw_server *front = gw_server_create();
    apply_and_drop(front, create_proxy_config(gw_server_port(back, 0)));
    ck_assert_int_eq(gw_server_start(front), GW_OK);
    struct answer answer;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(get(&answer, gw_server_port(front, 0), "/name", ""), 200);
        ck_assert_str_eq(answer.body, "back");
        ck_assert_int_eq(get(&answer, gw_server_port(other, 0), "/name", ""), 200);
        ck_assert_str_eq(answer.body, "other");
    }
    gw_server_destroy(back); /* front's pooled connections idle, and lose their peer */
    ck_assert_int_eq(get(&answer, gw_server_port(front, 0), "/name", ""), 502);
    gw_server_destroy(front);
    ck_assert_int_eq(get(&answer, gw_server_port(other, 0), "/name", ""), 200);
    gw_server_destroy(other);
    assert_given_back(before);
}
END_TEST

START_TEST(pooled_connections_are_given_back)
{
    struct usage before = measure();
    struct gw_server *back = create_running("back", "1"), *front = gw_server_create();
    apply_and_drop(front, create_proxy_config(gw_server_port(back, 0)));
    ck_assert_int_eq(gw_server_start(front), GW_OK);
    struct answer answer;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(get(&answer, gw_server_port(front, 0), "/name", ""), 200);
    gw_server_destroy(front);
    gw_server_destroy(back);
    assert_given_back(before);
}
END_TEST

/* ---- reload ---- */

START_TEST(a_refused_config_changes_nothing)
{
    struct usage before = measure();
    struct gw_server *server = create_running("old", "2");
    int port = gw_server_port(server, 0);
    struct answer answer;
    struct gw_config *bad = create_full_config("2");
    gw_route_set_endpoint(add_route(bad, "bad", "/bad"), "nonsense", NULL);
    ck_assert_int_eq(gw_server_apply(server, bad), GW_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(gw_server_error(server), "nonsense"));
    gw_config_destroy(bad);
    bad = create_full_config("2");
    gw_config_listen(bad, "unix:/nowhere/at/all");
    ck_assert_int_eq(gw_server_apply(server, bad), GW_ERROR_SYSTEM);
    ck_assert_ptr_nonnull(strstr(gw_server_error(server), "/nowhere/at/all"));
    gw_config_destroy(bad);
    ck_assert_int_eq(gw_server_port(server, 0), port);
    ck_assert_int_eq(get(&answer, port, "/name", ""), 200);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

START_TEST(another_number_of_workers_needs_a_restart)
{
    struct usage before = measure();
    struct gw_server *server = create_running("old", "2");
    struct gw_config *other = create_full_config("3");
    ck_assert_int_eq(gw_server_apply(server, other), GW_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(gw_server_error(server), "restart"));
    ck_assert_int_eq(gw_server_check(server, other), GW_ERROR_STATE);
    gw_config_destroy(other);
    struct answer answer;
    ck_assert_int_eq(get(&answer, gw_server_port(server, 0), "/name", ""), 200);
    ck_assert_int_eq(gw_server_start(server), GW_ERROR_STATE);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

START_TEST(reloads_take_over_and_give_back)
{
    struct usage before = measure();
    struct gw_server *back = create_running("back", "1"), *front = gw_server_create();
    int backend = gw_server_port(back, 0);
    apply_and_drop(front, create_proxy_config(backend));
    ck_assert_int_eq(gw_server_start(front), GW_OK);
    int port = gw_server_port(front, 0);
    struct answer answer;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(get(&answer, port, "/name", ""), 200);
        apply_and_drop(front, create_proxy_config(backend));
        ck_assert_int_eq(gw_server_port(front, 0), port);
    }
    struct gw_config *moved = create_config("2"); /* another listener in place of the first, no service */
    gw_config_listen(moved, "127.0.0.1:0");
    gw_route_set_endpoint(add_route(moved, "r", "/"), "respond", GW_OPTIONS("status", "204"));
    apply_and_drop(front, moved);
    ck_assert_int_ne(gw_server_port(front, 1), port);
    ck_assert_int_eq(get(&answer, gw_server_port(front, 1), "/", ""), 204);
    gw_server_destroy(front);
    gw_server_destroy(back);
    assert_given_back(before);
}
END_TEST

struct reloader {
    struct gw_server *server;
    atomic_bool stop;
    atomic_int good;
};

static void *reload_all_the_time(void *arg)
{
    struct reloader *own = arg;
    while (!atomic_load(&own->stop)) {
        struct gw_config *config = create_full_config("2");
        if (gw_server_apply(own->server, config) == GW_OK)
            atomic_fetch_add(&own->good, 1);
        gw_config_destroy(config);
    }
    return NULL;
}

START_TEST(stop_while_another_thread_reloads)
{
    struct usage before = measure();
    for (int i = 0; i < 20; i++) {
        struct reloader reloader = {.server = create_running("x", "2")};
        pthread_t thread;
        pthread_create(&thread, NULL, reload_all_the_time, &reloader);
        wait_for(&reloader.good, i % 5);
        gw_server_stop(reloader.server, i % 3 ? 0 : 10);
        ck_assert(gw_server_stopped(reloader.server));
        atomic_store(&reloader.stop, true);
        pthread_join(thread, NULL);
        gw_server_destroy(reloader.server);
    }
    assert_given_back(before);
}
END_TEST

static int reload_same(struct gw_server *server, void *user)
{
    struct gw_config *config = create_full_config("2");
    int result = gw_server_apply(server, config);
    gw_config_destroy(config);
    atomic_fetch_add((atomic_int *)user, 1);
    return result;
}

static void *call_reload(void *arg)
{
    struct reloader *own = arg;
    while (!atomic_load(&own->stop))
        gw_server_reload(own->server);
    return NULL;
}

START_TEST(reload_runs_on_the_keeper_and_stop_does_not_lose_it)
{
    struct usage before = measure();
    for (int i = 0; i < 10; i++) {
        struct reloader reloader = {.server = create_running("x", "2")};
        ck_assert_int_eq(gw_server_reload(reloader.server), GW_ERROR_STATE);
        gw_server_set_reload(reloader.server, reload_same, &reloader.good);
        ck_assert_int_eq(gw_server_reload(reloader.server), GW_OK);
        pthread_t threads[2];
        for (int j = 0; j < 2; j++)
            pthread_create(&threads[j], NULL, call_reload, &reloader);
        wait_for(&reloader.good, 3);
        gw_server_stop(reloader.server, 0);
        atomic_store(&reloader.stop, true);
        for (int j = 0; j < 2; j++)
            pthread_join(threads[j], NULL);
        gw_server_destroy(reloader.server);
    }
    assert_given_back(before);
}
END_TEST

/* ---- stopping ---- */

START_TEST(drain_lets_a_request_finish)
{
    struct usage before = measure();
    struct gw_server *server = create_running("x", "2");
    struct client client;
    client_start(&client, gw_server_port(server, 0), "/slow");
    wait_for(&begun, 1);
    struct releaser releaser = {.hold = &held, .after_us = 100000};
    releaser_start(&releaser);
    gw_server_stop(server, 5000);
    ck_assert(gw_server_stopped(server));
    ck_assert_int_eq(client_join(&client), 200);
    ck_assert_int_eq(atomic_load(&ended), 1);
    releaser_join(&releaser);
    struct answer answer;
    ck_assert_int_eq(get(&answer, gw_server_port(server, 0), "/name", ""), 0);
    struct gw_config *config = create_full_config("2");
    ck_assert_int_eq(gw_server_apply(server, config), GW_ERROR_STATE);
    gw_config_destroy(config);
    gw_server_stop(server, 0);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

START_TEST(without_drain_it_is_cut)
{
    struct usage before = measure();
    struct gw_server *server = create_running("x", "2");
    struct client client;
    client_start(&client, gw_server_port(server, 0), "/slow");
    wait_for(&begun, 1);
    gw_server_stop(server, _i ? 0 : 50);
    ck_assert_int_eq(client_join(&client), 0);
    ck_assert_int_eq(atomic_load(&ended), 1);
    gw_hold_release(atomic_load(&held), GW_CONTINUE); /* late */
    gw_server_destroy(server);
    gw_hold_release(atomic_load(&held), GW_CONTINUE);
    assert_given_back(before);
}
END_TEST

START_TEST(destroy_with_requests_in_flight)
{
    struct usage before = measure();
    struct gw_server *server = create_running("x", "2");
    struct client clients[4];
    for (int i = 0; i < 4; i++)
        client_start(&clients[i], gw_server_port(server, 0), i % 2 ? "/sleep" : "/slow");
    wait_for(&begun, 4);
    gw_server_destroy(server);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(client_join(&clients[i]), 0);
    ck_assert_int_eq(atomic_load(&ended), 4);
    ck_assert_int_eq(atomic_load(&calls_by_thread), 2);
    gw_hold_release(atomic_load(&held), GW_FAIL);
    assert_given_back(before);
}
END_TEST

START_TEST(destroy_without_start)
{
    struct usage before = measure();
    gw_server_destroy(gw_server_create());
    struct gw_server *server = gw_server_create();
    ck_assert_int_eq(gw_server_start(server), GW_ERROR_STATE);
    ck_assert_int_eq(gw_server_port(server, 0), -1);
    ck_assert_ptr_null(gw_server_address(server, 0));
    add_types(server, NULL);
    for (int i = 0; i < 3; i++)
        apply_and_drop(server, create_full_config("2"));
    ck_assert_int_gt(gw_server_port(server, 0), 0);
    ck_assert(gw_server_stopped(server));
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

/* Descriptors run out at each step of the start; then it can be started after all. */
START_TEST(a_failed_start_changes_nothing)
{
    struct usage before = measure();
    struct gw_server *server = gw_server_create();
    add_types(server, "x");
    apply_and_drop(server, create_full_config("2"));
    struct rlimit limit, low;
    getrlimit(RLIMIT_NOFILE, &limit);
    int failures = 0, result = GW_ERROR_SYSTEM;
    for (int more = 0; more < 64 && result != GW_OK; more++) {
        low = (struct rlimit){.rlim_cur = (rlim_t)(first_free_descriptor() + more), .rlim_max = limit.rlim_max};
        setrlimit(RLIMIT_NOFILE, &low);
        result = gw_server_start(server);
        setrlimit(RLIMIT_NOFILE, &limit);
        failures += result == GW_ERROR_SYSTEM;
        if (result != GW_OK)
            ck_assert_str_ne(gw_server_error(server), "");
    }
    ck_assert_int_eq(result, GW_OK);
    ck_assert_int_ge(failures, 3);
    struct answer answer;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(get(&answer, gw_server_port(server, 0), "/name", ""), 200);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

START_TEST(destroy_after_a_failed_start)
{
    struct usage before = measure();
    struct gw_server *server = gw_server_create();
    add_types(server, "x");
    apply_and_drop(server, create_full_config("2"));
    struct rlimit limit, low;
    getrlimit(RLIMIT_NOFILE, &limit);
    low = (struct rlimit){.rlim_cur = (rlim_t)(first_free_descriptor() + 3), .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    ck_assert_int_eq(gw_server_start(server), GW_ERROR_SYSTEM);
    setrlimit(RLIMIT_NOFILE, &limit);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

static atomic_bool enough;

static void *release_all_the_time(void *arg)
{
    while (!atomic_load(&enough)) {
        gw_hold_release(atomic_load(&held), GW_CONTINUE);
        usleep(100);
    }
    return NULL;
}

/* Twice, late, from many threads, after the exchange and after the server. */
START_TEST(a_hold_is_released_by_whom_it_may)
{
    enum { THREADS = 4, REQUESTS = 40 };
    struct usage before = measure();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, release_all_the_time, NULL);
    for (int round = 0; round < 2; round++) {
        struct gw_server *server = create_running("x", "2");
        struct answer answer;
        for (int i = 0; i < REQUESTS; i++)
            ck_assert_int_eq(get(&answer, gw_server_port(server, 0), "/slow", ""), 200);
        gw_server_destroy(server);
        usleep(1000);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&begun), 2 * REQUESTS);
    ck_assert_int_eq(atomic_load(&ended), 2 * REQUESTS);
    assert_given_back(before);
}
END_TEST

/* ---- on the host's loop ---- */

static void run_until(struct event_base *base, atomic_int *counter, int value)
{
    for (int i = 0; i < 2000 && atomic_load(counter) < value; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    ck_assert_int_ge(atomic_load(counter), value);
}

static struct gw_server *create_attached(struct event_base *base)
{
    struct gw_server *server = gw_server_create();
    add_types(server, "host");
    apply_and_drop(server, create_full_config("1"));
    ck_assert_int_eq(gw_server_attach(server, base), GW_OK);
    return server;
}

START_TEST(attached_serves_on_the_hosts_loop)
{
    struct usage before = measure();
    struct event_base *base = event_base_new();
    struct gw_server *server = create_attached(base);
    ck_assert_int_eq(gw_server_attach(server, base), GW_ERROR_STATE);
    ck_assert_int_eq(gw_server_start(server), GW_ERROR_STATE);
    struct client clients[3];
    for (int i = 0; i < 3; i++)
        client_start(&clients[i], gw_server_port(server, 0), "/name");
    for (int i = 0; i < 3; i++) {
        run_until(base, &clients[i].done, 1);
        ck_assert_int_eq(client_join(&clients[i]), 200);
    }
    apply_and_drop(server, create_full_config("1"));
    client_start(&clients[0], gw_server_port(server, 0), "/sleep");
    run_until(base, &clients[0].done, 1);
    ck_assert_int_eq(client_join(&clients[0]), 200);
    gw_server_destroy(server);
    event_base_free(base);
    assert_given_back(before);
}
END_TEST

START_TEST(attached_takes_one_worker)
{
    struct usage before = measure();
    struct event_base *base = event_base_new();
    struct gw_server *server = gw_server_create();
    add_types(server, "host");
    apply_and_drop(server, create_full_config("2"));
    ck_assert_int_eq(gw_server_attach(server, base), GW_ERROR_STATE);
    gw_server_destroy(server);
    event_base_free(base);
    assert_given_back(before);
}
END_TEST

START_TEST(attached_drains)
{
    struct usage before = measure();
    struct event_base *base = event_base_new();
    struct gw_server *server = create_attached(base);
    struct client client;
    client_start(&client, gw_server_port(server, 0), "/slow");
    run_until(base, &begun, 1);
    gw_server_stop(server, _i ? 0 : 5000);
    gw_server_stop(server, _i ? 0 : 5000); /* twice is once */
    event_base_loop(base, EVLOOP_NONBLOCK);
    if (!_i) {
        ck_assert(!gw_server_stopped(server));
        gw_hold_release(atomic_load(&held), GW_CONTINUE);
    }
    run_until(base, &client.done, 1);
    ck_assert_int_eq(client_join(&client), _i ? 0 : 200);
    for (int i = 0; i < 1000 && !gw_server_stopped(server); i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    ck_assert(gw_server_stopped(server));
    gw_server_destroy(server);
    event_base_free(base);
    assert_given_back(before);
}
END_TEST

/* Destroyed between two callbacks, with whatever is under way. */
START_TEST(attached_is_destroyed_in_flight)
{
    static const char *const paths[] = {"/slow", "/sleep", "/sleep"};
    struct usage before = measure();
    struct event_base *base = event_base_new();
    struct gw_server *server = create_attached(base);
    struct client client;
    client_start(&client, gw_server_port(server, 0), paths[_i]);
    run_until(base, &begun, 1);
    if (_i == 2)
        gw_server_stop(server, 1000);
    gw_server_destroy(server);
    gw_hold_release(atomic_load(&held), GW_CONTINUE);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_int_eq(client_join(&client), 0);
    ck_assert_int_eq(atomic_load(&ended), 1);
    event_base_free(base);
    assert_given_back(before);
}
END_TEST

/* ---- edges of the API ---- */

START_TEST(an_old_plugins_type_is_shorter)
{
    struct usage before = measure();
    struct gw_filter_type old = tag_type; /* as it would be without its last hook, and rubbish behind it */
    old.size = offsetof(struct gw_filter_type, on_end);
    old.on_end = (void (*)(struct gw_exchange *, struct gw_filter *))(uintptr_t)0x1234;
    struct gw_endpoint_type endpoint = name_type;
    endpoint.size = offsetof(struct gw_endpoint_type, on_request_data);
    endpoint.on_end = (void (*)(struct gw_exchange *, struct gw_endpoint *))(uintptr_t)0x1234;
    struct gw_server *server = gw_server_create();
    ck_assert_int_eq(gw_server_add_filter_type(server, &old, "old"), GW_OK);
    ck_assert_int_eq(gw_server_add_endpoint_type(server, &endpoint, "old"), GW_OK);
    ck_assert_int_eq(gw_server_add_endpoint_type(server, &endpoint, "old"), GW_ERROR_CONFIG);
    endpoint.name = "tiny", endpoint.size = sizeof(size_t);
    ck_assert_int_eq(gw_server_add_endpoint_type(server, &endpoint, NULL), GW_ERROR_CONFIG);
    endpoint.name = NULL, endpoint.size = sizeof endpoint;
    ck_assert_int_eq(gw_server_add_endpoint_type(server, &endpoint, NULL), GW_ERROR_CONFIG);
    ck_assert_str_ne(gw_server_error(server), "");
    struct gw_config *config = create_config("1");
    struct gw_route *route = add_route(config, "r", "/");
    gw_route_add_filter(route, "tag", NULL);
    gw_route_set_endpoint(route, "name", NULL);
    apply_and_drop(server, config);
    ck_assert_int_eq(gw_server_start(server), GW_OK);
    struct answer answer;
    ck_assert_int_eq(get(&answer, gw_server_port(server, 0), "/", ""), 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "X-Tag: old\r\n"));
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

/* What gw_server_create() returns when memory is out goes on through the whole page. */
START_TEST(null_is_taken_everywhere)
{
    struct usage before = measure();
    struct gw_config *config = create_full_config("1");
    ck_assert_int_lt(gw_server_add_filter_type(NULL, &tag_type, NULL), 0);
    ck_assert_int_lt(gw_server_add_endpoint_type(NULL, &name_type, NULL), 0);
    ck_assert_int_lt(gw_server_add_predicate_type(NULL, &ask_type, NULL), 0);
    gw_server_set_log(NULL, NULL, NULL);
    gw_server_set_reload(NULL, NULL, NULL);
    ck_assert_int_lt(gw_server_apply(NULL, config), 0);
    ck_assert_int_lt(gw_server_check(NULL, config), 0);
    ck_assert_int_lt(gw_server_start(NULL), 0);
    ck_assert_int_lt(gw_server_attach(NULL, NULL), 0);
    ck_assert_int_lt(gw_server_reload(NULL), 0);
    ck_assert_str_ne(gw_server_error(NULL), "");
    ck_assert(gw_server_stopped(NULL));
    ck_assert_int_eq(gw_server_port(NULL, 0), -1);
    gw_server_stop(NULL, 0);
    gw_server_reopen_logs(NULL);
    gw_server_destroy(NULL);
    gw_config_destroy(config);
    struct gw_server *server = gw_server_create();
    ck_assert_int_lt(gw_server_add_filter_type(server, NULL, NULL), 0);
    ck_assert_int_lt(gw_server_apply(server, NULL), 0);
    ck_assert_int_lt(gw_server_attach(server, NULL), 0);
    gw_hold_release(NULL, GW_CONTINUE);
    gw_log_file_close(NULL);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

START_TEST(one_use_options_are_freed_by_any_call)
{
    struct usage before = measure();
    gw_config_set(NULL, "workers", GW_VALUE("1"));
    gw_listener_set(NULL, "limits", GW_OPTIONS("a", "b"));
    gw_service_add_instance(NULL, "x", GW_OPTIONS("weight", "1"));
    gw_service_set(NULL, "pool", GW_VALUE("x"));
    gw_config_add_decorator(NULL, "errors", GW_OPTIONS("a", "b"));
    gw_config_add_filter(NULL, "errors", GW_OPTIONS("a", "b"));
    gw_route_add_predicate(NULL, "path", GW_VALUE("/"));
    gw_route_add_filter(NULL, "x", GW_OPTIONS("a", "b"));
    gw_route_set_endpoint(NULL, "x", GW_OPTIONS("a", "b"));
    gw_route_set(NULL, "priority", GW_VALUE("1"));
    struct gw_config *config = gw_config_create();
    gw_config_set(config, NULL, GW_VALUE("1"));
    gw_config_add_filter(config, NULL, GW_OPTIONS("a", "b"));
    struct gw_route *route = gw_config_add_route(config, NULL);
    gw_route_add_predicate(route, NULL, GW_VALUE("/"));
    gw_route_set_endpoint(route, "respond", GW_OPTIONS("status", "200"));
    gw_route_set_endpoint(route, "respond", GW_OPTIONS("status", "201"));
    gw_route_set_endpoint(route, NULL, GW_OPTIONS("status", "201"));
    gw_service_add_instance(gw_config_add_service(config, NULL), NULL, GW_OPTIONS("weight", "1"));
    gw_config_listen(config, NULL);
    struct gw_server *server = gw_server_create();
    ck_assert_int_eq(gw_server_apply(server, config), GW_ERROR_CONFIG);
    gw_config_destroy(config);
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

/* ---- memory ---- */

/* Waits in every way there is. */
static enum gw_flow wait_reply(struct gw_exchange *ex, struct gw_filter *self, const struct gw_reply *reply)
{
    return gw_reply_status(reply) == 200 ? GW_CONTINUE : gw_exchange_fail(ex, 503, "asked in vain");
}

static enum gw_flow wait_request(struct gw_exchange *ex, struct gw_filter *self)
{
    gw_exchange_set_attribute(ex, "a", gw_exchange_print(ex, "%s", gw_exchange_id(ex)));
    struct gw_call *call = gw_exchange_call(ex, self, "back", "POST", "/name", wait_reply);
    gw_call_header(call, "X-Ask", "who");
    gw_call_body(call, "body", 4);
    return gw_call_send(call);
}

static enum gw_flow wait_response(struct gw_exchange *ex, struct gw_filter *self)
{
    gw_hold_release(gw_exchange_hold(ex), GW_CONTINUE);
    return GW_WAIT;
}

static enum gw_flow pass_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static enum gw_flow think(struct gw_exchange *ex, struct gw_filter *self)
{
    gw_exchange_add_request_header(ex, "X-Thought", "yes");
    return GW_CONTINUE;
}

static const struct gw_filter_type wait_type = {.size = sizeof wait_type, .name = "wait", .on_request = wait_request,
                                                .on_response = wait_response, .on_request_body = pass_body,
                                                .on_response_body = pass_body};
static const struct gw_filter_type think_type = {
    .size = sizeof think_type, .name = "think", .scratch_size = 10000, .blocking = true, .on_request = think};

static int unserved; /* requests of the run */

/* All an embedder does, with a backend behind. */
static int serve_once(int backend)
{
    struct gw_server *server = gw_server_create();
    struct gw_config *config = create_proxy_config(backend);
    struct gw_route *route = add_route(config, "own", "/own/{part}");
    gw_config_add_decorator(config, "errors", NULL);
    gw_config_add_decorator(config, "access_log", GW_OPTIONS("path", "/dev/null"));
    gw_route_add_predicate(route, "method", GW_VALUE("GET"));
    gw_route_add_filter(route, "tag", NULL);
    gw_route_add_filter(route, "add_response_header", GW_OPTIONS("name", "X-A", "value", "b"));
    gw_route_set_endpoint(route, "name", NULL);
    route = add_route(config, "waits", "/waits");
    gw_route_add_filter(route, "think", NULL);
    gw_route_add_filter(route, "wait", NULL);
    gw_route_add_filter(route, "rewrite_path", GW_OPTIONS("path", "/name"));
    gw_route_set_endpoint(route, "http", GW_OPTIONS("service", "back"));
    int result = gw_server_add_filter_type(server, &tag_type, "user");
    if (result == GW_OK)
        result = gw_server_add_endpoint_type(server, &name_type, "user");
    if (result == GW_OK)
        result = gw_server_add_filter_type(server, &wait_type, NULL);
    if (result == GW_OK)
        result = gw_server_add_filter_type(server, &think_type, NULL);
    if (result == GW_OK)
        result = gw_server_apply(server, config);
    if (result == GW_OK)
        result = gw_server_start(server);
    if (result < 0) /* of a plugin's create() it may be a config's error that tells of it */
        ck_assert_msg(strstr(gw_server_error(server), "memory") != NULL, "%s", gw_server_error(server));
    struct answer answer;
    static const char *const paths[] = {"/name", "/own/x", "/nothing", "/waits"};
    static const int right[] = {200, 200, 404, 200};
    for (int i = 0; i < 4 && result == GW_OK; i++) {
        int status = get(&answer, gw_server_port(server, 0), paths[i], "");
        unserved += status != right[i];
        ck_assert_msg(status == right[i] || (any_failed() && (status == 503 || status == 0)), "%s: %d", paths[i], status);
    }
    if (result == GW_OK) { /* a reload, which keeps what there is when it fails */
        int reloaded = gw_server_apply(server, config);
        ck_assert_msg(reloaded == GW_OK || strstr(gw_server_error(server), "memory"), "%d %s", reloaded, gw_server_error(server));
    }
    if (result == GW_OK)
        gw_server_stop(server, 100);
    gw_config_destroy(config);
    gw_server_destroy(server);
    return result;
}

/* A backend in a process of its own, where no allocation fails; it ends with the pipe. */
static int start_backend(int *port)
{
    int to[2], from[2];
    ck_assert(pipe(to) == 0 && pipe(from) == 0);
    if (fork() == 0) {
        struct gw_server *back = create_running("back", "1");
        *port = gw_server_port(back, 0);
        close(to[1]);
        ssize_t done = write(from[1], port, sizeof *port);
        done = read(to[0], port, sizeof *port);
        _exit(done != 0);
    }
    close(to[0]);
    close(from[1]);
    ck_assert_int_eq(read(from[0], port, sizeof *port), sizeof *port);
    close(from[0]);
    return to[1];
}

static void sweep(bool all_behind)
{
    int backend, pipe = start_backend(&backend);
    struct usage before = measure();
    int good = 0, failures = 0;
    for (long n = 0; good < 3; n++) {
        fail_from_to(n, all_behind ? LONG_MAX : n + 1);
        unserved = 0;
        int result = serve_once(backend);
        fail_no_more();
        good = any_failed() ? 0 : good + 1;
        if (!all_behind) /* the next request is served */
            ck_assert_int_le(unserved, 1);
        failures += result < 0;
        long left = measure().blocks - before.blocks;
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks", n, left);
        ck_assert_int_lt(n, 20000);
    }
    ck_assert_int_gt(failures, 100);
    assert_given_back(before);
    close(pipe);
}

START_TEST(allocations_may_fail)
{
    sweep(_i); /* one, or all from one on */
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("server");
    TCase *tests = tcase_create("server");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, count_anew, NULL);
    tcase_add_test(tests, own_types_see_their_user);
    tcase_add_test(tests, two_servers_at_once);
    tcase_add_test(tests, pooled_connections_are_given_back);
    tcase_add_test(tests, a_refused_config_changes_nothing);
    tcase_add_test(tests, another_number_of_workers_needs_a_restart);
    tcase_add_test(tests, reloads_take_over_and_give_back);
    tcase_add_test(tests, stop_while_another_thread_reloads);
    tcase_add_test(tests, reload_runs_on_the_keeper_and_stop_does_not_lose_it);
    tcase_add_test(tests, drain_lets_a_request_finish);
    tcase_add_loop_test(tests, without_drain_it_is_cut, 0, 2);
    tcase_add_test(tests, destroy_with_requests_in_flight);
    tcase_add_test(tests, a_hold_is_released_by_whom_it_may);
    tcase_add_test(tests, destroy_without_start);
    tcase_add_test(tests, a_failed_start_changes_nothing);
    tcase_add_test(tests, destroy_after_a_failed_start);
    tcase_add_test(tests, attached_serves_on_the_hosts_loop);
    tcase_add_test(tests, attached_takes_one_worker);
    tcase_add_loop_test(tests, attached_drains, 0, 2);
    tcase_add_loop_test(tests, attached_is_destroyed_in_flight, 0, 3);
    tcase_add_test(tests, an_old_plugins_type_is_shorter);
    tcase_add_test(tests, null_is_taken_everywhere);
    tcase_add_test(tests, one_use_options_are_freed_by_any_call);
    suite_add_tcase(suite, tests);
    TCase *memory = tcase_create("memory");
    tcase_set_timeout(memory, 240);
    tcase_add_loop_test(memory, allocations_may_fail, 0, 2);
    suite_add_tcase(suite, memory);
    return suite;
}
