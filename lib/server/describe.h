/* Describe: the tables of settings and types as Markdown, for `gwctl help` and the manual. */
#ifndef GW_SERVER_DESCRIBE_H
#define GW_SERVER_DESCRIBE_H

#include "server/registry.h"

/* Calls `line` with every line, without newline. False when out of memory. */
bool gw__describe(const struct gw__registry *registry, void (*line)(void *user, const char *text), void *user);

#endif
