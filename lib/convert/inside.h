/* What gw_schema_… and gw_transcode_… share. */
#ifndef GW_CONVERT_INSIDE_H
#define GW_CONVERT_INSIDE_H

#include "schema/schema.h"

#include <gateway/schema.h>

/* A public description and what it describes. */
struct gw__schema_method {
    struct gw_schema_method shown; /* first member */
    const struct gw__method *method;
};

static inline const struct gw__method *gw__schema_method_of(const struct gw_schema_method *method)
{
    return ((const struct gw__schema_method *)(const void *)method)->method;
}

#endif
