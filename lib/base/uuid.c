/* UUIDs as text: no braces, no other grouping. */
#include "base/uuid.h"

static int hex(char c)
{
    int letter = gw__lower((unsigned char)c) - 'a';
    return c >= '0' && c <= '9' ? c - '0' : letter >= 0 && letter < 6 ? letter + 10 : -1;
}

bool gw__uuid_parse(struct gw__str text, char *out)
{
    size_t at = 0;
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            if (at >= text.size || text.data[at++] != '-')
                return false;
        if (text.size < at + 2)
            return false;
        int high = hex(text.data[at]), low = hex(text.data[at + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (char)(high << 4 | low);
        at += 2;
    }
    return at == text.size;
}
