/* Router: from a request to the index of a route. Immutable once finished; matching allocates nothing, so
 * all workers share it.
 *
 * A route's predicates are a boolean expression. The router brings it into alternatives (an `any` splits the
 * route) of the form: host pattern? AND path pattern? AND methods? AND tests.
 *
 * Which of several matching routes is taken, the first rule that tells them apart deciding:
 *   1. `priority`, the higher first (0 if not said);
 *   2. host: an exact one, then `*.` with more behind it before less, then none;
 *   3. path: an exact one; then patterns with variables; then those ending in `**` (no path at all counts
 *      as "/" followed by `**`). Two patterns of a kind are compared segment by segment from the left, a
 *      literal going before a variable, and a longer `**` pattern before a shorter;
 *   4. conditions: an alternative whose methods and tests are those of another and more goes before it.
 * What these don't tell apart, and isn't seen to be disjoint (methods without a common one, a test and
 * its negation, two values of one header), is a conflict: an error at load that asks for a `priority`.
 * Where the tests of a better place fail, the next one is tried.
 *
 * Paths: `/a/b` is exact, and a slash at the end counts. `{name}` takes one whole segment that is not
 * empty. `/a/` `**` takes `/a`, `/a/` and all below; `/a/{name:**}` the same, the variable being what
 * stands behind `/a/`. Hosts: `example.com`, or `*.example.com` for one or more labels more; any case. */
#ifndef GW_ROUTE_ROUTER_H
#define GW_ROUTE_ROUTER_H

#include "base/arena.h"
#include "base/report.h"

#include <gateway/filter.h>
#include <stdint.h>

struct gw__router;

/* One node of a route's expression, borrowed by gw__router_add() (copied). PATH and HOST carry a pattern;
 * METHOD, HEADER, QUERY and any plugin's are TEST with the predicate's instance. */
enum gw__condition_kind {
    GW__CONDITION_ALL,
    GW__CONDITION_ANY,
    GW__CONDITION_NOT,
    GW__CONDITION_PATH,
    GW__CONDITION_HOST,
    GW__CONDITION_TEST,
};

struct gw__condition {
    enum gw__condition_kind kind;
    const char *pattern;                /* PATH, HOST */
    const char *origin;
    const struct gw_predicate *predicate; /* TEST; outlives the router */
    const char *signature;              /* TEST: canonical text of type and options; equal text = same condition.
                                           "method:GET,POST" is known to the router; NULL: equal to none */
    const char *exclusive;              /* TEST: two with equal text, and other signatures, never both hold; or NULL */
    const char *implies;                /* TEST: signature of another that holds whenever this does; or NULL */
    bool inverse;                       /* TEST: the predicate is the negation of what the signature says */
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
/* Adds a route; `route` is the caller's number for it, id and origin are copied. Bad patterns [GW1032], an expression
 * of more than 256 alternatives or 1,000 conditions or nested over 100 deep [GW1033] and one that contradicts itself
 * [GW1031] go to the report, and the route is left out. False when out of memory. */
bool gw__router_add(struct gw__router *router, uint32_t route, const char *id, const char *origin, int priority,
                    const struct gw__condition *all, struct gw__report *report);
/* Ends the building: conflicts [GW1030] and routes that can never match because others take all their requests
 * [GW1031] are errors naming both places. Says nothing wrong; does not find every union of routes that
 * covers another (of methods it does). False when out of memory. */
bool gw__router_finish(struct gw__router *router, struct gw__report *report);
/* Some route depends on the host: else gw__router_match() may be given none. */
bool gw__router_asks_host(const struct gw__router *router);
/* host without port, any case; path normalised. Tests are run on ex. False if no route matches. */
bool gw__router_match(const struct gw__router *router, const struct gw_exchange *ex, struct gw__str method,
                      struct gw__str host, struct gw__str path, struct gw__match *match);

#endif
