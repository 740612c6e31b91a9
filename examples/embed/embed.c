/* A gateway inside a program, with a filter and an endpoint of the program's own.
 *
 *     embed [ADDRESS]           the gateway runs threads of its own
 *     embed --loop [ADDRESS]    the gateway lives on this program's event loop
 *
 * Try: curl -i http://127.0.0.1:8080/greet/world */
#include <event2/event.h>
#include <gateway/gateway.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct sign {
    const char *text;
};

static int sign_create(struct gw_filter *self, const struct gw_option *options)
{
    struct sign *sign = gw_filter_data(self);
    sign->text = gw_option_string(options, "text");
    return 0;
}

static enum gw_flow sign_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct sign *sign = gw_filter_data(self);
    gw_exchange_set_response_header(ex, "X-Signed", sign->text);
    return GW_CONTINUE;
}

static const struct gw_option_spec sign_options[] = {
    {.key = "text", .kind = GW_KIND_VALUE, .required = true, .shorthand = true, .doc = "What to sign with."},
    {0},
};

static const struct gw_filter_type sign = {
    .size = sizeof sign, .name = "sign", .options = sign_options, .instance_size = sizeof(struct sign),
    .create = sign_create, .on_response = sign_response,
};

static enum gw_flow greet_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    const char *greeting = gw_endpoint_user(self);
    return gw_exchange_reply(ex, 200, "%s, %s\n", greeting, gw_exchange_variable(ex, "name"));
}

static const struct gw_endpoint_type greet = {.size = sizeof greet, .name = "greet", .on_request = greet_request};

static int fail(struct gw_server *server)
{
    fprintf(stderr, "%s\n", gw_server_error(server));
    gw_server_destroy(server);
    return 1;
}

static int serve_with_threads(struct gw_server *server)
{
    sigset_t signals;
    int number;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (gw_server_start(server) < 0)
        return fail(server);
    printf("listening on port %d\n", gw_server_port(server, 0));
    fflush(stdout);
    sigwait(&signals, &number);
    gw_server_stop(server, 1000);
    gw_server_destroy(server);
    return 0;
}

static void handle_signal(evutil_socket_t number, short events, void *server)
{
    (void)number;
    (void)events;
    gw_server_stop(server, 1000);
}

static int serve_on_loop(struct gw_server *server)
{
    struct event_base *base = event_base_new();
    struct event *interrupt = evsignal_new(base, SIGINT, handle_signal, server);
    struct event *terminate = evsignal_new(base, SIGTERM, handle_signal, server);
    event_add(interrupt, NULL);
    event_add(terminate, NULL);
    if (gw_server_attach(server, base) < 0)
        return fail(server);
    printf("listening on port %d\n", gw_server_port(server, 0));
    fflush(stdout);
    while (!gw_server_stopped(server))
        event_base_loop(base, EVLOOP_ONCE);
    gw_server_destroy(server);
    event_free(interrupt);
    event_free(terminate);
    event_base_free(base);
    return 0;
}

int main(int argc, char **argv)
{
    int loop = argc > 1 && strcmp(argv[1], "--loop") == 0;
    struct gw_server *server = gw_server_create();
    gw_server_add_filter_type(server, &sign, NULL);
    gw_server_add_endpoint_type(server, &greet, "hello");

    struct gw_config *config = gw_config_create();
    gw_config_set(config, "workers", GW_VALUE(loop ? "1" : "2"));
    gw_config_listen(config, argc > 1 + loop ? argv[1 + loop] : "127.0.0.1:8080");
    struct gw_route *route = gw_config_add_route(config, "greet");
    gw_route_add_predicate(route, "path", GW_VALUE("/greet/{name}"));
    gw_route_add_filter(route, "sign", GW_VALUE("embed"));
    gw_route_set_endpoint(route, "greet", NULL);
    int result = gw_server_apply(server, config);
    gw_config_destroy(config);
    if (result < 0)
        return fail(server);
    return loop ? serve_on_loop(server) : serve_with_threads(server);
}
