/* method: the request's method is one of a list. The router knows it too, and asks only where there are more
 * different methods than it has bits for. */
#include "builtin.h"

#include <string.h>

struct method {
    const struct gw_option *list;
};

static int method_create(struct gw_predicate *self, const struct gw_option *options)
{
    struct method *method = gw_predicate_data(self);
    method->list = gw_option_get(options, "methods");
    size_t count = gw_option_count(method->list);
    if (count == 0)
        gw_predicate_error(self, method->list, "expected a method, found an empty list");
    for (size_t i = 0; i < count; i++) {
        const struct gw_option *item = gw_option_at(method->list, i);
        const char *text = gw_option_text(item);
        if (!*text || text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")]) {
            gw_predicate_error(self, item, "expected a method like GET, in upper case, found '%s'", text);
            return -1;
        }
    }
    return count == 0 ? -1 : 0;
}

static bool method_matches(const struct gw_exchange *ex, const struct gw_predicate *self)
{
    const struct method *method = gw_predicate_data(self);
    const char *sent = gw_exchange_method(ex);
    for (size_t i = 0; i < gw_option_count(method->list); i++)
        if (strcmp(gw_option_text(gw_option_at(method->list, i)), sent) == 0)
            return true;
    return false;
}

static const struct gw_option_spec method_options[] = {
    {.key = "methods",
     .kind = GW_KIND_STRINGS,
     .required = true,
     .shorthand = true,
     .doc = "One method or a list, in upper case."},
    {0},
};

const struct gw_predicate_type gw__predicate_method = {
    .size = sizeof(struct gw_predicate_type),
    .name = "method",
    .doc = "The request's method is one of these.",
    .options = method_options,
    .instance_size = sizeof(struct method),
    .create = method_create,
    .matches = method_matches,
};
