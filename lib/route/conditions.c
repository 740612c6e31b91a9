/* Conditions are checked by their types' tables and become nodes of the expression. What can be told of a
 * test without running it is written into its signature, so that the router sees which are the same, which exclude
 * each other and which follow from another; of plugins' tests it can tell the same only. */
#include "route/conditions.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 32
#define MAX_NAMES 256

struct builder {
    const struct gw__predicate_source *source;
    struct gw__arena *arena;
    struct gw__report *report;
    bool lost;
};

static bool lose(struct builder *builder)
{
    builder->lost = true;
    return false;
}

/* Of the text, moved to the arena; NULL when out of memory. */
static const char *keep(struct builder *builder, struct gw__text *text)
{
    char *taken = gw__text_take(text);
    const char *kept = taken ? gw__arena_copy(builder->arena, taken, strlen(taken)) : NULL;
    gw__free(taken);
    builder->lost |= !kept;
    return kept;
}

static const char *origin_of(const struct gw__condition_entry *entry)
{
    const char *origin = gw_option_origin(entry->option);
    return *origin ? origin : entry->origin;
}

static struct gw__condition *make_children(struct builder *builder, struct gw__condition *parent, size_t count)
{
    parent->children = gw__arena_zalloc(builder->arena, count * sizeof *parent->children);
    parent->count = parent->children ? count : 0;
    if (!parent->children)
        lose(builder);
    return parent->children;
}

/* ---- signatures */

static void print_value(struct gw__text *out, const struct gw_option *option)
{
    switch (option->type) {
    case GW__OPTION_NOTHING: gw__text_puts(out, "-"); break;
    case GW__OPTION_STRING: gw__text_print(out, "%zu:%s", strlen(option->value.text), option->value.text); break;
    case GW__OPTION_INT: gw__text_print(out, "%lld", (long long)option->value.integer); break;
    case GW__OPTION_BOOL: gw__text_puts(out, option->value.boolean ? "true" : "false"); break;
    case GW__OPTION_NUMBER: gw__text_print(out, "%a", option->value.number); break;
    case GW__OPTION_LIST:
    case GW__OPTION_GROUP:
        gw__text_puts(out, "{");
        for (size_t i = 0; i < option->count; i++) {
            if (option->items[i]->key)
                gw__text_print(out, "%zu:%s=", strlen(option->items[i]->key), option->items[i]->key);
            print_value(out, option->items[i]);
            gw__text_puts(out, ";");
        }
        gw__text_puts(out, "}");
    }
}

