/* Router: from a request to the index of a route. Exact host+path first, then a tree of path segments
 * in which literals go before variables (with backtracking), then wildcards, then priority. Immutable
 * once finished; matching allocates nothing and is shared by all workers.
 *
 * A route's predicates are a boolean expression. The router brings it into alternatives (an `any` with paths
 * or hosts in it splits the route) of the form: host pattern? AND path pattern? AND the rest. */
#ifndef GW_ROUTE_ROUTER_H
#define GW_ROUTE_ROUTER_H

#include "base/arena.h"
#include "base/report.h"

#include <gateway/filter.h>
#include <stdint.h>

struct gw__router;

/* One node of a route's expression, borrowed by gw__router_add() (copied). PATH and HOST carry a pattern;
 * METHOD, HEADER, QUERY and any plugin's are TEST with the predicate's instance. */
enum gw__condition_kind { GW__CONDITION_ALL, GW__CONDITION_ANY, GW__CONDITION_NOT, GW__CONDITION_PATH, GW__CONDITION_HOST, GW__CONDITION_TEST };

struct gw__condition {
    enum gw__condition_kind kind;
    const char *pattern;                /* PATH, HOST */
    const char *origin;
    const struct gw_predicate *predicate; /* TEST; outlives the router */
    const char *signature;              /* TEST: canonical text of type and options; equal text = same condition */
    struct gw__condition *children;     /* ALL, ANY, NOT (one) */
    size_t count;
};

/* Values of a path's variables: slices of the request's path, not decoded, in the order of the pattern. */
#define GW__MAX_VARIABLES 16
struct gw__match {
    uint32_t route;
    uint32_t variable_count;
    struct gw__str names[GW__MAX_VARIABLES];  /* terminated strings of the router */
    struct gw__str values[GW__MAX_VARIABLES];
};

struct gw__router *gw__router_create(void);
void gw__router_destroy(struct gw__router *router);
/* Adds a route. Bad patterns go to the report. False when out of memory. */
bool gw__router_add(struct gw__router *router, uint32_t route, const char *id, const char *origin, int priority,
                    const struct gw__condition *all, struct gw__report *report);
/* Ends the building: two routes that match the same requests with equal rank (same host, path pattern up to variable
 * names, priority and tests) and routes that can never match because others take all their requests are errors naming
 * both places [GW1030, GW1031]. False when out of memory. */
bool gw__router_finish(struct gw__router *router, struct gw__report *report);
/* host without port, any case. Tests are run on ex. False if no route matches. */
bool gw__router_match(const struct gw__router *router, const struct gw_exchange *ex, struct gw__str host,
                      struct gw__str path, struct gw__match *match);

#endif
