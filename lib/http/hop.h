/* Hop-by-hop fields and lists, private to the parser. */
#ifndef GW_HTTP_HOP_H
#define GW_HTTP_HOP_H

#include "http/parse.h"

/* Cuts the next element off a list: blanks around it gone, maybe empty. */
static inline struct gw__str gw__next_element(const char **at, const char *end)
{
    const char *from = *at, *to = memchr(from, ',', (size_t)(end - from));
    *at = to ? to + 1 : end;
    if (!to)
        to = end;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (from < to && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    return (struct gw__str){from, (size_t)(to - from)};
}

/* Sets .hop of what Connection names, but for fields that are for all recipients. */
void gw__raw_mark_named(struct gw__raw_head *raw, const char *data);
/* Sets .hop of trailer fields that are not to be believed. */
void gw__raw_mark_trailers(struct gw__raw_head *raw, const char *data);

#endif
