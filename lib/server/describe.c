/* Every table becomes one Markdown table; members of groups stand below them with a dotted key. */
#include "server/describe.h"

#include "base/alloc.h"
#include "base/option.h"
#include "base/text.h"
#include "server/settings.h"

#include <string.h>

struct describer {
    void (*line)(void *user, const char *text);
    void *user;
    bool lost;
};

/* Ends a line, which is emptied. */
static void emit(struct describer *describer, struct gw__text *text)
{
    char *line = gw__text_take(text);
    if (line)
        describer->line(describer->user, line);
    describer->lost = describer->lost || !line;
    gw__free(line);
}

static void emit_line(struct describer *describer, const char *line)
{
    describer->line(describer->user, line);
}

/* A '|' would end the cell. */
static void add_cell(struct gw__text *out, const char *text)
{
    for (; *text; text++)
        gw__text_print(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void describe_row(struct describer *describer, const struct gw_option_spec *spec, const char *path)
{
    struct gw__text row = {0}, expects = {0};
    gw__option_expects(&expects, spec);
    gw__text_print(&row, "| `%s` | ", path);
    add_cell(&row, expects.lost ? "" : expects.data);
    gw__text_puts(&row, spec->shorthand ? ", also in short | " : " | ");
    if (spec->required)
        gw__text_puts(&row, "required");
    else if (spec->fallback && strcmp(spec->fallback, "{}") != 0 && strcmp(spec->fallback, "()") != 0)
        gw__text_print(&row, "`%s`", spec->fallback);
    gw__text_puts(&row, " | ");
    add_cell(&row, spec->doc ? spec->doc : "");
    gw__text_puts(&row, " |");
    emit(describer, &row);
    gw__text_finish(&expects);
}

static void describe_specs(struct describer *describer, const struct gw_option_spec *specs, const char *prefix)
{
    for (const struct gw_option_spec *spec = specs; spec->key; spec++) {
        struct gw__text path = {0};
        gw__text_print(&path, "%s%s", prefix, spec->key);
        const struct gw_option_spec *members = spec->kind == GW_KIND_GROUP ? spec->members : NULL;
        if (spec->kind == GW_KIND_LIST && spec->members && spec->members->kind == GW_KIND_GROUP)
            members = spec->members->members;
        if (!path.lost)
            describe_row(describer, spec, path.data);
        gw__text_puts(&path, spec->kind == GW_KIND_LIST ? "[]." : ".");
        if (members && !path.lost)
            describe_specs(describer, members, path.data);
        describer->lost = describer->lost || path.lost;
        gw__text_finish(&path);
    }
}

static void describe_table(struct describer *describer, const struct gw_option_spec *specs)
{
    emit_line(describer, "");
    if (!specs || !specs->key) {
        emit_line(describer, "It takes no options.");
        return;
    }
    emit_line(describer, "| key | value | default | |");
    emit_line(describer, "|---|---|---|---|");
    describe_specs(describer, specs, "");
}

static const struct {
    const char *heading, *name; /* name: NULL where no group of the top level's may stand */
    const struct gw_option_spec *specs;
} places[] = {
    {"### Top level", "top", gw__top_specs},
    {"### Each of `listeners`", "listener", gw__listener_specs},
    {"### Each of `services`", "service", gw__service_specs},
    {"### Each of a service's `instances`", NULL, gw__instance_specs},
    {"### Each of `routes`", "route", gw__route_specs},
};

static void describe_settings(struct describer *describer)
{
    emit_line(describer, "## Settings");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        emit_line(describer, "");
        emit_line(describer, places[i].heading);
        describe_table(describer, places[i].specs);
    }
}

static const struct gw_option_spec *find_spec(const struct gw_option_spec *specs, const char *key)
{
    while (specs && specs->key && strcmp(specs->key, key) != 0)
        specs++;
    return specs && specs->key ? specs : NULL;
}

/* One key of a group, with all places that may say it. */
static void describe_places_of(struct describer *describer, const char *group, const struct gw_option_spec *spec)
{
    struct gw__text row = {0};
    const char *comma = "";
    gw__text_print(&row, "| `%s.%s` | ", group, spec->key);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct gw_option_spec *there = places[i].name ? find_spec(places[i].specs, group) : NULL;
        if (there && find_spec(there->members, spec->key)) {
            gw__text_print(&row, "%s%s", comma, places[i].name);
            comma = ", ";
        }
    }
    if (spec->fallback)
        gw__text_print(&row, " | `%s` | ", spec->fallback);
    else
        gw__text_puts(&row, " | | ");
    add_cell(&row, spec->doc);
    gw__text_puts(&row, " |");
    emit(describer, &row);
}

/* What may be said at the top and again further in: a table for each group. */
static void describe_groups(struct describer *describer)
{
    static const char *const groups[][2] = {{"### All `limits`", "limits"}, {"### All `timeouts`", "timeouts"},
                                            {"### All of `http`", "http"}};
    emit_line(describer, "");
    emit_line(describer, "## Limits, timeouts and HTTP");
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        emit_line(describer, "");
        emit_line(describer, groups[i][0]);
        emit_line(describer, "");
        emit_line(describer, "| key | where | default | |");
        emit_line(describer, "|---|---|---|---|");
        const struct gw_option_spec *spec = find_spec(gw__top_specs, groups[i][1])->members;
        for (; spec->key; spec++)
            describe_places_of(describer, groups[i][1], spec);
    }
}

static void describe_type(struct describer *describer, const char *kind, const char *name, const char *doc,
                          const struct gw_option_spec *options)
{
    struct gw__text line = {0};
    emit_line(describer, "");
    gw__text_print(&line, "### %s `%s`", kind, name);
    emit(describer, &line);
    emit_line(describer, "");
    emit_line(describer, doc ? doc : "");
    describe_table(describer, options);
}

static void describe_entry(struct describer *describer, enum gw__type_kind kind, const struct gw__type_entry *entry)
{
    const struct gw_filter_type *filter = &entry->type.filter;
    const struct gw_endpoint_type *endpoint = &entry->type.endpoint;
    const struct gw_predicate_type *predicate = &entry->type.predicate;
    if (kind == GW__TYPE_FILTER)
        describe_type(describer, "filter", entry->name, filter->doc, filter->options);
    else if (kind == GW__TYPE_ENDPOINT)
        describe_type(describer, "endpoint", entry->name, endpoint->doc, endpoint->options);
    else
        describe_type(describer, "predicate", entry->name, predicate->doc, predicate->options);
}

bool gw__describe(const struct gw__registry *registry, void (*line)(void *user, const char *text), void *user)
{
    static const char *const headings[GW__TYPE_KINDS] = {"## Filters and decorators", "## Endpoints", "## Predicates"};
    struct describer describer = {.line = line, .user = user};
    describe_settings(&describer);
    describe_groups(&describer);
    for (int kind = 0; kind < GW__TYPE_KINDS; kind++) {
        emit_line(&describer, "");
        emit_line(&describer, headings[kind]);
        for (size_t i = 0; i < registry->count[kind]; i++)
            describe_entry(&describer, (enum gw__type_kind)kind, registry->entries[kind][i]);
    }
    return !describer.lost;
}
