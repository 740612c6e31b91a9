/* From a condition tree to alternatives. Conditions are numbered (equal ones alike), the tree becomes a
 * disjunction of terms, each a sorted row of literals; a term that contradicts itself is dropped as soon as
 * it is seen. The number of terms is limited at every step, so no expression can blow up. */
#include "route/tree.h"

#include <stdlib.h>

#define MAX_TERMS 256
#define MAX_LEAVES 1000
#define MAX_DEPTH 100

struct term {
    const uint32_t *literals; /* ascending */
    unsigned count;
};

struct terms {
    struct term *items;
    unsigned count;
};

struct expansion {
    struct gw__router *router;
    struct gw__owner *owner;
    struct gw__report *report;
    struct gw__arena scratch;
    int32_t priority;
    unsigned leaves;
    bool bad, lost;
};

static bool refuse(struct expansion *x, const char *origin, const char *code, const char *text)
{
    gw__report_add(x->report, origin ? origin : x->owner->origin, code, "route '%s' %s", x->owner->id, text);
    x->bad = true;
    return false;
}

static bool lose(struct expansion *x)
{
    x->lost = true;
    return false;
}

static uint64_t method_bit(struct gw__router *router, struct gw__str name)
{
    uint32_t hash = gw__index_hash(name, 0);
    for (uint32_t cursor = hash, i; (i = gw__index_next(&router->method_index, hash, &cursor)) != GW__INDEX_END;)
        if (gw__str_equal(router->methods[i], name))
            return (uint64_t)1 << i;
    if (router->method_count == 63)
        return 0;
    struct gw__str copy = {gw__arena_copy(&router->arena, name.data, name.size), name.size};
    if (!copy.data || !gw__index_add(&router->method_index, hash, router->method_count))
        return 0;
    router->methods[router->method_count] = copy;
    return (uint64_t)1 << router->method_count++;
}

/* "method:GET,POST": where a name can't be given a bit, it stays a test like any other. */
static void know_methods(struct gw__router *router, struct gw__atom *atom)
{
    const char *at = atom->signature;
    if (strncmp(at, "method:", 7) != 0)
        return;
    for (at += 7; *at;) {
        const char *end = strchrnul(at, ',');
        uint64_t bit = method_bit(router, (struct gw__str){at, (size_t)(end - at)});
        if (!bit)
            return;
        atom->methods |= bit;
        at = end + (*end == ',');
    }
    atom->is_method = true;
}

/* The number of a condition by its text, made where there is none. ALL is for what only has a name. */
static uint32_t number_of(struct expansion *x, enum gw__condition_kind kind, const char *text)
{
    struct gw__router *router = x->router;
    struct gw__str signature = gw__str(text);
    uint32_t hash = text ? gw__index_hash(signature, kind) : 0;
    if (text)
        for (uint32_t cursor = hash, i; (i = gw__index_next(&router->atom_index, hash, &cursor)) != GW__INDEX_END;)
            if (router->atoms[i].kind == kind && strcmp(router->atoms[i].signature, text) == 0)
                return i;
    struct gw__atom *atoms = gw__grow(router->atoms, router->atom_array.count, &router->atom_array.capacity,
                                      sizeof *atoms);
    if (!atoms)
        return GW__NONE;
    router->atoms = atoms;
    uint32_t number = (uint32_t)router->atom_array.count;
    struct gw__atom *atom = &atoms[number];
    *atom = (struct gw__atom){.kind = kind, .exclusive = GW__NONE, .implies = GW__NONE};
    if (text) {
        atom->signature = gw__arena_copy(&router->arena, text, signature.size);
        if (!atom->signature || !gw__index_add(&router->atom_index, hash, number))
            return GW__NONE;
    }
    router->atom_array.count++;
    return number;
}

/* False where the condition is bad or memory is out. */
static bool take_pattern(struct expansion *x, const struct gw__condition *leaf, uint32_t *number)
{
    struct gw__path_pattern *path = gw__arena_zalloc(&x->router->arena, sizeof *path);
    struct gw__host_pattern host = {0};
    if (!path)
        return lose(x);
    const char *why, *kind = leaf->kind == GW__CONDITION_PATH ? "path" : "host";
    enum gw__pattern_result result = leaf->kind == GW__CONDITION_PATH
                                         ? gw__path_parse(leaf->pattern, &x->router->arena, path, &why)
                                         : gw__host_parse(leaf->pattern, &x->router->arena, &host, &why);
    if (result == GW__PATTERN_BAD) {
        gw__report_add(x->report, leaf->origin ? leaf->origin : x->owner->origin, "GW1032", "route '%s': %s '%s': %s",
                       x->owner->id, kind, leaf->pattern, why);
        x->bad = true;
        return false;
    }
    *number = result == GW__PATTERN_OK ? number_of(x, leaf->kind, leaf->pattern) : GW__NONE;
    if (*number == GW__NONE)
        return lose(x);
    struct gw__atom *atom = &x->router->atoms[*number];
    if (!atom->path) {
        atom->path = path;
        atom->host = host;
    }
    return true;
}

