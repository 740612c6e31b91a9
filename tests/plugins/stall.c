/* stall: two filters that never get on. stall_hold waits for a hold that nobody releases; stall_body takes
 * nothing from a body. The first must end at the deadline, the second at once, both with its name. */
#include <gateway/gateway.h>
#include <string.h>

struct stall {
    bool response;
};

static int create(struct gw_filter *self, const struct gw_option *options)
{
    struct stall *stall = gw_filter_data(self);
    stall->response = !strcmp(gw_option_string(options, "where"), "response");
    return 0;
}

static enum gw_flow wait_forever(struct gw_exchange *ex, struct gw_filter *self, bool response)
{
    struct stall *stall = gw_filter_data(self);
    if (stall->response != response)
        return GW_CONTINUE;
    gw_exchange_hold(ex);
    return GW_WAIT;
}

static enum gw_flow hold_request(struct gw_exchange *ex, struct gw_filter *self)
{
    return wait_forever(ex, self, false);
}

static enum gw_flow hold_response(struct gw_exchange *ex, struct gw_filter *self)
{
    return wait_forever(ex, self, true);
}

static enum gw_flow take_nothing(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    return GW_CONTINUE;
}

static const struct gw_option_spec options[] = {
    {.key = "where", .kind = GW_KIND_CHOICE, .fallback = "request", .choices = "request|response", .doc = "The hook."},
    {.key = NULL},
};

static const struct gw_filter_type stall_hold = {
    .size = sizeof stall_hold,
    .name = "stall_hold",
    .doc = "Waits for ever.",
    .options = options,
    .instance_size = sizeof(struct stall),
    .create = create,
    .on_request = hold_request,
    .on_response = hold_response,
};
static const struct gw_filter_type stall_request_body = {
    .size = sizeof stall_request_body,
    .name = "stall_request_body",
    .doc = "Takes nothing from a request's body.",
    .on_request_body = take_nothing,
};
static const struct gw_filter_type stall_response_body = {
    .size = sizeof stall_response_body,
    .name = "stall_response_body",
    .doc = "Takes nothing from a response's body.",
    .on_response_body = take_nothing,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "stall",
    .filters = (const struct gw_filter_type *const[]){&stall_hold, &stall_request_body, &stall_response_body, NULL},
};
