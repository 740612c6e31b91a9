/* What the parts of the config reader share. */
#ifndef GW_CONFIG_READER_H
#define GW_CONFIG_READER_H

#include <gateway/config.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

struct gw__reader {
    struct gw_config *config;
    const char *name;       /* of the file being read, as it was given */
    bool included;          /* it is one that another includes */
    size_t errors;
    bool lost;              /* memory was out */
    struct gw_option *seen; /* top-level keys of all files, with the place of each */
};

/* Adds an error at a line of the file. */
void gw__reader_error(struct gw__reader *reader, unsigned line, const char *code, const char *format, ...)
    GW_PRINTF(4, 5);
/* `path` as seen from where the file is: itself if absolute, or the file's folder in front. The caller frees; NULL,
 * and the reader marked, when memory is out. */
char *gw__reader_path(struct gw__reader *reader, const char *path);

/* Looks at a text, which is terminated, for what libconfig must not see. False if there was such. */
bool gw__reader_scan(struct gw__reader *reader, const char *text, size_t size);
/* The groups and lists that stand for objects, and settings, to calls. */
void gw__reader_map(struct gw__reader *reader, const config_setting_t *root);
/* Reads what `include` names. */
void gw__reader_include(struct gw__reader *reader, const config_setting_t *setting);

#endif
