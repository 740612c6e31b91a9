/* Loading of plugins into a registry. */
#ifndef GW_SERVER_PLUGIN_H
#define GW_SERVER_PLUGIN_H

#include "base/report.h"
#include "server/registry.h"

/* Opens a shared object and registers its types, but for those that were loaded before. A name without '/' is looked
 * for in the plugin folder. Errors go to the report [GW1040 to GW1042]. */
void gw__plugin_load(struct gw__registry *registry, const char *path, const char *origin, struct gw__report *report);

#endif
