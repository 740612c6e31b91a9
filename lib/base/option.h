/* Private side of the option tree, and the check of a tree against a plugin's table. */
#ifndef GW_BASE_OPTION_H
#define GW_BASE_OPTION_H

#include "base/report.h"
#include "base/text.h"

#include <gateway/option.h>

enum gw__option_type {
    GW__OPTION_NOTHING, /* a key of GW_OPTIONS whose value was NULL */
    GW__OPTION_STRING,
    GW__OPTION_INT,
    GW__OPTION_BOOL,
    GW__OPTION_NUMBER,
    GW__OPTION_LIST,
    GW__OPTION_GROUP,
};

struct gw_option {
    enum gw__option_type type;
    bool once;     /* root of a tree made by gw_option_once() */
    bool lost;     /* memory was out while something was put below it */
    bool relative; /* a path in it is relative to the file its origin names */
    char *key, *origin;
    union {
        char *text;
        int64_t integer;
        bool boolean;
        double number;
    } value;
    struct gw_option **items; /* of a list or group */
    size_t count, capacity;
};

/* A node of a type with nothing in it; NULL when out of memory. */
struct gw_option *gw__option_create(enum gw__option_type type, const char *origin);
/* A deep copy; NULL for NULL or when out of memory. A one-use option is not freed by it. */
struct gw_option *gw__option_copy(const struct gw_option *option);
/* To be called by every set-up function that borrowed `option`, last: frees it if it is one-use. */
void gw__option_done(const struct gw_option *option);
/* True for the value that gw_option_once() returns when memory is out, and for a tree of which a part is
 * missing for that reason. */
bool gw__option_lost(const struct gw_option *option);

/* Checks `value` (NULL: nothing was written) against a table (NULL: takes no options) and returns the
 * completed group: shorthand unfolded, strings parsed, units turned into numbers, paths joined with the folder of
 * the file they stand in, defaults filled in.
 * Errors go to the report, with `what` ("filter 'timeout'") and the node's origin, or `origin` where there is
 * none; then NULL is returned. The caller destroys. Codes: GW1010 unknown key (names the nearest),
 * GW1011 wrong type, GW1012 bad unit or out of range, GW1013 required key missing, GW1014 not one of
 * the choices, GW1015 key given twice. */
struct gw_option *gw__option_check(const struct gw_option *value, const struct gw_option_spec *specs, const char *what,
                                   const char *origin, struct gw__report *report);

/* "an integer from 1 to 256": what a value of this spec has to be. */
void gw__option_expects(struct gw__text *out, const struct gw_option_spec *spec);
/* A number of that kind in its largest whole unit: 60000 -> "1m", 65536 -> "64KiB". */
void gw__text_quantity(struct gw__text *out, enum gw_option_kind kind, int64_t value);

/* "2s" -> 2000, "64KiB" -> 65536. False if it is none. */
bool gw__parse_duration_ms(const char *text, int64_t *out);
bool gw__parse_size_bytes(const char *text, int64_t *out);
/* "-12"; the whole text, within 64 bits. */
bool gw__parse_int(const char *text, int64_t *out);
/* "1.5", "2e3", whatever the locale of the process. */
bool gw__parse_number(const char *text, double *out);

/* The nearest of `count` names to a mistyped one (Damerau-Levenshtein, at most a third of its length), or NULL. */
const char *gw__nearest(const char *name, const char *const *names, size_t count);

#endif
