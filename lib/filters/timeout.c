/* timeout: the deadline of an exchange, counted from where the filter stands in its chain. */
#include "builtin.h"

#include <gateway/filter.h>

struct timeout {
    int64_t after_ms;
};

static int timeout_create(struct gw_filter *self, const struct gw_option *options)
{
    struct timeout *timeout = gw_filter_data(self);
    timeout->after_ms = gw_option_int(options, "after");
    return 0;
}

static enum gw_flow timeout_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct timeout *timeout = gw_filter_data(self);
    gw_exchange_set_timeout_ms(ex, timeout->after_ms);
    return GW_CONTINUE;
}

static const struct gw_option_spec timeout_options[] = {
    {.key = "after",
     .kind = GW_KIND_DURATION,
     .required = true,
     .shorthand = true,
     .min = 1,
     .max = 86400000,
     .doc = "How long the response's head may take before the client gets 504."},
    {0},
};

const struct gw_filter_type gw__filter_timeout = {
    .size = sizeof(struct gw_filter_type),
    .name = "timeout",
    .doc = "Limits how long the response's head may take.",
    .options = timeout_options,
    .instance_size = sizeof(struct timeout),
    .create = timeout_create,
    .on_request = timeout_request,
};
