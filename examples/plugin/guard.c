/* A plugin outside the gateway's tree: the filter `guard` lets through what the service "auth" approves
 * of, and the endpoint `hello` says so. `make`, then name ./guard.so under `plugins` in the config. */
#include <gateway/gateway.h>

/* What the auth service said about the request: anything but 200 is a no. */
static enum gw_flow verdict(struct gw_exchange *ex, struct gw_filter *self, const struct gw_reply *reply)
{
    (void)self;
    if (gw_reply_status(reply) == 0)
        return gw_exchange_fail(ex, 503, "the auth service does not answer");
    if (gw_reply_status(reply) != 200)
        return gw_exchange_reply(ex, 401, "sign in first\n");
    const char *user = gw_reply_header(reply, "X-User");
    if (user)
        gw_exchange_set_attribute(ex, "user", user);
    return GW_CONTINUE;
}

static enum gw_flow guard_request(struct gw_exchange *ex, struct gw_filter *self)
{
    struct gw_call *call = gw_exchange_call(ex, self, "auth", "GET", "/check", verdict);
    gw_call_header(call, "Authorization", gw_exchange_request_header(ex, "Authorization"));
    return gw_call_send(call);
}

static const struct gw_filter_type guard = {
    .size = sizeof guard,
    .name = "guard",
    .doc = "Asks the service `auth` about each request.",
    .on_request = guard_request,
};

static enum gw_flow hello_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    (void)self;
    const char *user = gw_exchange_attribute(ex, "user");
    return gw_exchange_reply(ex, 200, "hello, %s\n", user ? user : "stranger");
}

static const struct gw_endpoint_type hello = {
    .size = sizeof hello,
    .name = "hello",
    .doc = "Greets the user that `guard` let in.",
    .on_request = hello_request,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "guard",
    .filters = (const struct gw_filter_type *const[]){&guard, NULL},
    .endpoints = (const struct gw_endpoint_type *const[]){&hello, NULL},
};
