/* Text: a growing, terminated string. Once memory was out it stays `lost`, and adding does nothing. */
#ifndef GW_BASE_TEXT_H
#define GW_BASE_TEXT_H

#include <gateway/export.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero it to begin with. */
struct gw__text {
    char *data; /* NULL while nothing was added */
    size_t size, capacity;
    bool lost;
};

void gw__text_add(struct gw__text *text, const char *data, size_t size);
void gw__text_puts(struct gw__text *text, const char *string);
void gw__text_print(struct gw__text *text, const char *format, ...) GW_PRINTF(2, 3);
void gw__text_vprint(struct gw__text *text, const char *format, va_list args);
/* A string of JSON, quoted and escaped; bytes that are no UTF-8 become U+FFFD. */
void gw__text_json(struct gw__text *text, const char *string);
/* The string, "" at least, which the caller frees with gw__free(); NULL if it was lost. Empties the text. */
char *gw__text_take(struct gw__text *text);
void gw__text_finish(struct gw__text *text);

#endif
