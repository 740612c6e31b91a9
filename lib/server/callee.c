/* Looking up services by name: while plugins are created, with errors reported, and for requests that name one; and
 * whether what names one has what it is made of. */
#include "server/table.h"

#include "exchange/chain.h"
#include "route/conditions.h"

#define MAX_NAMES 256

bool gw__table_add_callee(struct gw__table *table, const struct gw__callee *callee)
{
    struct gw__str name = gw__str(callee->service->name);
    uint32_t number = (uint32_t)table->callee_count;
    table->callees[table->callee_count++] = *callee;
    return gw__index_add(&table->callee_index, gw__index_hash(name, 0), number);
}

const struct gw__callee *gw__table_callee(const struct gw__table *table, const char *name, size_t size)
{
    uint32_t hash = gw__index_hash((struct gw__str){name, size}, 0), cursor = hash, number;
    while ((number = gw__index_next(&table->callee_index, hash, &cursor)) != GW__INDEX_END) {
        const char *own = table->callees[number].service->name;
        if (strncmp(own, name, size) == 0 && !own[size])
            return &table->callees[number];
    }
    return NULL;
}

static const char *origin_of(const struct gw__instance_head *head, const struct gw_option *options, const char *key)
{
    const struct gw_option *option = gw_option_get(options, key);
    return option && *gw_option_origin(option) ? gw_option_origin(option) : head->origin;
}

static const struct gw__callee *find(const struct gw__instance_head *head, const struct gw_option *options,
                                     const char *key)
{
    const char *name = gw_option_string(options, key);
    const struct gw__table *table = head->scope->table;
    const struct gw__callee *callee = name ? gw__table_callee(table, name, strlen(name)) : NULL;
    if (callee || !name)
        return callee;
    const char *names[MAX_NAMES];
    size_t count = 0;
    for (; count < table->callee_count && count < MAX_NAMES; count++)
        names[count] = table->callees[count].service->name;
    const char *nearest = gw__nearest(name, names, count);
    gw__report_add(head->scope->report, origin_of(head, options, key), "GW1021", "service '%s' is not known%s%s%s",
                   name, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

struct gw__service *gw__instance_service(const struct gw__instance_head *head, const struct gw_option *options,
                                         const char *key)
{
    const struct gw__callee *callee = find(head, options, key);
    return callee ? callee->service : NULL;
}

bool gw__instance_has_variables(const struct gw__instance_head *head, const struct gw_option *options,
                                const char *key)
{
    const struct gw__condition *conditions = head->scope->conditions;
    const char *text = gw_option_string(options, key);
    for (const char *at = conditions ? strchr(text, '{') : NULL; at; at = strchr(at + 1, '{')) {
        size_t size = strcspn(at + 1, "}");
        if (at[1 + size] && gw__condition_binds(conditions, (struct gw__str){at + 1, size}))
            continue;
        gw__report_add(head->scope->report, origin_of(head, options, key), "GW1029",
                       "endpoint '%s': '%s' has the variable '%.*s', which is in no path of the route",
                       head->name, key, (int)size + (at[1 + size] ? 2 : 1), at);
        return false;
    }
    return true;
}

bool gw__instance_has_idl(const struct gw__instance_head *head)
{
    if (!head->scope->has_idl)
        gw__report_add(head->scope->report, head->origin, "GW1026",
                       "'%s' calls methods, and no IDL describes any: idl = { folder = \"…\"; };", head->name);
    return head->scope->has_idl;
}

const struct gw__callee *gw__instance_callee(const struct gw__instance_head *head, const struct gw_option *options,
                                             const char *key)
{
    const struct gw__callee *callee = find(head, options, key);
    if (!callee || callee->rpc)
        return callee;
    if (head->scope->idl_failed)
        return NULL;
    const struct gw__table *table = head->scope->table;
    const char *nearest = gw__idl_set_nearest(&table->idl, callee->service->name);
    gw__report_add(head->scope->report, origin_of(head, options, key), "GW1026",
                   "service '%s' is described by no IDL file: '%s' calls methods%s%s%s", callee->service->name,
                   head->name, nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}