static bool take_test(struct expansion *x, const struct gw__condition *leaf, uint32_t *number)
{
    *number = number_of(x, GW__CONDITION_TEST, leaf->signature);
    if (*number == GW__NONE)
        return lose(x);
    if (x->router->atoms[*number].predicate)
        return true;
    uint32_t exclusive = GW__NONE, implies = GW__NONE;
    if (leaf->exclusive && (exclusive = number_of(x, GW__CONDITION_ALL, leaf->exclusive)) == GW__NONE)
        return lose(x);
    if (leaf->implies && (implies = number_of(x, GW__CONDITION_TEST, leaf->implies)) == GW__NONE)
        return lose(x);
    struct gw__atom *atom = &x->router->atoms[*number];
    atom->predicate = leaf->predicate;
    atom->inverse = leaf->inverse;
    atom->exclusive = exclusive;
    atom->implies = implies;
    if (leaf->signature && !atom->is_method)
        know_methods(x->router, atom);
    return true;
}

static bool expand_leaf(struct expansion *x, const struct gw__condition *leaf, bool negated, struct terms *out)
{
    uint32_t number;
    if (++x->leaves > MAX_LEAVES)
        return x->bad ? false : refuse(x, leaf->origin, "GW1033", "has more than 1,000 conditions");
    if (leaf->kind == GW__CONDITION_TEST ? !take_test(x, leaf, &number) : !take_pattern(x, leaf, &number))
        return false;
    uint32_t *literal = gw__arena_alloc(&x->scratch, sizeof *literal);
    out->items = gw__arena_alloc(&x->scratch, sizeof *out->items);
    if (!literal || !out->items)
        return lose(x);
    *literal = number * 2 + (negated != (leaf->kind == GW__CONDITION_TEST && leaf->inverse));
    out->items[0] = (struct term){literal, 1};
    out->count = 1;
    return true;
}

/* The union of two rows, or count 0 with *contradiction. */
static struct term merge(struct term a, struct term b, uint32_t *room, bool *contradiction)
{
    unsigned i = 0, j = 0, n = 0;
    *contradiction = false;
    while (i < a.count || j < b.count) {
        uint32_t next = j == b.count || (i < a.count && a.literals[i] <= b.literals[j]) ? a.literals[i] : b.literals[j];
        i += i < a.count && a.literals[i] == next;
        j += j < b.count && b.literals[j] == next;
        if (n > 0 && room[n - 1] == (next ^ 1)) {
            *contradiction = true;
            return (struct term){room, 0};
        }
        room[n++] = next;
    }
    return (struct term){room, n};
}

static bool join_or(struct expansion *x, struct terms *all, const struct terms *more)
{
    if (all->count + more->count > MAX_TERMS)
        return refuse(x, NULL, "GW1033", "has more than 256 alternatives: split it");
    if (more->count == 0)
        return true;
    struct term *items = gw__arena_alloc(&x->scratch, (all->count + more->count) * sizeof *items);
    if (!items)
        return lose(x);
    if (all->count)
        memcpy(items, all->items, all->count * sizeof *items);
    memcpy(items + all->count, more->items, more->count * sizeof *items);
    *all = (struct terms){items, all->count + more->count};
    return true;
}

static bool join_and(struct expansion *x, struct terms *all, const struct terms *more)
{
    if (all->count * more->count > MAX_TERMS)
        return refuse(x, NULL, "GW1033", "has more than 256 alternatives: split it");
    struct terms product = {gw__arena_alloc(&x->scratch, all->count * more->count * sizeof *product.items), 0};
    if (!product.items)
        return lose(x);
    for (unsigned i = 0; i < all->count; i++)
        for (unsigned j = 0; j < more->count; j++) {
            bool contradiction;
            uint32_t *room = gw__arena_alloc(&x->scratch, (all->items[i].count + more->items[j].count) * sizeof *room);
            if (!room)
                return lose(x);
            struct term term = merge(all->items[i], more->items[j], room, &contradiction);
            if (!contradiction)
                product.items[product.count++] = term;
        }
    *all = product;
    return true;
}

