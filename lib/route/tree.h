/* Tree: what a router consists of; for the files that build it, search it and look for conflicts in it.
 *
 * A route becomes alternatives: host AND path AND methods AND tests. Alternatives of the same host and
 * path stand in one place, best first. A place is found by the index of exact paths or at a node of one of its
 * host's two trees (patterns without and with `**`). `best` is everywhere the highest priority found
 * there or below, so that a search for something better stops early. */
#ifndef GW_ROUTE_TREE_H
#define GW_ROUTE_TREE_H

#include "route/index.h"
#include "route/pattern.h"

#define GW__NONE UINT32_MAX
#define GW__BEST_NONE INT32_MIN

/* A condition that is not `any`, `all` or `not`; equal ones are one. A literal is 2 * number, + 1 if negated. */
struct gw__atom {
    enum gw__condition_kind kind;
    bool inverse;             /* holds if the predicate does not match */
    bool is_method;
    const char *signature;
    const struct gw_predicate *predicate;
    uint64_t methods;         /* is_method: bits of router->methods */
    uint32_t exclusive;       /* two different atoms with the same one (not GW__NONE) never both hold */
    uint32_t implies;         /* a literal that holds whenever this one does, or GW__NONE */
    const struct gw__path_pattern *path;
    struct gw__host_pattern host;
};

/* What matching reads of an alternative. */
struct gw__choice {
    uint64_t methods;         /* all ones: any */
    const struct gw__str *names;
    int32_t priority;
    uint32_t route;
    uint32_t tests;           /* in router->literals */
    uint16_t test_count;
    uint8_t name_count;
    bool tail : 1, any_path : 1;
};

/* The rest is for building and analysis, and gone when the router is finished. */
struct gw__alternative {
    struct gw__choice choice;
    uint16_t fact_count;      /* facts follow the tests */
    uint32_t owner;           /* in router->owners */
    uint64_t filter;          /* a bit for each fact: a subset's is a subset */
    uint32_t exclusive, exclusive_fact; /* one of its exclusive facts, or GW__NONE */
    uint32_t place, order;
};

struct gw__place {
    const char *text;         /* of an exact path; else the normal form */
    uint32_t size;            /* of text */
    uint32_t host, first, count;
    int32_t best;
};

/* The rest of a place, for building. */
struct gw__site {
    const struct gw__path_pattern *path;
    uint32_t node;            /* GW__NONE: exact */
};

struct gw__node {
    const char *segment;              /* NULL: a variable's, or a root */
    uint32_t size;                    /* of the segment */
    uint32_t parent, variable, place; /* or GW__NONE */
    int32_t best;
    bool has_literals;                /* among its children */
};

enum gw__tree { GW__TREE_VARIABLE, GW__TREE_WILD, GW__TREES };

struct gw__host {
    struct gw__host_pattern pattern;
    int32_t best, best_exact, best_tree[GW__TREES];
    uint32_t root[GW__TREES];
};

struct gw__owner {
    const char *id, *origin;
    uint32_t route;
    uint32_t open;            /* alternatives that are not covered */
    bool reported;
};

struct gw__array {
    size_t count, capacity;
};

struct gw__router {
    struct gw__arena arena;
    struct gw__atom *atoms;
    struct gw__alternative *alternatives;
    struct gw__choice *choices; /* in the order of alternatives */
    struct gw__place *places;
    struct gw__site *sites;   /* as many as places */
    struct gw__node *nodes;
    struct gw__host *hosts;   /* [0]: any host */
    struct gw__owner *owners;
    uint32_t *literals;
    struct gw__array atom_array, alternative_array, place_array, site_array, node_array, host_array, owner_array;
    struct gw__array literal_array;
    struct gw__index atom_index, place_index, node_index, host_index, method_index;
    struct gw__str methods[63]; /* bit 63: all others */
    char *texts;              /* exact paths and segments, close together */
    unsigned method_count;
    unsigned wild_hosts;
    bool asks_host;           /* some route does */
    int32_t best;
};

static inline const uint32_t *gw__facts(const struct gw__router *router, const struct gw__alternative *alternative)
{
    return router->literals + alternative->choice.tests + alternative->choice.test_count;
}

/* Numbers of things, or GW__NONE. */
static inline uint32_t gw__router_find_host(const struct gw__router *router, struct gw__host_pattern pattern)
{
    uint32_t hash = gw__index_hash(pattern.text, pattern.wild), i;
    for (uint32_t cursor = hash; (i = gw__index_next(&router->host_index, hash, &cursor)) != GW__INDEX_END;)
        if (router->hosts[i].pattern.wild == pattern.wild && gw__str_equal(router->hosts[i].pattern.text, pattern.text))
            return i;
    return GW__NONE;
}

static inline uint32_t gw__router_find_exact(const struct gw__router *router, uint32_t host, struct gw__str path)
{
    uint32_t hash = gw__index_hash(path, host), i;
    for (uint32_t cursor = hash; (i = gw__index_next(&router->place_index, hash, &cursor)) != GW__INDEX_END;)
        if (router->places[i].host == host && router->places[i].size == path.size
            && memcmp(router->places[i].text, path.data, path.size) == 0)
            return i;
    return GW__NONE;
}

/* The child that stands for a literal. */
static inline uint32_t gw__router_find_child(const struct gw__router *router, uint32_t node, struct gw__str segment)
{
    uint32_t hash = gw__index_hash(segment, node), i;
    for (uint32_t cursor = hash; (i = gw__index_next(&router->node_index, hash, &cursor)) != GW__INDEX_END;)
        if (router->nodes[i].parent == node && router->nodes[i].size == segment.size &&
            memcmp(router->nodes[i].segment, segment.data, segment.size) == 0)
            return i;
    return GW__NONE;
}

/* The place of a host and path, made where there is none; GW__NONE: out of memory. */
uint32_t gw__router_place(struct gw__router *router, struct gw__host_pattern host, const struct gw__path_pattern *path);

/* expression.c: brings a condition into alternatives and puts them into the router. Errors to the report;
 * false: out of memory. */
bool gw__router_expand(struct gw__router *router, uint32_t owner, int32_t priority, const struct gw__condition *all,
                       struct gw__report *report);

/* analysis.c, on a router whose places are filled. */
bool gw__router_analyse(struct gw__router *router, struct gw__report *report);

#endif
