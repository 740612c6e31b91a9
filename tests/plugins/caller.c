/* caller: asks a service before the request goes on. 200 lets it pass, with what the service said in X-Call-*;
 * another status becomes 401; no answer becomes 503 with the reason. */
#include <gateway/gateway.h>
#include <string.h>

struct caller {
    const char *service, *target, *method, *body;
};

static int create(struct gw_filter *self, const struct gw_option *options)
{
    struct caller *caller = gw_filter_data(self);
    caller->service = gw_option_string(options, "service");
    caller->target = gw_option_string(options, "target");
    caller->method = gw_option_string(options, "method");
    caller->body = gw_option_string(options, "body");
    return 0;
}

static enum gw_flow verdict(struct gw_exchange *ex, struct gw_filter *self, const struct gw_reply *reply)
{
    int status = gw_reply_status(reply);
    size_t size = 0;
    const char *body = gw_reply_body(reply, &size);
    if (!status)
        return gw_exchange_fail(ex, 503, "caller: %s", gw_reply_error(reply));
    if (status != 200)
        return gw_exchange_reply(ex, 401, "caller: got %d", status);
    const char *type = gw_reply_header(reply, "content-type");
    gw_exchange_set_request_header(ex, "X-Call-Type", type ? type : "none");
    gw_exchange_set_request_header(ex, "X-Call-Size", gw_exchange_print(ex, "%zu", body ? size : 0));
    return GW_CONTINUE;
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_filter *self)
{
    struct caller *caller = gw_filter_data(self);
    struct gw_call *call = gw_exchange_call(ex, self, caller->service, caller->method, caller->target, verdict);
    gw_call_header(call, "Authorization", gw_exchange_request_header(ex, "Authorization"));
    gw_call_header(call, "X-Called-For", gw_exchange_path(ex));
    if (*caller->body)
        gw_call_body(call, caller->body, strlen(caller->body));
    return gw_call_send(call);
}

static const struct gw_option_spec options[] = {
    {.key = "service", .kind = GW_KIND_STRING, .required = true, .doc = "The service to ask."},
    {.key = "target", .kind = GW_KIND_STRING, .fallback = "/check", .doc = "Path and query of the question."},
    {.key = "method", .kind = GW_KIND_STRING, .fallback = "GET", .doc = "Its method."},
    {.key = "body", .kind = GW_KIND_STRING, .fallback = "", .doc = "Its body."},
    {.key = NULL},
};

static const struct gw_filter_type caller = {
    .size = sizeof caller,
    .name = "caller",
    .doc = "Asks a service first.",
    .options = options,
    .instance_size = sizeof(struct caller),
    .create = create,
    .on_request = on_request,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "caller",
    .filters = (const struct gw_filter_type *const[]){&caller, NULL},
};
