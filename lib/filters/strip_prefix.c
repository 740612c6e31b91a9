/* strip_prefix: takes the first N segments off the path before it goes to the endpoint. Empty segments
 * do not count and the result never begins with "//", which a backend could read as an authority. */
#include "builtin.h"

#include <gateway/filter.h>
#include <string.h>

struct strip {
    int64_t segments;
};

static int strip_create(struct gw_filter *self, const struct gw_option *options)
{
    struct strip *strip = gw_filter_data(self);
    strip->segments = gw_option_int(options, "segments");
    return 0;
}

static enum gw_flow strip_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct strip *strip = gw_filter_data(self);
    const char *path = gw_exchange_path(ex);
    for (int64_t left = strip->segments; left > 0 && *path; left--) {
        path += strspn(path, "/");
        path += strcspn(path, "/");
    }
    while (path[0] == '/' && path[1] == '/')
        path++;
    gw_exchange_set_path(ex, *path ? path : "/");
    return GW_CONTINUE;
}

static const struct gw_option_spec strip_options[] = {
    {.key = "segments",
     .kind = GW_KIND_INT,
     .required = true,
     .shorthand = true,
     .min = 1,
     .max = 64,
     .doc = "How many segments to take off; where there are fewer, `/` is left."},
    {0},
};

const struct gw_filter_type gw__filter_strip_prefix = {
    .size = sizeof(struct gw_filter_type),
    .name = "strip_prefix",
    .doc = "Takes the first segments off the request's path.",
    .options = strip_options,
    .instance_size = sizeof(struct strip),
    .create = strip_create,
    .on_request = strip_request,
};
