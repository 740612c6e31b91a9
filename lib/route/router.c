/* Building: routes are brought into alternatives as they are added and linked to their places; finish
 * sorts them, so that those of a place stand together, best first, and spreads the best priorities. */
#include "route/tree.h"

#include <stdlib.h>

#define APPEND(router, what, item) append(router->what##s, &router->what##_array, sizeof *router->what##s, item)

/* The items, one longer, or NULL. The old ones stay valid then. */
static void *append(void *items, struct gw__array *array, size_t size, const void *item)
{
    items = gw__grow(items, array->count, &array->capacity, size);
    if (items)
        memcpy((char *)items + size * array->count++, item, size);
    return items;
}

static uint32_t add_host(struct gw__router *router, struct gw__host_pattern pattern)
{
    struct gw__host host = {
        .pattern = pattern,
        .best = GW__BEST_NONE,
        .best_exact = GW__BEST_NONE,
        .best_tree = {GW__BEST_NONE, GW__BEST_NONE},
        .root = {GW__NONE, GW__NONE},
    };
    uint32_t number = (uint32_t)router->host_array.count;
    struct gw__host *hosts = APPEND(router, host, &host);
    if (!hosts)
        return GW__NONE;
    router->hosts = hosts;
    router->wild_hosts += pattern.wild;
    return gw__index_add(&router->host_index, gw__index_hash(pattern.text, pattern.wild), number) ? number : GW__NONE;
}

static uint32_t add_node(struct gw__router *router, uint32_t parent, struct gw__str segment)
{
    struct gw__node node = {segment.data, (uint32_t)segment.size, parent, GW__NONE, GW__NONE, GW__BEST_NONE, false};
    uint32_t number = (uint32_t)router->node_array.count;
    struct gw__node *nodes = APPEND(router, node, &node);
    if (!nodes)
        return GW__NONE;
    router->nodes = nodes;
    if (segment.data && !gw__index_add(&router->node_index, gw__index_hash(segment, parent), number))
        return GW__NONE;
    return number;
}

static uint32_t add_place(struct gw__router *router, uint32_t host, uint32_t node, const struct gw__path_pattern *path)
{
    struct gw__place place = {path->text.data, (uint32_t)path->text.size, host, 0, 0, GW__BEST_NONE};
    struct gw__site site = {path, node};
    uint32_t number = (uint32_t)router->place_array.count;
    struct gw__place *places = APPEND(router, place, &place);
    router->places = places ? places : router->places;
    struct gw__site *sites = places ? APPEND(router, site, &site) : NULL;
    if (!sites)
        return GW__NONE;
    router->sites = sites;
    if (node != GW__NONE)
        router->nodes[node].place = number;
    else if (!gw__index_add(&router->place_index, gw__index_hash(path->text, host), number))
        return GW__NONE;
    return number;
}

static uint32_t descend(struct gw__router *router, uint32_t node, struct gw__str segment)
{
    uint32_t child = segment.data ? gw__router_find_child(router, node, segment) : router->nodes[node].variable;
    if (child != GW__NONE)
        return child;
    child = add_node(router, node, segment);
    if (child != GW__NONE && segment.data)
        router->nodes[node].has_literals = true;
    else if (child != GW__NONE)
        router->nodes[node].variable = child;
    return child;
}

uint32_t gw__router_place(struct gw__router *router, struct gw__host_pattern pattern,
                          const struct gw__path_pattern *path)
{
    uint32_t host = gw__router_find_host(router, pattern);
    if (host == GW__NONE && (host = add_host(router, pattern)) == GW__NONE)
        return GW__NONE;
    if (path->class == GW__PATH_EXACT) {
        uint32_t place = gw__router_find_exact(router, host, path->text);
        return place != GW__NONE ? place : add_place(router, host, GW__NONE, path);
    }
    enum gw__tree tree = path->class == GW__PATH_WILD ? GW__TREE_WILD : GW__TREE_VARIABLE;
    if (router->hosts[host].root[tree] == GW__NONE)
        router->hosts[host].root[tree] = add_node(router, GW__NONE, (struct gw__str){NULL, 0});
    uint32_t node = router->hosts[host].root[tree];
    for (unsigned i = 0; i < path->segment_count && node != GW__NONE; i++)
        node = descend(router, node, path->segments[i]);
    if (node == GW__NONE || router->nodes[node].place != GW__NONE)
        return node == GW__NONE ? GW__NONE : router->nodes[node].place;
    return add_place(router, host, node, path);
}

struct gw__router *gw__router_create(void)
{
    struct gw__router *router = gw__calloc(1, sizeof *router);
    if (!router)
        return NULL;
    router->best = GW__BEST_NONE;
    gw__arena_init(&router->arena, NULL);
    if (add_host(router, (struct gw__host_pattern){{"", 0}, false}) == GW__NONE) {
        gw__router_destroy(router);
        return NULL;
    }
    return router;
}

