/* Characters over 0x7f in 32 bytes of a string: whether they are UTF-8, without a branch for each, since none could be
 * predicted. */
#ifndef GW_JSON_CHARACTERS_H
#define GW_JSON_CHARACTERS_H

#include "json/block.h"
#include "json/utf8.h"

/* Of the first `count` of 16 bytes, those that make whole characters; high: a bit for each over 0x7f. */
static inline unsigned gw__json_whole_characters(const char *text, const char *end, unsigned high, unsigned count)
{
    for (high &= (1u << count) - 1; high;) {
        unsigned at = (unsigned)__builtin_ctz(high);
        unsigned size = (unsigned)gw__utf8_size(text + at, (size_t)(end - text) - at);
        if (!size || at + size > count)
            return at;
        high &= ~0u << (at + size);
    }
    return count;
}

/* A bit for each of 32 bytes. */
struct gw__json_leads {
    uint64_t high;  /* over 0x7f */
    uint64_t lead;  /* from 0xc0 on: begins a character */
    uint64_t three; /* from 0xe0 on: of three bytes at least */
    uint64_t rare;  /* begins one of four bytes, or one whose second byte may not be any; or never stands in UTF-8 */
};

#ifdef __SSE2__
static inline uint64_t gw__json_high_bits(__m128i first, __m128i second)
{
    return (uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(second) << 16;
}

/* By the highest bit of each of 16 bytes. */
struct gw__json_lead_bytes {
    __m128i lead, three, rare;
};

static inline struct gw__json_lead_bytes gw__json_lead_bytes(__m128i bytes)
{
    struct gw__json_lead_bytes leads; /* each bit that makes a character longer is moved to the highest */
    leads.lead = _mm_and_si128(bytes, _mm_slli_epi16(bytes, 1));
    leads.three = _mm_and_si128(leads.lead, _mm_slli_epi16(bytes, 2));
    __m128i four = _mm_and_si128(leads.three, _mm_slli_epi16(bytes, 3));
    __m128i never = _mm_cmpeq_epi8(_mm_and_si128(bytes, _mm_set1_epi8((char)0xfe)), _mm_set1_epi8((char)0xc0));
    __m128i second = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xe0)),
                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xed)));
    leads.rare = _mm_or_si128(four, _mm_or_si128(never, second));
    return leads;
}

static inline struct gw__json_leads gw__json_leads(const char *text)
{
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(text + 16));
    struct gw__json_lead_bytes low = gw__json_lead_bytes(first), high = gw__json_lead_bytes(second);
    return (struct gw__json_leads){
        .high = gw__json_high_bits(first, second),
        .lead = gw__json_high_bits(low.lead, high.lead),
        .three = gw__json_high_bits(low.three, high.three),
        .rare = gw__json_high_bits(low.rare, high.rare),
    };
}
#else
static inline struct gw__json_leads gw__json_leads(const char *text)
{
    struct gw__json_leads leads = {0};
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

static inline uint64_t gw__json_first_bits(unsigned count)
{
    return ((uint64_t)1 << count) - 1;
}

/* Of the first `count` of 32 bytes, how many make whole characters, at least; 0: the first is none. high: a bit for
 * each over 0x7f. */
static inline unsigned gw__json_whole_pair(const char *text, const char *end, unsigned count, uint64_t *high)
{
    struct gw__json_leads leads = gw__json_leads(text);
    uint64_t given = gw__json_first_bits(count), lead = leads.lead & given;
    uint64_t others = lead << 1 | (leads.three & given) << 2;
    *high = leads.high;
    if (__builtin_expect((leads.rare & given) != 0, 0))
        return gw__json_whole_characters(text, end, (unsigned)leads.high & 0xffff, count < 16 ? count : 16);
    if (others >> count) { /* the last one does not end here */
        count = 63 - (unsigned)__builtin_clzll(lead);
        given = gw__json_first_bits(count);
        lead &= given;
        others = lead << 1 | (leads.three & given) << 2;
    }
    return others == (leads.high & ~leads.lead & given) ? count : 0;
}

#endif
