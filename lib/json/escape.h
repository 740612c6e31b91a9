/* What stands in a JSON string for a byte that must not stand there itself. */
#ifndef GW_JSON_ESCAPE_H
#define GW_JSON_ESCAPE_H

#include <stdint.h>
#include <string.h>

enum { GW__JSON_ESCAPES = '\\' + 1 };

struct gw__json_escape {
    char text[7]; /* zeros behind it */
    uint8_t size; /* 0: the byte needs none */
};

extern const struct gw__json_escape gw__json_escapes[GW__JSON_ESCAPES];

/* For a control byte, a quote or a backslash. Eight bytes are overwritten; returns the end of the text. */
static inline char *gw__json_print_escape(char *out, unsigned char c)
{
    const struct gw__json_escape *escape = &gw__json_escapes[c];
    memcpy(out, escape, sizeof *escape);
    return out + escape->size;
}

#endif
