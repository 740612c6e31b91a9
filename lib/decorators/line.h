/* Line: text written into a buffer that is large enough by the caller's reckoning; what does not fit is
 * left out rather than overrun. */
#ifndef GW_DECORATORS_LINE_H
#define GW_DECORATORS_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gw__line {
    char *at, *end;
};

static inline void gw__line_put(struct gw__line *line, const char *data, size_t size)
{
    if (size > (size_t)(line->end - line->at))
        return;
    memcpy(line->at, data, size);
    line->at += size;
}

/* The same where the caller knows that there is room for `size` and GW__LINE_PADDING, and that as much may
 * be read from data. */
#define GW__LINE_PADDING 32
static inline void gw__line_put_padded(struct gw__line *line, const char *data, size_t size)
{
    memcpy(line->at, data, GW__LINE_PADDING);
    for (size_t done = GW__LINE_PADDING; done < size; done += GW__LINE_PADDING)
        memcpy(line->at + done, data + done, GW__LINE_PADDING);
    line->at += size;
}

static inline void gw__line_puts(struct gw__line *line, const char *text)
{
    gw__line_put(line, text, strlen(text));
}

void gw__line_u64(struct gw__line *line, uint64_t value);

/* The inside of a JSON string: quotes, backslashes and control bytes escaped, bytes that are no UTF-8
 * as U+FFFD. Takes at most `limit` bytes of the line and leaves the rest out, never half a character. */
void gw__line_escape(struct gw__line *line, const char *text, size_t limit);
/* The same in quotes (which count); `null` for NULL. */
void gw__line_json(struct gw__line *line, const char *text, size_t limit);

#endif