/* The keys in the order of the table, whatever the order they were written in. */
static const char *plain_signature(struct builder *builder, const struct gw_predicate_type *type,
                                   const struct gw_option *options)
{
    struct gw__text text = {0};
    gw__text_print(&text, "%s{", type->name);
    for (const struct gw_option_spec *spec = type->options; spec && spec->key; spec++) {
        const struct gw_option *value = gw_option_get(options, spec->key);
        if (!value)
            continue;
        gw__text_print(&text, "%s=", spec->key);
        print_value(&text, value);
        gw__text_puts(&text, ";");
    }
    gw__text_puts(&text, "}");
    return keep(builder, &text);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "method:GET,POST": sorted, each once. */
static const char *method_signature(struct builder *builder, const struct gw_option *options)
{
    const struct gw_option *list = gw_option_get(options, "methods");
    size_t count = gw_option_count(list);
    const char **names = gw__arena_alloc(builder->arena, count * sizeof *names);
    if (!names) {
        lose(builder);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = gw_option_text(gw_option_at(list, i));
    qsort(names, count, sizeof *names, compare_texts);
    struct gw__text text = {0};
    gw__text_puts(&text, "method:");
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            gw__text_print(&text, "%s%s", i ? "," : "", names[i]);
    return keep(builder, &text);
}

/* header and query: a value implies presence and excludes other values. */
static void sign_field(struct builder *builder, struct gw__condition *out, const char *type,
                       const struct gw_option *options)
{
    bool header = strcmp(type, "header") == 0;
    const char *name = gw_option_string(options, "name");
    const char *value = gw_option_string(options, "value"), *prefix = gw_option_string(options, "prefix");
    struct gw__text text = {0};
    gw__text_print(&text, "%s %zu:", type, strlen(name));
    for (; *name; name++) {
        char byte = header ? (char)gw__lower((unsigned char)*name) : *name;
        gw__text_add(&text, &byte, 1);
    }
    const char *presence = keep(builder, &text);
    out->signature = presence;
    out->inverse = !value && !prefix && !gw_option_bool(options, "present");
    if (!presence || (!value && !prefix))
        return;
    gw__text_print(&text, "%s%s%s", presence, value ? "=" : " prefix ", value ? value : prefix);
    out->signature = keep(builder, &text);
    out->implies = presence;
    out->exclusive = value ? presence : NULL;
}

static void sign(struct builder *builder, struct gw__condition *out, const struct gw_predicate_type *type,
                 const struct gw_option *options)
{
    if (strcmp(type->name, "method") == 0)
        out->signature = method_signature(builder, options);
    else if (strcmp(type->name, "header") == 0 || strcmp(type->name, "query") == 0)
        sign_field(builder, out, type->name, options);
    else
        out->signature = plain_signature(builder, type, options);
}

/* ---- nodes */

static bool build_patterns(struct builder *builder, const struct gw__condition_entry *entry,
                           enum gw__condition_kind kind, const struct gw_option *options, struct gw__condition *out)
{
    const struct gw_option *list = gw_option_get(options, "patterns");
    size_t count = gw_option_count(list);
    *out = (struct gw__condition){.kind = GW__CONDITION_ANY};
    if (count == 0)
        gw__report_add(builder->report, origin_of(entry), "GW1011",
                       "predicate '%s' expects a pattern, found an empty list", entry->type);
    struct gw__condition *children = make_children(builder, out, count);
    for (size_t i = 0; i < count && children; i++) {
        const struct gw_option *item = gw_option_at(list, i);
        const char *pattern = gw_option_text(item), *origin = gw_option_origin(item);
        children[i] = (struct gw__condition){.kind = kind};
        children[i].pattern = gw__arena_copy(builder->arena, pattern, strlen(pattern));
        children[i].origin = gw__arena_copy(builder->arena, origin, strlen(origin));
        if (!children[i].pattern || !children[i].origin)
            return lose(builder);
        if (!*origin)
            children[i].origin = entry->origin;
    }
    return children != NULL;
}

static void report_unknown(struct builder *builder, const struct gw__condition_entry *entry)
{
    const char *names[MAX_NAMES + 3] = {"any", "all", "not"};
    size_t count = 3 + builder->source->names(builder->source->user, names + 3, MAX_NAMES);
    const char *nearest = gw__nearest(entry->type, names, count);
    gw__report_add(builder->report, origin_of(entry), "GW1020", "there is no predicate '%s'%s%s%s", entry->type,
                   nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static bool build_type(struct builder *builder, const struct gw__condition_entry *entry, struct gw__condition *out)
{
    const struct gw__predicate_source *source = builder->source;
    const struct gw_predicate_type *type = source->find(source->user, entry->type);
    if (!type) {
        report_unknown(builder, entry);
        return true;
    }
    bool path = strcmp(entry->type, "path") == 0, host = strcmp(entry->type, "host") == 0;
    if (!path && !host && !type->matches) { /* a plugin's */
        gw__report_add(builder->report, origin_of(entry), "GW1020", "predicate '%s' has no matches()", entry->type);
        return true;
    }
    char what[80];
    snprintf(what, sizeof what, "predicate '%.60s'", entry->type);
    struct gw_option *options = gw__option_check(entry->option, type->options, what, entry->origin, builder->report);
    if (!options)
        return true;
    if (path || host) {
        enum gw__condition_kind kind = path ? GW__CONDITION_PATH : GW__CONDITION_HOST;
        bool good = build_patterns(builder, entry, kind, options, out);
        gw_option_destroy(options);
        return good;
    }
    *out = (struct gw__condition){.kind = GW__CONDITION_TEST, .origin = entry->origin};
    sign(builder, out, type, options);
    out->predicate = source->create(source->user, type, options, origin_of(entry), builder->report);
    return !builder->lost;
}

static bool build(struct builder *builder, const struct gw__condition_entry *entry, unsigned depth,
                  struct gw__condition *out);

/* The members of a group, ANDed. */
static bool build_group(struct builder *builder, const struct gw__condition_entry *entry, unsigned depth,
                        struct gw__condition *out)
{
    *out = (struct gw__condition){.kind = GW__CONDITION_ALL, .origin = entry->origin};
    if (!entry->option || entry->option->type != GW__OPTION_GROUP || entry->option->count == 0) {
        gw__report_add(builder->report, origin_of(entry), "GW1011", "predicate '%s' expects %s of conditions",
                       entry->type, strcmp(entry->type, "not") == 0 ? "a group" : "a list of groups");
        return true;
    }
    struct gw__condition *children = make_children(builder, out, entry->option->count);
    for (size_t i = 0; i < out->count; i++) {
        const struct gw_option *option = entry->option->items[i];
        struct gw__condition_entry member = {option->key, origin_of(entry), option};
        if (!build(builder, &member, depth, &children[i]))
            return false;
    }
    return children != NULL;
}

/* any, all: a list of groups. */
static bool build_list(struct builder *builder, const struct gw__condition_entry *entry, unsigned depth,
                       struct gw__condition *out)
{
    if (!entry->option || entry->option->type != GW__OPTION_LIST || entry->option->count == 0)
        return build_group(builder, &(struct gw__condition_entry){entry->type, origin_of(entry), NULL}, depth, out);
    struct gw__condition *children = make_children(builder, out, entry->option->count);
    for (size_t i = 0; i < out->count; i++) {
        struct gw__condition_entry member = {entry->type, origin_of(entry), entry->option->items[i]};
        if (!build_group(builder, &member, depth, &children[i]))
            return false;
    }
    return children != NULL;
}

static bool build(struct builder *builder, const struct gw__condition_entry *entry, unsigned depth,
                  struct gw__condition *out)
{
    bool any = strcmp(entry->type, "any") == 0, not = strcmp(entry->type, "not") == 0;
    if (!any && !not && strcmp(entry->type, "all") != 0)
        return build_type(builder, entry, out);
    if (depth == MAX_DEPTH) {
        gw__report_add(builder->report, origin_of(entry), "GW1033", "conditions are nested more than %d deep",
                       MAX_DEPTH);
        return true;
    }
    *out = (struct gw__condition){.kind = any   ? GW__CONDITION_ANY
                                          : not ? GW__CONDITION_NOT
                                                : GW__CONDITION_ALL,
                                  .origin = entry->origin};
    if (!not)
        return build_list(builder, entry, depth + 1, out);
    struct gw__condition *child = make_children(builder, out, 1);
    return child && build_group(builder, entry, depth + 1, child);
}

bool gw__conditions_build(const struct gw__condition_entry *entries, size_t count,
                          const struct gw__predicate_source *source, struct gw__arena *arena,
                          struct gw__report *report, struct gw__condition *out)
{
    struct builder builder = {source, arena, report, false};
    *out = (struct gw__condition){.kind = GW__CONDITION_ALL};
    struct gw__condition *children = make_children(&builder, out, count);
    for (size_t i = 0; i < count && children && !builder.lost; i++)
        if (!build(&builder, &entries[i], 0, &children[i]))
            break;
    return !builder.lost;
}

/* "{name}" or "{name:**}" stands in the pattern. */
static bool names_variable(const char *pattern, struct gw__str name)
{
    for (const char *at = pattern; (at = strchr(at, '{')); at++)
        if (strncmp(at + 1, name.data, name.size) == 0 && (at[1 + name.size] == '}' || at[1 + name.size] == ':'))
            return true;
    return false;
}

bool gw__condition_binds(const struct gw__condition *condition, struct gw__str name)
{
    if (condition->kind == GW__CONDITION_PATH)
        return names_variable(condition->pattern, name);
    if (condition->kind != GW__CONDITION_NOT)
        for (size_t i = 0; i < condition->count; i++)
            if (gw__condition_binds(&condition->children[i], name))
                return true;
    return false;
}
