/* Settings: the keys of a config that are no plugin's, as tables. They drive the check and the reference. */
#ifndef GW_SERVER_SETTINGS_H
#define GW_SERVER_SETTINGS_H

#include "base/settings.h"

#include <gateway/option.h>

/* Keys of kind GW_KIND_ANY are structure: they stand in a file, and calls of their own make them. */
extern const struct gw_option_spec gw__top_specs[];
extern const struct gw_option_spec gw__listener_specs[];
extern const struct gw_option_spec gw__service_specs[];
extern const struct gw_option_spec gw__instance_specs[];
extern const struct gw_option_spec gw__route_specs[];

/* Overwrites what the group `limits`, `timeouts` or `http` (checked; NULL: none) has; the rest stays, and so is
 * inherited. */
void gw__limits_fill(struct gw__limits *out, const struct gw_option *group);
void gw__timeouts_fill(struct gw__timeouts *out, const struct gw_option *group);
void gw__http_options_fill(struct gw__http_options *out, const struct gw_option *group);

#endif
