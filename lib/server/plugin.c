/* Plugins: shared objects opened for the life of the process; the same one named twice, by two servers
 * or by a reload, is registered once per server. */
#include "server/plugin.h"

#include <dlfcn.h>
#include <gateway/error.h>
#include <stdio.h>
#include <string.h>

#ifndef GW__PLUGIN_DIR
#define GW__PLUGIN_DIR "/usr/local/lib/gateway"
#endif

struct loader {
    struct gw__registry *registry;
    struct gw__report *report;
    const char *origin, *path;
};

static void add(const struct loader *loader, enum gw__type_kind kind, const void *type, size_t size, const char *name)
{
    const struct gw__type_entry *same = name ? gw__registry_find(loader->registry, kind, name) : NULL;
    if (same && same->original == type) /* loaded before */
        return;
    int result = gw__registry_add(loader->registry, kind, type, size, name, NULL, loader->path);
    if (result == GW_ERROR_MEMORY)
        loader->report->lost = true;
    else if (result < 0)
        gw__report_add(loader->report, loader->origin, "GW1042",
                       "plugin %s: type '%s' is nameless, too small or already there%s%s", loader->path,
                       name ? name : "", same ? ", from " : "", same ? same->source : "");
}

static void add_all(const struct loader *loader, const struct gw_plugin *plugin)
{
    for (const struct gw_filter_type *const *type = plugin->filters; type && *type; type++)
        add(loader, GW__TYPE_FILTER, *type, (*type)->size, (*type)->name);
    for (const struct gw_endpoint_type *const *type = plugin->endpoints; type && *type; type++)
        add(loader, GW__TYPE_ENDPOINT, *type, (*type)->size, (*type)->name);
    for (const struct gw_predicate_type *const *type = plugin->predicates; type && *type; type++)
        add(loader, GW__TYPE_PREDICATE, *type, (*type)->size, (*type)->name);
}

void gw__plugin_load(struct gw__registry *registry, const char *path, const char *origin, struct gw__report *report)
{
    char full[4096];
    if (strchr(path, '/'))
        snprintf(full, sizeof full, "%s", path);
    else
        snprintf(full, sizeof full, "%s/%s", GW__PLUGIN_DIR, path);
    void *object = dlopen(full, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!object) {
        gw__report_add(report, origin, "GW1040", "plugin can't be loaded: %s", dlerror());
        return;
    }
    const struct gw_plugin *plugin = dlsym(object, "gw_plugin");
    if (!plugin)
        gw__report_add(report, origin, "GW1041", "%s is no plugin: it has no symbol 'gw_plugin'", full);
    else if (plugin->abi != GW_PLUGIN_ABI || plugin->size < offsetof(struct gw_plugin, filters))
        gw__report_add(report, origin, "GW1041", "plugin '%s' (%s) was built for ABI %d, this library has %d",
                       plugin->size >= offsetof(struct gw_plugin, filters) && plugin->name ? plugin->name : "?", full,
                       plugin->abi, GW_PLUGIN_ABI);
    if (plugin && plugin->abi == GW_PLUGIN_ABI && plugin->size >= offsetof(struct gw_plugin, filters)) {
        struct gw_plugin ours = {0};
        memcpy(&ours, plugin, plugin->size < sizeof ours ? plugin->size : sizeof ours);
        struct loader loader = {registry, report, origin, ours.name ? ours.name : path};
        add_all(&loader, &ours);
    }
    dlclose(object); /* RTLD_NODELETE keeps it mapped */
}
