/* The errors of a config, kept in the order found and shown in the order of the files. An entry that
 * can't be kept is never forgotten: the report stays bad. */
#include "base/report.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static char *vprint(const char *format, va_list args)
{
    struct gw__text text = {0};
    gw__text_vprint(&text, format, args);
    return gw__text_take(&text);
}

/* Takes both strings, either of which may be NULL for want of memory. */
static void add_take(struct gw__report *report, char *origin, const char *code, char *text)
{
    struct gw__report_entry *entries = gw__grow(report->entries, report->count, &report->capacity, sizeof *entries);
    if (entries)
        report->entries = entries;
    if (!entries || !origin || !text) {
        gw__free(origin);
        gw__free(text);
        report->lost = true;
        return;
    }
    struct gw__report_entry *entry = &entries[report->count++];
    *entry = (struct gw__report_entry){.origin = origin, .text = text};
    memcpy(entry->code, code ? code : "", strnlen(code ? code : "", sizeof entry->code - 1));
}

void gw__report_vadd(struct gw__report *report, const char *origin, const char *code, const char *format, va_list args)
{
    add_take(report, gw__strdup(origin ? origin : ""), code, vprint(format, args));
}

void gw__report_add(struct gw__report *report, const char *origin, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gw__report_vadd(report, origin, code, format, args);
    va_end(args);
}

void gw__report_copy(struct gw__report *report, const struct gw__report *from)
{
    for (size_t i = 0; i < from->count; i++)
        add_take(report, gw__strdup(from->entries[i].origin), from->entries[i].code, gw__strdup(from->entries[i].text));
    report->lost = report->lost || from->lost;
}

/* What stands before the ":NUMBER" at the end of the first `size` bytes, and the number; all, and 0, if there is
 * none. */
static size_t split_number(const char *origin, size_t size, unsigned long *number)
{
    const char *colon = memrchr(origin, ':', size);
    char *end = NULL;
    *number = colon && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
    if (end && end == origin + size)
        return (size_t)(colon - origin);
    *number = 0;
    return size;
}

/* Length of the file's name in "file:line" or "file:line:column", with both; all of it, and 0, where they are not. */
static size_t split_origin(const char *origin, unsigned long *line, unsigned long *column)
{
    size_t size = strlen(origin), last = split_number(origin, size, column);
    size_t name = split_number(origin, last, line);
    if (name == last) {
        *line = *column;
        *column = 0;
    }
    return name;
}

static int compare_origins(const char *a, const char *b)
{
    unsigned long line_a, line_b, column_a, column_b;
    size_t size_a = split_origin(a, &line_a, &column_a), size_b = split_origin(b, &line_b, &column_b);
    int order = memcmp(a, b, size_a < size_b ? size_a : size_b);
    if (order || size_a != size_b)
        return order ? order : size_a < size_b ? -1 : 1;
    if (line_a != line_b)
        return line_a < line_b ? -1 : 1;
    return column_a < column_b ? -1 : column_a > column_b;
}

static bool same(const struct gw__report_entry *a, const struct gw__report_entry *b)
{
    return strcmp(a->origin, b->origin) == 0 && strcmp(a->text, b->text) == 0 && strcmp(a->code, b->code) == 0;
}

/* Doubles stand in one file and line, but others of that line may stand between them. */
static bool shown_before(const struct gw__report_entry *const *sorted, size_t index)
{
    for (size_t i = index; i-- > 0 && strcmp(sorted[i]->origin, sorted[index]->origin) == 0;)
        if (same(sorted[i], sorted[index]))
            return true;
    return false;
}

/* Insertion sort: stable, needs no memory, and errors come nearly in order. */
static void sort_entries(const struct gw__report *report, const struct gw__report_entry **sorted)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct gw__report_entry *entry = &report->entries[i];
        size_t at = i;
        for (; at > 0 && compare_origins(sorted[at - 1]->origin, entry->origin) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = entry;
    }
}

char *gw__report_text(const struct gw__report *report)
{
    struct gw__text text = {0};
    const struct gw__report_entry **sorted = gw__calloc(report->count, sizeof *sorted);
    if (!sorted)
        return NULL;
    sort_entries(report, sorted);
    for (size_t i = 0; i < report->count; i++) {
        const struct gw__report_entry *entry = sorted[i];
        if (shown_before(sorted, i))
            continue;
        const char *colon = *entry->origin ? ": " : "";
        gw__text_print(&text, "%s%s%s%s", text.size ? "\n" : "", entry->origin, colon, entry->text);
        if (*entry->code)
            gw__text_print(&text, " [%s]", entry->code);
    }
    if (report->lost)
        gw__text_puts(&text, text.size ? "\nout of memory" : "out of memory");
    gw__free(sorted);
    return gw__text_take(&text);
}

void gw__report_finish(struct gw__report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        gw__free(report->entries[i].origin);
        gw__free(report->entries[i].text);
    }
    gw__free(report->entries);
    *report = (struct gw__report){0};
}
