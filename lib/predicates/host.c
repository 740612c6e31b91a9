/* host: known to the router, which takes it apart; matches() is never asked. */
#include "builtin.h"

static const struct gw_option_spec host_options[] = {
    {.key = "patterns",
     .kind = GW_KIND_STRINGS,
     .required = true,
     .shorthand = true,
     .doc = "One host or a list of which one must match, without port, in any case: `example.com`, or `*.example.com` "
            "for all names below it."},
    {0},
};

const struct gw_predicate_type gw__predicate_host = {
    .size = sizeof(struct gw_predicate_type),
    .name = "host",
    .doc = "The host the request is for.",
    .options = host_options,
};
