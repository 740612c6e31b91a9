/* Registry: grows only; an entry stays where it is until the server goes. */
#include "server/registry.h"

#include "base/alloc.h"

#include <gateway/error.h>
#include <string.h>

static size_t our_size(enum gw__type_kind kind)
{
    static const size_t sizes[] = {
        [GW__TYPE_FILTER] = sizeof(struct gw_filter_type),
        [GW__TYPE_ENDPOINT] = sizeof(struct gw_endpoint_type),
        [GW__TYPE_PREDICATE] = sizeof(struct gw_predicate_type),
    };
    return sizes[kind];
}

const struct gw__type_entry *gw__registry_find(const struct gw__registry *registry, enum gw__type_kind kind,
                                               const char *name)
{
    for (size_t i = 0; i < registry->count[kind]; i++)
        if (strcmp(registry->entries[kind][i]->name, name) == 0)
            return registry->entries[kind][i];
    return NULL;
}

size_t gw__registry_names(const struct gw__registry *registry, enum gw__type_kind kind, const char **names, size_t max)
{
    size_t n = 0;
    for (; n < registry->count[kind] && n < max; n++)
        names[n] = registry->entries[kind][n]->name;
    return n;
}

int gw__registry_add(struct gw__registry *registry, enum gw__type_kind kind, const void *type, size_t size,
                     const char *name, void *user, const char *source)
{
    size_t count = registry->count[kind];
    if (!type || !name || !*name || size < offsetof(struct gw_filter_type, options) ||
        gw__registry_find(registry, kind, name))
        return GW_ERROR_CONFIG;
    struct gw__type_entry **grown = gw__realloc(registry->entries[kind], (count + 1) * sizeof *grown);
    if (!grown)
        return GW_ERROR_MEMORY;
    registry->entries[kind] = grown;
    struct gw__type_entry *entry = gw__calloc(1, sizeof *entry);
    if (!entry)
        return GW_ERROR_MEMORY;
    memcpy(&entry->type, type, size < our_size(kind) ? size : our_size(kind));
    entry->name = name;
    entry->original = type;
    entry->user = user;
    entry->source = source;
    grown[registry->count[kind]++] = entry;
    return GW_OK;
}

bool gw__registry_init(struct gw__registry *registry)
{
    int result = 0;
    for (const struct gw_filter_type *const *type = gw__builtin_filters; *type; type++)
        result |= gw__registry_add(registry, GW__TYPE_FILTER, *type, (*type)->size, (*type)->name, NULL, "built-in");
    for (const struct gw_endpoint_type *const *type = gw__builtin_endpoints; *type; type++)
        result |= gw__registry_add(registry, GW__TYPE_ENDPOINT, *type, (*type)->size, (*type)->name, NULL, "built-in");
    for (const struct gw_predicate_type *const *type = gw__builtin_predicates; *type; type++)
        result |= gw__registry_add(registry, GW__TYPE_PREDICATE, *type, (*type)->size, (*type)->name, NULL, "built-in");
    return result == 0;
}

void gw__registry_finish(struct gw__registry *registry)
{
    for (int kind = 0; kind < GW__TYPE_KINDS; kind++) {
        for (size_t i = 0; i < registry->count[kind]; i++)
            gw__free(registry->entries[kind][i]);
        gw__free(registry->entries[kind]);
        registry->entries[kind] = NULL;
        registry->count[kind] = 0;
    }
}
