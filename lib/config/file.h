/* The reader of config files: libconfig's text to calls of <gateway/config.h>. */
#ifndef GW_CONFIG_FILE_H
#define GW_CONFIG_FILE_H

#include <gateway/config.h>

/* Reads a text as if it were a file of that name; `include` is relative to the name's folder. As
 * gw_config_read_file(). */
int gw__config_read_text(struct gw_config *config, const char *text, size_t size, const char *name);

#endif
