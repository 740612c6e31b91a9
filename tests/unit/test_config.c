/* The store behind the config calls and the check of what is no plugin's. */
#include "base/alloc.h"
#include "server/check.h"
#include "server/describe.h"
#include "unit.h"

#include <gateway/error.h>
#include <stdlib.h>
#include <string.h>

/* A config with all kinds of things in it. */
static struct gw_config *build(void)
{
    struct gw_config *config = gw_config_create();
    gw_config_set(config, "workers", GW_VALUE("2"));
    gw_config_set(config, "limits", GW_OPTIONS("body", "2MiB", "headers", "50"));
    gw_config_set(config, "admin", GW_OPTIONS("socket", "/tmp/x.sock"));
    gw_config_set(config, "log", GW_VALUE("debug"));
    gw_listener_set(gw_config_listen(config, "127.0.0.1:0"), "timeouts", GW_OPTIONS("head", "1s"));
    gw_config_listen(config, "127.0.0.1:0");
    struct gw_service *service = gw_config_add_service(config, "echo");
    gw_service_add_instance(service, "127.0.0.1:8870", NULL);
    gw_service_add_instance(service, "[::1]:8871", GW_OPTIONS("weight", "3"));
    gw_service_set(service, "timeouts", GW_OPTIONS("connect", "250ms"));
    gw_config_add_decorator(config, "errors", NULL);
    gw_config_add_filter(config, "timeout", GW_VALUE("2s"));
    struct gw_route *route = gw_config_add_route(config, "rpc");
    gw_route_add_predicate(route, "path", GW_VALUE("/**"));
    gw_route_add_filter(route, "strip_prefix", GW_VALUE("1"));
    gw_route_set_endpoint(route, "respond", GW_OPTIONS("status", "200"));
    gw_route_set_endpoint(route, "http", GW_OPTIONS("service", "echo"));
    gw_route_set(route, "limits", GW_OPTIONS("body", "1KiB"));
    gw_route_set(route, "priority", GW_VALUE("-5"));
    return config;
}

START_TEST(what_was_said_is_kept_in_order)
{
    struct gw_config *config = build();
    ck_assert_str_eq(gw_config_error(config), "");
    ck_assert_uint_eq(config->listener_count, 2);
    ck_assert_str_eq(config->services[0]->instances[1].address, "[::1]:8871");
    ck_assert_str_eq(gw_option_string(config->services[0]->instances[1].options, "weight"), "3");
    ck_assert_str_eq(config->decorators.items[0].type, "errors");
    ck_assert_ptr_null(config->decorators.items[0].options);
    ck_assert_str_eq(gw_option_text(config->routes[0]->predicates.items[0].options), "/**");
    ck_assert_str_eq(config->routes[0]->endpoint.type, "http");
    ck_assert_ptr_nonnull(strstr(config->routes[0]->filters.items[0].origin, "test_config.c:"));
    gw_config_set(config, "workers", GW_VALUE("3"));
    ck_assert_str_eq(gw_option_text(gw__settings_find(&config->settings, "workers")->value), "3");
    ck_assert_uint_eq(config->settings.count, 4);
    gw_config_destroy(config);
}
END_TEST

START_TEST(null_is_tolerated)
{
    gw_config_set(NULL, "workers", GW_VALUE("1"));
    ck_assert_ptr_null(gw_config_listen(NULL, "x"));
    gw_listener_set(NULL, "limits", GW_OPTIONS("a", "b"));
    ck_assert_ptr_null(gw_config_add_service(NULL, "x"));
    gw_service_add_instance(NULL, "x", GW_OPTIONS("a", "b"));
    gw_service_set(NULL, "x", GW_VALUE("y"));
    gw_config_add_decorator(NULL, "x", GW_VALUE("y"));
    gw_config_add_filter(NULL, "x", GW_VALUE("y"));
    ck_assert_ptr_null(gw_config_add_route(NULL, "x"));
    gw_route_add_predicate(NULL, "x", GW_VALUE("y"));
    gw_route_add_filter(NULL, "x", GW_VALUE("y"));
    gw_route_set_endpoint(NULL, "x", GW_VALUE("y"));
    gw_route_set(NULL, "x", GW_VALUE("y"));
    gw_config_set_origin(NULL, "x");
    gw_config_add_error(NULL, "x", "GW1", "x");
    gw_config_destroy(NULL);
    ck_assert_str_eq(gw_config_error(NULL), "out of memory");
}
END_TEST

