/* Strings with escapes, 32 bytes at a time: a block is copied as it is, and what lies behind a byte that needs an
 * escape once more behind that. There is no branch for each character, since none could be predicted. */
#include "json/escape.h"

#include "json/block.h"
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


#define INLINE static inline __attribute__((always_inline))

/* A bit for each of 32 bytes. */
struct leads {
    uint64_t high;  /* over 0x7f */
    uint64_t lead;  /* from 0xc0 on: begins a character */
    uint64_t three; /* from 0xe0 on: of three bytes at least */
    uint64_t rare;  /* begins one of four bytes, or one whose second byte may not be any; or never stands in UTF-8 */
};

#ifdef __SSE2__
INLINE uint64_t bits_of(__m128i first, __m128i second)
{
    return (uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(second) << 16;
}

/* Without those below 0x80, which are positive. */
INLINE uint64_t bits_from(__m128i first, __m128i second, uint8_t least, uint64_t high)
{
    __m128i below = _mm_set1_epi8((char)(least - 1));
    return bits_of(_mm_cmpgt_epi8(first, below), _mm_cmpgt_epi8(second, below)) & high;
}

INLINE __m128i rare_bytes(__m128i bytes)
{
    __m128i never = _mm_cmpeq_epi8(_mm_and_si128(bytes, _mm_set1_epi8((char)0xfe)), _mm_set1_epi8((char)0xc0));
    __m128i second = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xe0)),
                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xed)));
    return _mm_or_si128(never, second);
}

INLINE struct leads leads_of(const char *text)
{
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(text + 16));
    uint64_t high = bits_of(first, second);
    return (struct leads){
        .high = high,
        .lead = bits_from(first, second, 0xc0, high),
        .three = bits_from(first, second, 0xe0, high),
        .rare = bits_of(rare_bytes(first), rare_bytes(second)) | bits_from(first, second, 0xf0, high),
    };
}
#else
INLINE struct leads leads_of(const char *text)
{
    struct leads leads = {0};
    for (unsigned i = 0; i < GW__JSON_PAIR; i++) {
        unsigned char c = (unsigned char)text[i];
        leads.high |= (uint64_t)(c >= 0x80) << i;
        leads.lead |= (uint64_t)(c >= 0xc0) << i;
        leads.three |= (uint64_t)(c >= 0xe0) << i;
        leads.rare |= (uint64_t)(c >= 0xf0 || c == 0xe0 || c == 0xed || (c & 0xfe) == 0xc0) << i;
    }
    return leads;
}
#endif

INLINE uint64_t first_bits(unsigned count)
{
    return ((uint64_t)1 << count) - 1;
}

/* Of the first `count` of 32 bytes, how many make whole characters, at least; 0: the first is none. high: a bit for
 * each over 0x7f. */
INLINE unsigned whole_characters(const char *text, const char *end, unsigned count, uint64_t *high)
{
    struct leads leads = leads_of(text);
    uint64_t given = first_bits(count), lead = leads.lead & given, others = lead << 1 | (leads.three & given) << 2;
    *high = leads.high;
    if (__builtin_expect((leads.rare & given) != 0, 0))
        return gw__json_whole_characters(text, end, (unsigned)leads.high & 0xffff, count < 16 ? count : 16);
    if (others >> count) { /* the last one does not end here */
        count = 63 - (unsigned)__builtin_clzll(lead);
        given = first_bits(count);
        lead &= given;
        others = lead << 1 | (leads.three & given) << 2;
    }
    return others == (leads.high & ~leads.lead & given) ? count : 0;
}

/* In a block copied to `out`, marked bytes become escapes. Returned is where it would have begun, were it still as long
 * as it was. */
INLINE char *put_escapes(char *out, const char *text, uint64_t marks)
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
        uint64_t special = gw__json_copy_pair(out, text) & first_bits(count), high;
        if (special) {
            count = whole_characters(text, end, count, &high);
            if (!count)
                return NULL;
            out = put_escapes(out, text, special & ~high & first_bits(count));
        }
        text += count;
        out += count;
    }
    *out++ = '"';
    return out;
}
