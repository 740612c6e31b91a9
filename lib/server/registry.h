/* Registry: the types a server knows by name: built-in, from plugins, from the program. */
#ifndef GW_SERVER_REGISTRY_H
#define GW_SERVER_REGISTRY_H

#include <gateway/endpoint.h>
#include <gateway/filter.h>
#include <gateway/plugin.h>

struct gw__type_entry {
    const char *name;
    void *user;
    const void *original; /* the type as it was given */
    const char *source; /* "built-in", "program" or the plugin's path */
    union {
        struct gw_filter_type filter;
        struct gw_endpoint_type endpoint;
        struct gw_predicate_type predicate;
    } type; /* a copy of min(size, ours) bytes in zeroes: an old plugin's missing hooks are NULL */
};

enum gw__type_kind { GW__TYPE_FILTER, GW__TYPE_ENDPOINT, GW__TYPE_PREDICATE, GW__TYPE_KINDS };

/* Entries are stable in memory: tables point at them. Zero it to begin with. */
struct gw__registry {
    struct gw__type_entry **entries[GW__TYPE_KINDS];
    size_t count[GW__TYPE_KINDS];
};

/* The one list of built-in types, in builtin.c; each NULL-terminated. */
extern const struct gw_filter_type *const gw__builtin_filters[];
extern const struct gw_endpoint_type *const gw__builtin_endpoints[];
extern const struct gw_predicate_type *const gw__builtin_predicates[];

bool gw__registry_init(struct gw__registry *registry);
void gw__registry_finish(struct gw__registry *registry);
/* 0, GW_ERROR_CONFIG (name NULL or taken, size nonsense) or GW_ERROR_MEMORY. `size` is the type's own. */
int gw__registry_add(struct gw__registry *registry, enum gw__type_kind kind, const void *type, size_t size,
                     const char *name, void *user, const char *source);
const struct gw__type_entry *gw__registry_find(const struct gw__registry *registry, enum gw__type_kind kind,
                                               const char *name);
/* All names of a kind, for gw__nearest(); points into the registry's own array built on demand by the caller: fills up
 * to max, returns how many. */
size_t gw__registry_names(const struct gw__registry *registry, enum gw__type_kind kind, const char **names, size_t max);

#endif
