/* What the order of precedence does not decide is an error, and so is a route that gets no request. Only
 * alternatives of one place can tie; only those of a place that contains it can cover one. Both are found
 * through the router's own structure, so the work stays near linear in the number of routes. */
#include "route/tree.h"

#include <stdlib.h>

/* An alternative while those are gathered that take its requests first. */
struct victim {
    struct gw__router *router;
    struct gw__alternative *alternative;
    uint64_t taken; /* methods */
    uint32_t coverer;
    bool several;
};

static bool subset(const struct gw__router *router, const struct gw__alternative *few,
                   const struct gw__alternative *many)
{
    if (few->filter & ~many->filter)
        return false;
    const uint32_t *f = gw__facts(router, few), *m = gw__facts(router, many);
    unsigned i = 0;
    for (unsigned j = 0; i < few->fact_count && j < many->fact_count; j++)
        i += f[i] == m[j];
    return i == few->fact_count;
}

static bool facts_exclude(const struct gw__router *router, uint32_t a, uint32_t b)
{
    if (a == (b ^ 1))
        return true;
    if (a == b || (a & 1) || (b & 1))
        return false;
    uint32_t exclusive = router->atoms[a >> 1].exclusive;
    return exclusive != GW__NONE && exclusive == router->atoms[b >> 1].exclusive;
}

/* Can't both hold, as far as their methods and facts tell. */
static bool disjoint(const struct gw__router *router, const struct gw__alternative *a, const struct gw__alternative *b)
{
    if (!(a->choice.methods & b->choice.methods))
        return true;
    const uint32_t *x = gw__facts(router, a), *y = gw__facts(router, b);
    for (unsigned i = 0; i < a->fact_count; i++)
        for (unsigned j = 0; j < b->fact_count; j++)
            if (facts_exclude(router, x[i], y[j]))
                return true;
    return false;
}

static void report_conflict(struct gw__router *router, uint32_t first, uint32_t second, bool same,
                            struct gw__report *report)
{
    struct gw__owner *a = &router->owners[first < second ? first : second];
    struct gw__owner *b = &router->owners[first < second ? second : first];
    if (b->reported)
        return;
    b->reported = true;
    gw__report_add(report, b->origin, "GW1030",
                   same ? "route '%s' matches the same requests as route '%s' (%s)"
                        : "route '%s' and route '%s' (%s) match some of the same requests and neither goes first: give "
                          "one of them a priority",
                   b->id, a->id, a->origin);
}

/* `before` stands before the victim in the order of precedence. */
static void take_from(struct victim *victim, const struct gw__alternative *before)
{
    const struct gw__alternative *alternative = victim->alternative;
    if (before->owner == alternative->owner || !(before->choice.methods & alternative->choice.methods & ~victim->taken)
        || !subset(victim->router, before, alternative))
        return;
    victim->several |= victim->coverer != GW__NONE && victim->coverer != before->owner;
    if (victim->coverer == GW__NONE)
        victim->coverer = before->owner;
    victim->taken |= before->choice.methods;
}

/* Two alternatives of one place, `first` standing first. */
static void compare_pair(struct gw__router *router, struct victim *victims, uint32_t first, uint32_t second,
                         struct gw__report *report)
{
    const struct gw__alternative *a = victims[first].alternative, *b = victims[second].alternative;
    if (a->owner == b->owner)
        return;
    if (a->choice.priority == b->choice.priority && !disjoint(router, a, b)) {
        bool inside = subset(router, b, a) && !(a->choice.methods & ~b->choice.methods);
        bool same = inside && a->choice.methods == b->choice.methods && a->fact_count == b->fact_count;
        if (same || !inside)
            report_conflict(router, a->owner, b->owner, same, report);
    }
    take_from(&victims[second], a);
}

/* One row of a place's alternatives, sorted by the condition that excludes most others. */
struct row {
    uint32_t exclusive, fact, number, group_end;
};

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->exclusive != b->exclusive)
        return a->exclusive < b->exclusive ? -1 : 1;
    if (a->fact != b->fact)
        return a->fact < b->fact ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static void sort_rows(const struct victim *victims, struct row *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct gw__alternative *alternative = victims[i].alternative;
        rows[i] = (struct row){alternative->exclusive, alternative->exclusive_fact, i, 0};
    }
    qsort(rows, count, sizeof *rows, compare_rows);
    for (uint32_t i = count, end = count; i-- > 0;) {
        end = i + 1 < count && rows[i + 1].exclusive == rows[i].exclusive ? end : i + 1;
        rows[i].group_end = end;
    }
}

