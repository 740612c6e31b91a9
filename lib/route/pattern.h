/* Patterns of paths and hosts: parsing, comparing, and what one says of another. */
#ifndef GW_ROUTE_PATTERN_H
#define GW_ROUTE_PATTERN_H

#include "base/arena.h"
#include "route/router.h"

#define GW__MAX_SEGMENTS 64

/* The more specific class first. */
enum gw__path_class { GW__PATH_EXACT, GW__PATH_VARIABLE, GW__PATH_WILD };

struct gw__path_pattern {
    enum gw__path_class class;
    uint16_t segment_count, name_count;
    bool any;                       /* there is no pattern: takes what `**` takes, and "*" too */
    bool tail;                      /* the last name is of what `**` takes */
    struct gw__str *segments;       /* a variable is one with data NULL; without the `**` */
    struct gw__str *names;          /* terminated */
    struct gw__str text;            /* normal form: names left out */
};

/* text of "*.example.com" is ".example.com". size 0: any host. */
struct gw__host_pattern {
    struct gw__str text;
    bool wild;
};

enum gw__pattern_result { GW__PATTERN_OK, GW__PATTERN_BAD, GW__PATTERN_MEMORY };

/* Where it is bad, *why is a static sentence. */
enum gw__pattern_result gw__path_parse(const char *text, struct gw__arena *arena, struct gw__path_pattern *out,
                                       const char **why);
enum gw__pattern_result gw__host_parse(const char *text, struct gw__arena *arena, struct gw__host_pattern *out,
                                       const char **why);

/* Does `wide` match all that `narrow` matches? Is there nothing that both match? */
bool gw__path_contains(const struct gw__path_pattern *wide, const struct gw__path_pattern *narrow);
bool gw__path_disjoint(const struct gw__path_pattern *a, const struct gw__path_pattern *b);
bool gw__path_matches(const struct gw__path_pattern *pattern, struct gw__str path);
/* Order of precedence: negative if a is tried before b. */
int gw__path_compare(const struct gw__path_pattern *a, const struct gw__path_pattern *b);

bool gw__host_contains(struct gw__host_pattern wide, struct gw__host_pattern narrow);
bool gw__host_disjoint(struct gw__host_pattern a, struct gw__host_pattern b);
/* `host` in lower case, without port. */
bool gw__host_matches(struct gw__host_pattern pattern, struct gw__str host);
int gw__host_compare(struct gw__host_pattern a, struct gw__host_pattern b);

#endif