void gw__router_destroy(struct gw__router *router)
{
    if (!router)
        return;
    gw__index_finish(&router->atom_index);
    gw__index_finish(&router->place_index);
    gw__index_finish(&router->node_index);
    gw__index_finish(&router->host_index);
    gw__index_finish(&router->method_index);
    gw__free(router->atoms);
    gw__free(router->alternatives);
    gw__free(router->choices);
    gw__free(router->places);
    gw__free(router->sites);
    gw__free(router->texts);
    gw__free(router->nodes);
    gw__free(router->hosts);
    gw__free(router->owners);
    gw__free(router->literals);
    gw__arena_finish(&router->arena);
    gw__free(router);
}

bool gw__router_add(struct gw__router *router, uint32_t route, const char *id, const char *origin, int priority,
                    const struct gw__condition *all, struct gw__report *report)
{
    struct gw__owner owner = {.route = route};
    owner.id = gw__arena_copy(&router->arena, id ? id : "", id ? strlen(id) : 0);
    owner.origin = gw__arena_copy(&router->arena, origin ? origin : "", origin ? strlen(origin) : 0);
    struct gw__owner *owners = owner.id && owner.origin ? APPEND(router, owner, &owner) : NULL;
    if (!owners)
        return false;
    router->owners = owners;
    int32_t clamped = priority > GW__BEST_NONE ? priority : GW__BEST_NONE + 1;
    return gw__router_expand(router, (uint32_t)router->owner_array.count - 1, clamped, all, report);
}

static int popcount(uint64_t bits)
{
    return __builtin_popcountll(bits);
}

/* By place; within it the best first: see the order in router.h. */
static int compare_alternatives(const void *left, const void *right)
{
    const struct gw__alternative *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    if (a->choice.priority != b->choice.priority)
        return a->choice.priority > b->choice.priority ? -1 : 1;
    if (a->fact_count != b->fact_count)
        return a->fact_count > b->fact_count ? -1 : 1;
    int more = popcount(a->choice.methods) - popcount(b->choice.methods);
    if (more)
        return more;
    if (a->choice.methods != b->choice.methods)
        return a->choice.methods < b->choice.methods ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void raise(int32_t *best, int32_t priority)
{
    if (*best < priority)
        *best = priority;
}

static void spread_best(struct gw__router *router, size_t number)
{
    const struct gw__place *place = &router->places[number];
    const struct gw__site *site = &router->sites[number];
    struct gw__host *host = &router->hosts[place->host];
    raise(&router->best, place->best);
    raise(&host->best, place->best);
    if (site->node == GW__NONE)
        raise(&host->best_exact, place->best);
    else
        raise(&host->best_tree[site->path->class == GW__PATH_WILD ? GW__TREE_WILD : GW__TREE_VARIABLE], place->best);
    for (uint32_t node = site->node; node != GW__NONE; node = router->nodes[node].parent)
        raise(&router->nodes[node].best, place->best);
}

/* What matching compares with, in one piece: a router of thousands of routes is searched faster. */
static bool pack_texts(struct gw__router *router)
{
    size_t size = 1;
    for (size_t i = 0; i < router->place_array.count; i++)
        size += router->places[i].size;
    for (size_t i = 0; i < router->node_array.count; i++)
        size += router->nodes[i].size;
    char *at = router->texts = gw__malloc(size);
    for (size_t i = 0; i < router->place_array.count && at; i++) {
        router->places[i].text = memcpy(at, router->places[i].text, router->places[i].size);
        at += router->places[i].size;
    }
    for (size_t i = 0; i < router->node_array.count && at; i++) {
        struct gw__node *node = &router->nodes[i];
        if (node->segment)
            node->segment = memcpy(at, node->segment, node->size);
        at += node->size;
    }
    return at != NULL;
}

static bool fill_places(struct gw__router *router)
{
    struct gw__alternative *all = router->alternatives;
    size_t count = router->alternative_array.count;
    if (count)
        qsort(all, count, sizeof *all, compare_alternatives);
    router->choices = gw__calloc(count + 1, sizeof *router->choices);
    for (size_t i = 0; i < count && router->choices; i++) {
        struct gw__place *place = &router->places[all[i].place];
        router->choices[i] = all[i].choice;
        if (place->count++ == 0) {
            place->first = (uint32_t)i;
            place->best = all[i].choice.priority;
        }
    }
    return router->choices != NULL;
}

bool gw__router_finish(struct gw__router *router, struct gw__report *report)
{
    if (!pack_texts(router) || !fill_places(router))
        return false;
    for (size_t i = 0; i < router->place_array.count; i++)
        spread_best(router, i);
    router->asks_host = router->host_array.count > 1;
    for (size_t i = 0; i < router->atom_array.count; i++)
        router->asks_host = router->asks_host || router->atoms[i].kind == GW__CONDITION_HOST;
    bool good = gw__router_analyse(router, report);
    gw__free(router->alternatives);
    router->alternatives = NULL;
    router->alternative_array = (struct gw__array){0};
    return good;
}
