/* Configs applied from several threads at once, by reloads and under the eyes of /status: none waits for another
 * for ever, and what comes when the server stops is refused. */
#include "unit.h"

#include <event2/event.h>
#include <gateway/gateway.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS 60

static struct gw_server *server;
static char folder[64], admin[80];
static atomic_int applied, refused;

static struct gw_config *make_config(int number)
{
    char body[32];
    snprintf(body, sizeof body, "%d", number);
    struct gw_config *config = gw_config_create();
    gw_config_set(config, "workers", GW_VALUE("2"));
    gw_config_set(config, "admin", GW_OPTIONS("socket", admin));
    gw_config_listen(config, "127.0.0.1:0");
    struct gw_service *service = gw_config_add_service(config, "up");
    gw_service_add_instance(service, number % 2 ? "127.0.0.1:9" : "127.0.0.1:10", NULL);
    struct gw_route *route = gw_config_add_route(config, "all");
    gw_route_add_predicate(route, "path", GW_VALUE("/**"));
    gw_route_set_endpoint(route, "respond", GW_OPTIONS("body", body));
    return config;
}

static int apply(int number)
{
    struct gw_config *config = make_config(number);
    int result = gw_server_apply(server, config);
    gw_config_destroy(config);
    atomic_fetch_add(result == GW_OK ? &applied : &refused, 1);
    return result;
}

static int reload(struct gw_server *same, void *user)
{
    ck_assert_ptr_eq(same, server);
    return apply(7);
}

static void setup(void)
{
    alarm(60);
    atomic_store(&applied, 0);
    atomic_store(&refused, 0);
    strcpy(folder, "/tmp/gw-apply-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(admin, sizeof admin, "%s/admin", folder);
    server = gw_server_create();
    gw_server_set_reload(server, reload, NULL);
    ck_assert_msg(apply(0) == GW_OK, "%s", gw_server_error(server));
}

static void teardown(void)
{
    gw_server_destroy(server);
    rmdir(folder);
}

static void *apply_often(void *number)
{
    for (int i = 0; i < ROUNDS; i++)
        apply(i + (number ? 1 : 0));
    return NULL;
}

static void *reload_often(void *none)
{
    for (int i = 0; i < ROUNDS; i++)
        gw_server_reload(server);
    return NULL;
}

static bool ask(const char *request)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, admin);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char answer[64] = "";
    bool good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 && recv(fd, answer, sizeof answer - 1, 0) > 12;
    close(fd);
    return good && memcmp(answer + 9, "200", 3) == 0;
}

static void *look_often(void *none)
{
    for (int i = 0; i < ROUNDS; i++)
        ck_assert(ask("GET /status HTTP/1.1\r\nHost: a\r\n\r\n"));
    for (int i = 0; i < ROUNDS / 4; i++)
        ck_assert(ask("POST /reload HTTP/1.1\r\nHost: a\r\n\r\n"));
    return NULL;
}

static void run_all(void *(*const runs[])(void *), pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, runs[i], i ? server : NULL), 0);
}

START_TEST(test_from_all_sides)
{
    static void *(*const runs[])(void *) = {apply_often, apply_often, reload_often, look_often};
    pthread_t threads[4];
    ck_assert_int_eq(gw_server_start(server), GW_OK);
    run_all(runs, threads, 4);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&applied), 1 + 3 * ROUNDS + ROUNDS / 4);
    ck_assert_int_eq(atomic_load(&refused), 0);
}
END_TEST

START_TEST(test_while_it_stops)
{
    static void *(*const runs[])(void *) = {apply_often, apply_often, reload_often};
    pthread_t threads[3];
    ck_assert_int_eq(gw_server_start(server), GW_OK);
    run_all(runs, threads, 3);
    gw_server_stop(server, 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(apply(1), GW_ERROR_STATE);
    ck_assert_int_eq(gw_server_reload(server), GW_ERROR_STATE);
}
END_TEST

START_TEST(test_stop_twice_on_a_host_loop)
{
    struct event_base *base = event_base_new();
    struct gw_config *config = make_config(1);
    gw_server_destroy(server);
    server = gw_server_create();
    gw_config_set(config, "workers", GW_VALUE("1"));
    ck_assert_msg(gw_server_apply(server, config) == GW_OK, "%s", gw_server_error(server));
    ck_assert_int_eq(gw_server_attach(server, base), GW_OK);
    gw_server_stop(server, 1000);
    gw_server_stop(server, 0);
    ck_assert_int_eq(gw_server_apply(server, config), GW_ERROR_STATE);
    for (int i = 0; i < 100 && !gw_server_stopped(server); i++)
        event_base_loop(base, EVLOOP_ONCE);
    ck_assert(gw_server_stopped(server));
    gw_config_destroy(config);
    gw_server_destroy(server);
    server = NULL;
    event_base_free(base);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("apply");
    TCase *cases = tcase_create("apply");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_from_all_sides);
    tcase_add_test(cases, test_while_it_stops);
    tcase_add_test(cases, test_stop_twice_on_a_host_loop);
    suite_add_tcase(suite, cases);
    return suite;
}
