/* UUIDs as text. */
#ifndef GW_BASE_UUID_H
#define GW_BASE_UUID_H

#include "base/str.h"

#include <stdbool.h>

/* 8-4-4-4-12 hex digits of either case, to 16 bytes; false if it is something else: some may have been written. */
bool gw__uuid_parse(struct gw__str text, char *out);

#endif
