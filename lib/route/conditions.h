/* Conditions: from what a config says of a route's predicates to the expression that the router takes. */
#ifndef GW_ROUTE_CONDITIONS_H
#define GW_ROUTE_CONDITIONS_H

#include "base/option.h"
#include "route/router.h"

/* One predicate of a route: a type's name, or `any`, `all` or `not`, with what was written behind it. */
struct gw__condition_entry {
    const char *type, *origin;
    const struct gw_option *option; /* NULL: nothing */
};

/* Where types and instances come from. */
struct gw__predicate_source {
    void *user;
    /* The type of that name, or NULL. */
    const struct gw_predicate_type *(*find)(void *user, const char *name);
    /* Names of all types, up to max; returns how many. For the nearest one to a mistyped name. */
    size_t (*names)(void *user, const char **names, size_t max);
    /* Makes an instance with checked options, of which it becomes the owner in any case. NULL: it failed, and
     * the report says why or is lost. The instance must outlive the router. */
    struct gw_predicate *(*create)(void *user, const struct gw_predicate_type *type, struct gw_option *take,
                                   const char *origin, struct gw__report *report);
};

/* Builds the expression in the arena, which must outlive gw__router_add() only. `path` and `host` become patterns and
 * have no instance. Errors, GW1020 for an unknown name among them, go to the report; only where none was added may
 * *out be given to the router. False when out of memory. */
bool gw__conditions_build(const struct gw__condition_entry *entries, size_t count,
                          const struct gw__predicate_source *source, struct gw__arena *arena,
                          struct gw__report *report, struct gw__condition *out);
/* Whether requests that match may have the path variable: some path of the expression names it. */
bool gw__condition_binds(const struct gw__condition *condition, struct gw__str name);

#endif
