/* path: known to the router, which takes it apart; matches() is never asked. */
#include "builtin.h"

static const struct gw_option_spec path_options[] = {
    {.key = "patterns",
     .kind = GW_KIND_STRINGS,
     .required = true,
     .shorthand = true,
     .doc = "One pattern or a list of which one must match. `/a/b` is that path alone, `/a/{id}` has a variable for "
            "one segment, `/a/**` takes `/a` and all below, `/a/{rest:**}` the same with a variable for what stands "
            "behind `/a/`."},
    {0},
};

const struct gw_predicate_type gw__predicate_path = {
    .size = sizeof(struct gw_predicate_type),
    .name = "path",
    .doc = "The request's path.",
    .options = path_options,
};