/* Skips the pairs that two values of one thing keep apart: routes told apart by a header alone stay linear. */
static void compare_place(struct gw__router *router, struct victim *victims, struct row *rows, uint32_t count,
                          struct gw__report *report)
{
    sort_rows(victims, rows, count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = i + 1; j < count; j++) {
            const struct row *a = &rows[i], *b = &rows[j];
            if (a->exclusive != GW__NONE && b->exclusive == a->exclusive && b->fact != a->fact) {
                j = b->group_end - 1;
                continue;
            }
            bool ordered = a->number < b->number;
            compare_pair(router, victims, ordered ? a->number : b->number, ordered ? b->number : a->number, report);
        }
}

static void take_place(struct victim *victim, uint32_t number)
{
    const struct gw__router *router = victim->router;
    const struct gw__place *place = &router->places[number];
    if (number == victim->alternative->place)
        return;
    for (uint32_t i = 0; i < place->count; i++) {
        const struct gw__alternative *before = &router->alternatives[place->first + i];
        if (before->choice.priority <= victim->alternative->choice.priority)
            return;
        take_from(victim, before);
    }
}

/* Visits the patterns below a node that contain the victim's. */
static void take_tree(struct victim *victim, const struct gw__path_pattern *path, uint32_t number, unsigned depth,
                      bool wild)
{
    if (number == GW__NONE || victim->router->nodes[number].best <= victim->alternative->choice.priority)
        return;
    const struct gw__node *node = &victim->router->nodes[number];
    if (node->place != GW__NONE && (wild || depth == path->segment_count))
        take_place(victim, node->place);
    if (depth == path->segment_count)
        return;
    struct gw__str segment = path->segments[depth];
    if (segment.data)
        take_tree(victim, path, gw__router_find_child(victim->router, number, segment), depth + 1, wild);
    if (!segment.data || segment.size)
        take_tree(victim, path, node->variable, depth + 1, wild);
}

static void take_host(struct victim *victim, uint32_t number)
{
    if (number == GW__NONE || victim->router->hosts[number].best <= victim->alternative->choice.priority)
        return;
    const struct gw__host *host = &victim->router->hosts[number];
    const struct gw__path_pattern *path = victim->router->sites[victim->alternative->place].path;
    if (path->class == GW__PATH_EXACT) {
        uint32_t place = gw__router_find_exact(victim->router, number, path->text);
        if (place != GW__NONE)
            take_place(victim, place);
    }
    if (path->class != GW__PATH_WILD)
        take_tree(victim, path, host->root[GW__TREE_VARIABLE], 0, false);
    take_tree(victim, path, host->root[GW__TREE_WILD], 0, true);
}

/* All hosts that contain the victim's: itself, the wildcards of its suffixes, any. */
static void take_hosts(struct victim *victim)
{
    const struct gw__router *router = victim->router;
    uint32_t own = router->places[victim->alternative->place].host;
    struct gw__host_pattern host = router->hosts[own].pattern;
    take_host(victim, own);
    for (size_t i = 1; i < host.text.size; i++)
        if (host.text.data[i] == '.') {
            struct gw__str suffix = {host.text.data + i, host.text.size - i};
            take_host(victim, gw__router_find_host(router, (struct gw__host_pattern){suffix, true}));
        }
    if (own != 0)
        take_host(victim, 0);
}

static void settle(struct victim *victim, struct gw__report *report)
{
    struct gw__router *router = victim->router;
    struct gw__owner *owner = &router->owners[victim->alternative->owner];
    if (router->best > victim->alternative->choice.priority)
        take_hosts(victim);
    if (victim->alternative->choice.methods & ~victim->taken)
        return;
    if (--owner->open > 0 || owner->reported)
        return;
    owner->reported = true;
    const struct gw__owner *coverer = &router->owners[victim->coverer];
    gw__report_add(report, owner->origin, "GW1031", "route '%s' can never match: route '%s' (%s) %s all its requests",
                   owner->id, coverer->id, coverer->origin, victim->several ? "and others take" : "takes");
}

bool gw__router_analyse(struct gw__router *router, struct gw__report *report)
{
    uint32_t most = 0;
    for (size_t i = 0; i < router->place_array.count; i++)
        most = router->places[i].count > most ? router->places[i].count : most;
    struct victim *victims = gw__calloc(most + 1, sizeof *victims);
    struct row *rows = gw__calloc(most + 1, sizeof *rows);
    bool good = victims && rows;
    for (size_t i = 0; i < router->place_array.count && good; i++) {
        const struct gw__place *place = &router->places[i];
        for (uint32_t j = 0; j < place->count; j++)
            victims[j] = (struct victim){router, &router->alternatives[place->first + j], 0, GW__NONE, false};
        if (place->count > 1)
            compare_place(router, victims, rows, place->count, report);
        for (uint32_t j = 0; j < place->count; j++)
            settle(&victims[j], report);
    }
    gw__free(victims);
    gw__free(rows);
    return good;
}