START_TEST(values_are_checked_and_inherited)
{
    struct gw_config *config = build();
    struct gw__report report = {0};
    struct gw__checked checked;
    gw__config_check(&checked, config, &report);
    ck_assert(!gw__report_bad(&report));
    ck_assert_int_eq(checked.workers, 2);
    ck_assert_int_eq(checked.log_level, GW_LOG_DEBUG);
    ck_assert_str_eq(checked.admin_socket, "/tmp/x.sock");
    ck_assert_uint_eq(gw_option_count(checked.plugins), 0);
    ck_assert_int_eq(checked.limits.body_bytes, 2 << 20);
    ck_assert_int_eq(checked.limits.headers, 50);
    ck_assert_int_eq(checked.limits.line_bytes, 8192);
    ck_assert_int_eq(checked.limits.in_flight, 10000);
    ck_assert_int_eq(checked.listeners[0].limits.requests, 100000);
    ck_assert_int_eq(checked.routes[0].timeouts.total_ms, 3600000);
    ck_assert_int_eq(checked.routes[0].limits.body_rate, 128);
    ck_assert_int_eq(checked.timeouts.head_ms, 10000);
    ck_assert_int_eq(checked.listeners[0].timeouts.head_ms, 1000);
    ck_assert_int_eq(checked.listeners[1].timeouts.head_ms, 10000);
    ck_assert_int_eq(checked.listeners[1].limits.headers, 50);
    ck_assert_int_eq(checked.services[0].connect_ms, 250);
    ck_assert_int_eq(checked.services[0].pool_idle, 512);
    ck_assert_int_eq(checked.services[0].instances[1].weight, 3);
    ck_assert_int_eq(checked.services[0].instances[1].address.port, 8871);
    ck_assert_int_eq(checked.routes[0].limits.body_bytes, 1024);
    ck_assert_int_eq(checked.routes[0].limits.body_buffer_bytes, 1 << 20);
    ck_assert_int_eq(checked.routes[0].priority, -5);
    gw__checked_finish(&checked);
    gw_config_destroy(config);
}
END_TEST

static void expect_report(struct gw_config *config, const char *expected)
{
    struct gw__report report = {0};
    struct gw__checked checked;
    gw__config_check(&checked, config, &report);
    gw__checked_finish(&checked);
    char *text = gw__report_text(&report);
    ck_assert_str_eq(text, expected);
    gw__free(text);
    gw__report_finish(&report);
    gw_config_destroy(config);
}

START_TEST(all_mistakes_are_named)
{
    struct gw_config *config = gw_config_create();
    gw_config_add_error(config, "a.cfg:1", "GW1001", "no %s", "file");
    gw_config_set_origin(config, "a.cfg:2");
    struct gw_option *many = gw_option_create_int(1000, "a.cfg:3");
    gw_config_set(config, "workers", many);
    gw_option_destroy(many);
    gw_config_set(config, "limts", gw_option_once(NULL, "1"));
    gw_config_set(config, "routes", gw_option_once(NULL, "1"));
    gw_config_set_origin(config, "a.cfg:10");
    gw_config_listen(config, "127.0.0.1:80");
    gw_config_listen(config, "unix:/tmp/x");
    gw_config_set_origin(config, "a.cfg:11");
    gw_listener_set(gw_config_listen(config, "127.0.0.1:80"), "limits", gw_option_once(NULL, NULL, "body", "1", NULL));
    gw_config_listen(config, "localhost");
    gw_config_set_origin(config, "a.cfg:20");
    struct gw_service *service = gw_config_add_service(config, "s");
    gw_service_set(service, "balance", gw_option_once(NULL, "random"));
    gw_service_add_instance(service, ":80", NULL);
    gw_config_set_origin(config, "a.cfg:21");
    gw_service_add_instance(gw_config_add_service(config, "s"), "h:99999",
                            gw_option_once(NULL, NULL, "wieght", "1", NULL));
    gw_config_set_origin(config, "a.cfg:30");
    gw_route_set_endpoint(gw_config_add_route(config, "r"), "http", NULL);
    gw_config_set_origin(config, "a.cfg:31");
    gw_config_add_route(config, "r");
    gw_config_set_origin(config, "a.cfg:32");
    gw_route_set_endpoint(gw_config_add_route(config, NULL), "http", NULL);
    expect_report(config,
                  "a.cfg:1: no file [GW1001]\n"
                  "a.cfg:2: 'routes' is no setting: it has calls of its own [GW1019]\n"
                  "a.cfg:2: 'limts' is no known key, did you mean 'limits'? [GW1010]\n"
                  "a.cfg:3: 'workers' expects an integer from 1 to 256, found 1000 [GW1012]\n"
                  "a.cfg:11: listener: 'limits.body' is no known key; known are 'line_bytes', 'head_bytes', 'headers', "
                  "'connections', 'client_connections', 'requests' [GW1010]\n"
                  "a.cfg:11: listener \"127.0.0.1:80\" is given twice, first at a.cfg:10 [GW1017]\n"
                  "a.cfg:11: listener expects an address (\"host:port\", \"[v6]:port\", \":port\", \"unix:/path\"), "
                  "found \"localhost\": the port is missing [GW1016]\n"
                  "a.cfg:20: service 's': 'balance' expects one of \"round_robin\", found \"random\" [GW1014]\n"
                  "a.cfg:20: instance of service 's' needs a host and a port, found \":80\" [GW1016]\n"
                  "a.cfg:21: service 's' is given twice, first at a.cfg:20 [GW1017]\n"
                  "a.cfg:21: instance of service 's' expects an address (\"host:port\", \"[v6]:port\", \":port\", "
                  "\"unix:/path\"), found \"h:99999\": the port must be a number from 0 to 65535 [GW1016]\n"
                  "a.cfg:21: instance of service 's': 'wieght' is no known key, did you mean 'weight'? [GW1010]\n"
                  "a.cfg:31: route 'r' is given twice, first at a.cfg:30 [GW1017]\n"
                  "a.cfg:31: route 'r' needs an endpoint [GW1018]\n"
                  "a.cfg:32: a route needs an id [GW1018]");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    int runs = 0, good = 0;
    while (!good && runs < 2000) {
        fail_allocation(runs++);
        struct gw_config *config = build();
        bool failed = allocation_failed(); /* while building: the check has to know */
        struct gw__report report = {0};
        struct gw__checked checked;
        if (config) {
            gw__config_check(&checked, config, &report);
            ck_assert(!failed || report.lost);
            good = !gw__report_bad(&report);
            ck_assert(!good || checked.services[0].instances[1].weight == 3);
            gw__checked_finish(&checked);
        }
        ck_assert(good == !allocation_failed());
        gw__report_finish(&report);
        gw_config_destroy(config);
    }
    allocate_normally();
    ck_assert_int_gt(runs, 100);
    ck_assert_int_lt(runs, 2000);
}
END_TEST

