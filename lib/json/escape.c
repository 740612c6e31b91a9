/* Strings with escapes, 32 bytes at a time: a block is copied as it is, and what lies behind a byte that needs an
 * escape once more behind that. There is no branch for each character, since none could be predicted. */
#include "json/escape.h"

#include "json/block.h"
#include "json/characters.h"
#include "json/writer.h"

const struct gw__json_escape gw__json_escapes[GW__JSON_ESCAPES] = {
    {"\\u0000", 6}, {"\\u0001", 6}, {"\\u0002", 6}, {"\\u0003", 6}, {"\\u0004", 6}, {"\\u0005", 6},
    {"\\u0006", 6}, {"\\u0007", 6}, {"\\b", 2}, {"\\t", 2}, {"\\n", 2}, {"\\u000b", 6},
    {"\\f", 2}, {"\\r", 2}, {"\\u000e", 6}, {"\\u000f", 6}, {"\\u0010", 6}, {"\\u0011", 6},
    {"\\u0012", 6}, {"\\u0013", 6}, {"\\u0014", 6}, {"\\u0015", 6}, {"\\u0016", 6}, {"\\u0017", 6},
    {"\\u0018", 6}, {"\\u0019", 6}, {"\\u001a", 6}, {"\\u001b", 6}, {"\\u001c", 6}, {"\\u001d", 6},
    {"\\u001e", 6}, {"\\u001f", 6},
    ['"'] = {"\\\"", 2}, ['\\'] = {"\\\\", 2},
};

/* In a block copied to `out`, marked bytes become escapes. Returned is where it would have begun, were it still as long
 * as it was. */
static inline char *put_escapes(char *out, const char *text, uint64_t marks)
{
    for (; marks; marks &= marks - 1) {
        unsigned at = (unsigned)__builtin_ctzll(marks);
        char *behind = gw__json_print_escape(out + at, (unsigned char)text[at]);
        memcpy(behind, text + at + 1, GW__JSON_PAIR);
        out = behind - at - 1;
    }
    return out;
}

char *gw__json_print_string(char *out, const char *out_end, const char *text, size_t size, const char *readable)
{
    const char *end = text + size;
    if (readable - end < GW__JSON_PAIR || (out_end - out) / 8 < (ptrdiff_t)size + 8)
        return NULL;
    *out++ = '"';
    while (text < end) {
        unsigned count = end - text < GW__JSON_PAIR ? (unsigned)(end - text) : GW__JSON_PAIR;
        uint64_t special = gw__json_copy_pair(out, text) & gw__json_first_bits(count), high;
        if (special) {
            count = gw__json_whole_pair(text, end, count, &high);
            if (!count)
                return NULL;
            out = put_escapes(out, text, special & ~high & gw__json_first_bits(count));
        }
        text += count;
        out += count;
    }
    *out++ = '"';
    return out;
}
