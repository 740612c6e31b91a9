/* Matching: places are visited in the order of precedence; the first alternative that holds wins, unless
 * one of higher priority may follow. Every node of a tree is visited at most once a request, and the
 * recursion is as deep as the longest pattern. */
#include "exchange/chain.h"
#include "route/tree.h"

struct search {
    const struct gw__router *router;
    const struct gw_exchange *ex;
    struct gw__str method, host, path;
    uint64_t method_bit; /* 0: not looked up yet */
    int32_t best;        /* priority of what was found */
    bool no_path;        /* "*" */
    struct gw__match *match;
    unsigned value_count;
    struct gw__str values[GW__MAX_SEGMENTS];
};

static uint64_t find_method(struct search *search)
{
    const struct gw__router *router = search->router;
    uint32_t hash = gw__index_hash(search->method, 0), i;
    for (uint32_t cursor = hash; (i = gw__index_next(&router->method_index, hash, &cursor)) != GW__INDEX_END;)
        if (gw__str_equal(router->methods[i], search->method))
            return (uint64_t)1 << i;
    return (uint64_t)1 << 63;
}

static bool literal_holds(const struct search *search, uint32_t literal)
{
    const struct gw__atom *atom = &search->router->atoms[literal >> 1];
    bool holds;
    if (atom->kind == GW__CONDITION_PATH)
        holds = gw__path_matches(atom->path, search->path);
    else if (atom->kind == GW__CONDITION_HOST)
        holds = gw__host_matches(atom->host, search->host);
    else
        holds = atom->predicate->type->matches(search->ex, atom->predicate) != atom->inverse;
    return holds != (literal & 1);
}

static bool holds(struct search *search, const struct gw__choice *choice)
{
    if (choice->methods != UINT64_MAX) {
        if (!search->method_bit)
            search->method_bit = find_method(search);
        if (!(choice->methods & search->method_bit))
            return false;
    }
    if (search->no_path && !choice->any_path)
        return false;
    const uint32_t *tests = search->router->literals + choice->tests;
    for (unsigned i = 0; i < choice->test_count; i++)
        if (!literal_holds(search, tests[i]))
            return false;
    return true;
}

/* `at`: where the segments of the pattern end. */
static void take(struct search *search, const struct gw__choice *choice, const char *at)
{
    struct gw__match *match = search->match;
    const char *end = search->path.data + search->path.size;
    search->best = choice->priority;
    match->route = choice->route;
    match->variable_count = choice->name_count;
    unsigned whole = choice->name_count - choice->tail;
    for (unsigned i = 0; i < choice->name_count; i++)
        match->names[i] = choice->names[i];
    for (unsigned i = 0; i < whole; i++)
        match->values[i] = search->values[i];
    at += at < end; /* the '/' */
    if (choice->tail)
        match->values[whole] = (struct gw__str){at, (size_t)(end - at)};
}

static void try_place(struct search *search, uint32_t number, const char *at)
{
    const struct gw__place *place = &search->router->places[number];
    const struct gw__choice *choice = search->router->choices + place->first;
    for (uint32_t i = 0; i < place->count && choice->priority > search->best; i++, choice++)
        if (holds(search, choice)) {
            take(search, choice, at);
            return;
        }
}

/* `at`: the '/' of the next segment, or the end. */
static void walk(struct search *search, uint32_t number, const char *at, bool wild)
{
    const struct gw__node *node = &search->router->nodes[number];
    const char *end = search->path.data + search->path.size;
    if (at < end && (node->has_literals || node->variable != GW__NONE)) {
        const char *begin = at + 1, *slash = memchr(begin, '/', (size_t)(end - begin));
        struct gw__str segment = {begin, (size_t)((slash ? slash : end) - begin)};
        const char *next = begin + segment.size;
        uint32_t child = node->has_literals ? gw__router_find_child(search->router, number, segment) : GW__NONE;
        if (child != GW__NONE && search->router->nodes[child].best > search->best)
            walk(search, child, next, wild);
        if (node->variable != GW__NONE && segment.size && search->router->nodes[node->variable].best > search->best) {
            search->values[search->value_count++] = segment;
            walk(search, node->variable, next, wild);
            search->value_count--;
        }
    }
    if (node->place != GW__NONE && (wild || at == end))
        try_place(search, node->place, at);
}

static void search_host(struct search *search, uint32_t number)
{
    const struct gw__host *host = &search->router->hosts[number];
    const char *begin = search->path.data;
    if (host->best <= search->best)
        return;
    if (search->no_path) {
        uint32_t root = host->root[GW__TREE_WILD];
        if (root != GW__NONE && search->router->nodes[root].place != GW__NONE)
            try_place(search, search->router->nodes[root].place, begin + search->path.size);
        return;
    }
    if (host->best_exact > search->best) {
        uint32_t place = gw__router_find_exact(search->router, number, search->path);
        if (place != GW__NONE)
            try_place(search, place, begin);
    }
    if (host->best_tree[GW__TREE_VARIABLE] > search->best)
        walk(search, host->root[GW__TREE_VARIABLE], begin, false);
    if (host->best_tree[GW__TREE_WILD] > search->best)
        walk(search, host->root[GW__TREE_WILD], begin, true);
}

static void search_hosts(struct search *search)
{
    struct gw__str host = search->host;
    uint32_t found = gw__router_find_host(search->router, (struct gw__host_pattern){host, false});
    if (found != GW__NONE)
        search_host(search, found);
    for (size_t i = 1; i < host.size && search->router->wild_hosts; i++) {
        if (host.data[i] != '.')
            continue;
        struct gw__str suffix = {host.data + i, host.size - i};
        found = gw__router_find_host(search->router, (struct gw__host_pattern){suffix, true});
        if (found != GW__NONE)
            search_host(search, found);
    }
}

bool gw__router_asks_host(const struct gw__router *router)
{
    return router->asks_host;
}

bool gw__router_match(const struct gw__router *router, const struct gw_exchange *ex, struct gw__str method,
                      struct gw__str host, struct gw__str path, struct gw__match *match)
{
    char lower[256];
    struct search search;
    search.router = router;
    search.ex = ex;
    search.method = method;
    search.path = path;
    search.method_bit = 0;
    search.best = GW__BEST_NONE;
    search.no_path = path.size == 0 || path.data[0] != '/';
    search.match = match;
    search.value_count = 0;
    if (host.size && host.data[host.size - 1] == '.')
        host.size--;
    if (host.size > sizeof lower || !router->asks_host)
        host.size = 0; /* no pattern is that long */
    if (host.size)
        gw__lower_copy(lower, host.data, host.size);
    search.host = (struct gw__str){lower, host.size};
    if (host.size && router->host_array.count > 1)
        search_hosts(&search);
    search_host(&search, 0);
    return search.best != GW__BEST_NONE;
}