START_TEST(addresses)
{
    static const char *const good[] = {"127.0.0.1:80", "[::1]:0", ":8080", "unix:/tmp/x", "a.example:65535", "unix:x"};
    static const char *const bad[] = {"",   "127.0.0.1", "::1:80", "[::1]",          "[::g]:80", "h:65536",  "h:-1",
                                      "h:", "a b:80",    "unix:",  "[127.0.0.1]:80", "h:8 0",    "[::1]x:80"};
    struct gw__address address;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(!gw__address_parse(good[i], &address), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(gw__address_parse(bad[i], &address) != NULL, "%s", bad[i]);
    struct sockaddr_storage storage;
    socklen_t size;
    gw__address_parse("[::1]:80", &address);
    ck_assert(gw__address_socket(&address, &storage, &size) && storage.ss_family == AF_INET6);
    gw__address_parse("localhost:80", &address);
    ck_assert(!gw__address_socket(&address, &storage, &size));
    gw__address_parse("unix:/x", &address);
    ck_assert(gw__address_socket(&address, &storage, &size) && storage.ss_family == AF_UNIX);
}
END_TEST

static void collect(void *user, const char *line)
{
    gw__text_print(user, "%s\n", line);
}

START_TEST(tables_become_a_reference)
{
    static const struct gw_option_spec options[] = {
        {.key = "status", .kind = GW_KIND_INT, .fallback = "200", .min = 100, .max = 599, .doc = "The a|b."}, {0}};
    struct gw__type_entry entry = {.name = "respond", .type.endpoint = {.doc = "Answers.", .options = options}};
    struct gw__type_entry *entries[] = {&entry};
    struct gw__registry registry = {.entries[GW__TYPE_ENDPOINT] = entries, .count[GW__TYPE_ENDPOINT] = 1};
    struct gw__text text = {0};
    ck_assert(gw__describe(&registry, collect, &text));
    const char *endpoint = strstr(text.data, "\n### endpoint `respond`\n");
    ck_assert_ptr_nonnull(endpoint);
    ck_assert_ptr_nonnull(strstr(endpoint, "Answers.\n\n| key | value | default | |\n|---|---|---|---|\n"
                                           "| `status` | an integer from 100 to 599 | `200` | The a\\|b. |\n"));
    ck_assert_ptr_nonnull(strstr(text.data,
                                 "| `timeouts.head` | a duration (\"500ms\", \"2s\", \"1m\", \"1h\") from 1ms to "
                                 "24h | `10s` |"));
    ck_assert_ptr_nonnull(strstr(text.data, "from 256 to 64KiB | `8KiB` |"));
    gw__text_finish(&text);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("config");
    TCase *store = tcase_create("store");
    tcase_add_test(store, what_was_said_is_kept_in_order);
    tcase_add_test(store, null_is_tolerated);
    tcase_add_test(store, values_are_checked_and_inherited);
    tcase_add_test(store, all_mistakes_are_named);
    tcase_add_test(store, every_allocation_may_fail);
    tcase_add_test(store, addresses);
    tcase_add_test(store, tables_become_a_reference);
    suite_add_tcase(suite, store);
    return suite;
}
