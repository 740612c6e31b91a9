/* Plugins: types in a shared object outside the library, named under `plugins` in the config.
 *
 * A plugin exports one symbol:
 *
 *     GW_API const struct gw_plugin gw_plugin = {
 *         .size = sizeof gw_plugin, .abi = GW_PLUGIN_ABI, .name = "guard",
 *         .filters = (const struct gw_filter_type *const[]){ &guard, NULL },
 *     };
 *
 * An object stays mapped until the process ends. */
#ifndef GATEWAY_PLUGIN_H
#define GATEWAY_PLUGIN_H

#include <gateway/endpoint.h>
#include <gateway/filter.h>

GW_BEGIN_DECLS

#define GW_PLUGIN_ABI 1

struct gw_plugin {
    size_t size;
    int abi; /* GW_PLUGIN_ABI; another one is refused by name */
    const char *name;
    const struct gw_filter_type *const *filters; /* NULL-terminated, or NULL */
    const struct gw_endpoint_type *const *endpoints;
    const struct gw_predicate_type *const *predicates;
};

extern GW_API const struct gw_plugin gw_plugin;

GW_END_DECLS
#endif
