/* Report: the errors of a config, all of them, each with where it came from and its code. */
#ifndef GW_BASE_REPORT_H
#define GW_BASE_REPORT_H

#include <gateway/export.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero it to begin with. A lost entry (out of memory) still counts as an error. */
struct gw__report {
    struct gw__report_entry {
        char *origin, *text;
        char code[8];
    } *entries;
    size_t count, capacity;
    bool lost;
};

void gw__report_add(struct gw__report *report, const char *origin, const char *code, const char *format, ...)
    GW_PRINTF(4, 5);
void gw__report_vadd(struct gw__report *report, const char *origin, const char *code, const char *format, va_list args);
static inline bool gw__report_bad(const struct gw__report *report)
{
    return report->count > 0 || report->lost;
}
/* Appends all entries of `from`. */
void gw__report_copy(struct gw__report *report, const struct gw__report *from);
/* "origin: text [code]", one a line (no newline behind the last), sorted by file, then line; exact doubles once. "" if
 * there is none. The caller frees with gw__free(). NULL when out of memory. */
char *gw__report_text(const struct gw__report *report);
void gw__report_finish(struct gw__report *report);

#endif