static bool expand(struct expansion *x, const struct gw__condition *condition, bool negated, unsigned depth,
                   struct terms *out)
{
    if (depth > MAX_DEPTH)
        return refuse(x, condition->origin, "GW1033", "has conditions nested more than 100 deep");
    if (condition->kind > GW__CONDITION_NOT)
        return expand_leaf(x, condition, negated, out);
    if (condition->kind == GW__CONDITION_NOT)
        negated = !negated;
    bool and = (condition->kind == GW__CONDITION_ANY) == negated;
    struct term *truth = gw__arena_zalloc(&x->scratch, sizeof *truth);
    if (!truth)
        return lose(x);
    *out = (struct terms){truth, and};
    bool good = true;
    for (size_t i = 0; i < condition->count && !x->lost; i++) { /* on after an error: to find them all */
        struct terms part = {0};
        good = expand(x, &condition->children[i], negated, depth + 1, &part) && good;
        if (good)
            good = and ? join_and(x, out, &part) : join_or(x, out, &part);
    }
    return good;
}

/* A term taken apart. */
struct parts {
    const struct gw__path_pattern *path;
    struct gw__host_pattern host;
    uint64_t methods;
    uint32_t *literals; /* tests, then facts */
    unsigned test_count, fact_count;
};

static void choose_patterns(const struct gw__router *router, struct term term, struct parts *parts)
{
    for (unsigned i = 0; i < term.count; i++) {
        const struct gw__atom *atom = &router->atoms[term.literals[i] >> 1];
        if (term.literals[i] & 1)
            continue;
        if (atom->kind == GW__CONDITION_PATH && (!parts->path || gw__path_compare(atom->path, parts->path) < 0))
            parts->path = atom->path;
        if (atom->kind == GW__CONDITION_HOST && gw__host_compare(atom->host, parts->host) < 0)
            parts->host = atom->host;
    }
}

enum verdict { NEVER, ALWAYS, SOMETIMES };

/* What a literal still asks where the chosen host and path match. */
static enum verdict judge(const struct gw__router *router, uint32_t literal, const struct parts *parts)
{
    static const struct gw__path_pattern everything = {.class = GW__PATH_WILD};
    const struct gw__atom *atom = &router->atoms[literal >> 1];
    bool always = false, never = false;
    if (atom->kind == GW__CONDITION_PATH) {
        const struct gw__path_pattern *path = parts->path ? parts->path : &everything;
        always = parts->path && gw__path_contains(atom->path, path);
        never = gw__path_disjoint(atom->path, path);
    } else if (atom->kind == GW__CONDITION_HOST) {
        always = gw__host_contains(atom->host, parts->host);
        never = gw__host_disjoint(atom->host, parts->host);
    }
    if (always || never)
        return always == !(literal & 1) ? ALWAYS : NEVER;
    return SOMETIMES;
}

