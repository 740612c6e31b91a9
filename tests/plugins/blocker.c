/* blocker: a blocking filter. It sleeps in on_request and on_response, on a thread of the pool, and touches the
 * exchange before and after; meanwhile the loop must go on. */
#include <gateway/gateway.h>
#include <time.h>

struct blocker {
    int64_t pause_ms;
    int status;
};

static int create(struct gw_filter *self, const struct gw_option *options)
{
    struct blocker *blocker = gw_filter_data(self);
    blocker->pause_ms = gw_option_int(options, "pause");
    blocker->status = (int)gw_option_int(options, "reply");
    return 0;
}

static void block(const struct blocker *blocker)
{
    struct timespec pause = {blocker->pause_ms / 1000, blocker->pause_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_filter *self)
{
    struct blocker *blocker = gw_filter_data(self);
    const char *path = gw_exchange_path(ex);
    block(blocker);
    gw_exchange_set_request_header(ex, "X-Blocked", path);
    return blocker->status ? gw_exchange_reply(ex, blocker->status, "blocked") : GW_CONTINUE;
}

static enum gw_flow on_response(struct gw_exchange *ex, struct gw_filter *self)
{
    block(gw_filter_data(self));
    gw_exchange_set_response_header(ex, "X-Blocked", gw_exchange_print(ex, "%d", gw_exchange_status(ex)));
    return GW_CONTINUE;
}

static const struct gw_option_spec options[] = {
    {.key = "pause", .kind = GW_KIND_DURATION, .fallback = "50ms", .doc = "How long it blocks."},
    {.key = "reply", .kind = GW_KIND_INT, .fallback = "0", .doc = "A status to reply with; 0 for none."},
    {.key = NULL},
};

static const struct gw_filter_type blocker = {
    .size = sizeof blocker,
    .name = "blocker",
    .doc = "Blocks.",
    .options = options,
    .instance_size = sizeof(struct blocker),
    .blocking = true,
    .create = create,
    .on_request = on_request,
    .on_response = on_response,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "blocker",
    .filters = (const struct gw_filter_type *const[]){&blocker, NULL},
};