static int compare_literals(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The tests and what follows from them, sorted, each once. False if they contradict each other. */
static bool find_facts(const struct gw__router *router, struct parts *parts)
{
    uint32_t *facts = parts->literals + parts->test_count;
    unsigned all = 0, count = 0;
    for (unsigned i = 0; i < parts->test_count; i++) {
        uint32_t literal = parts->literals[i];
        facts[all++] = literal;
        if (!(literal & 1) && router->atoms[literal >> 1].implies != GW__NONE)
            facts[all++] = router->atoms[literal >> 1].implies * 2;
    }
    qsort(facts, all, sizeof *facts, compare_literals);
    for (unsigned i = 0; i < all; i++) {
        if (count && facts[count - 1] == facts[i])
            continue;
        if (count && facts[count - 1] == (facts[i] ^ 1))
            return false;
        uint32_t exclusive = facts[i] & 1 ? GW__NONE : router->atoms[facts[i] >> 1].exclusive;
        for (unsigned j = 0; j < count && exclusive != GW__NONE; j++)
            if (!(facts[j] & 1) && router->atoms[facts[j] >> 1].exclusive == exclusive)
                return false;
        facts[count++] = facts[i];
    }
    parts->fact_count = count;
    return true;
}

/* False if the term can't hold. */
static bool take_apart(const struct gw__router *router, struct term term, struct parts *parts)
{
    choose_patterns(router, term, parts);
    for (unsigned i = 0; i < term.count; i++) {
        uint32_t literal = term.literals[i];
        const struct gw__atom *atom = &router->atoms[literal >> 1];
        if (atom->is_method) {
            parts->methods &= literal & 1 ? ~atom->methods : atom->methods;
            continue;
        }
        enum verdict verdict = judge(router, literal, parts);
        if (verdict == NEVER)
            return false;
        if (verdict == SOMETIMES)
            parts->literals[parts->test_count++] = literal;
    }
    return parts->methods != 0 && find_facts(router, parts);
}

static bool keep_literals(struct gw__router *router, const struct parts *parts, struct gw__alternative *alternative)
{
    for (unsigned i = 0; i < parts->test_count + parts->fact_count; i++) {
        uint32_t *literals = gw__grow(router->literals, router->literal_array.count, &router->literal_array.capacity,
                                      sizeof *literals);
        if (!literals)
            return false;
        router->literals = literals;
        literals[router->literal_array.count++] = parts->literals[i];
    }
    for (unsigned i = 0; i < parts->fact_count; i++) {
        uint32_t fact = parts->literals[parts->test_count + i];
        alternative->filter |= (uint64_t)1 << (fact * 0x9e3779b1u >> 26);
        if (!(fact & 1) && router->atoms[fact >> 1].exclusive != GW__NONE) {
            alternative->exclusive = router->atoms[fact >> 1].exclusive;
            alternative->exclusive_fact = fact;
        }
    }
    return true;
}

/* Routes often name their variables alike; then matching finds the names in the cache. */
static const struct gw__str *share_names(const struct gw__router *router, const struct gw__path_pattern *path)
{
    if (router->alternative_array.count == 0)
        return path->names;
    const struct gw__choice *last = &router->alternatives[router->alternative_array.count - 1].choice;
    if (last->name_count != path->name_count)
        return path->names;
    for (unsigned i = 0; i < path->name_count; i++)
        if (!gw__str_equal(last->names[i], path->names[i]))
            return path->names;
    return last->names;
}

static bool add_alternative(struct expansion *x, const struct parts *parts)
{
    static const struct gw__path_pattern everything = {.class = GW__PATH_WILD, .any = true, .text = GW__STR("/**")};
    struct gw__router *router = x->router;
    const struct gw__path_pattern *path = parts->path ? parts->path : &everything;
    struct gw__alternative alternative = {
        .choice = {.methods = parts->methods,
                   .names = share_names(router, path),
                   .priority = x->priority,
                   .route = x->owner->route,
                   .tests = (uint32_t)router->literal_array.count,
                   .test_count = (uint16_t)parts->test_count,
                   .name_count = (uint8_t)path->name_count,
                   .tail = path->tail,
                   .any_path = path->any},
        .fact_count = (uint16_t)parts->fact_count,
        .owner = (uint32_t)(x->owner - router->owners),
        .exclusive = GW__NONE,
        .exclusive_fact = GW__NONE,
        .order = (uint32_t)router->alternative_array.count,
    };
    alternative.place = gw__router_place(router, parts->host, path);
    struct gw__alternative *alternatives = gw__grow(router->alternatives, router->alternative_array.count,
                                                    &router->alternative_array.capacity, sizeof *alternatives);
    if (alternatives)
        router->alternatives = alternatives;
    if (!alternatives || alternative.place == GW__NONE || !keep_literals(router, parts, &alternative))
        return lose(x);
    alternatives[router->alternative_array.count++] = alternative;
    x->owner->open++;
    return true;
}

static void add_terms(struct expansion *x, const struct terms *terms)
{
    for (unsigned i = 0; i < terms->count && !x->lost; i++) {
        struct parts parts = {.methods = UINT64_MAX};
        parts.literals = gw__arena_alloc(&x->scratch, (3 * terms->items[i].count + 1) * sizeof *parts.literals);
        if (!parts.literals)
            lose(x);
        else if (take_apart(x->router, terms->items[i], &parts))
            add_alternative(x, &parts);
    }
    if (x->owner->open == 0 && !x->lost)
        refuse(x, NULL, "GW1031", "can never match: its conditions contradict each other");
}

bool gw__router_expand(struct gw__router *router, uint32_t owner, int32_t priority, const struct gw__condition *all,
                       struct gw__report *report)
{
    struct expansion x = {.router = router, .owner = &router->owners[owner], .report = report, .priority = priority};
    struct terms terms;
    gw__arena_init(&x.scratch, NULL);
    if (expand(&x, all, false, 0, &terms) && !x.bad)
        add_terms(&x, &terms);
    gw__arena_finish(&x.scratch);
    return !x.lost;
}
