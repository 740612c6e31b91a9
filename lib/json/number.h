/* Numbers of JSON: their text, taken apart once, and what it is worth: digit for digit as an integer, correctly
 * rounded as a double, whatever the locale. And the way back: a double in the shortest text that gives it again. */
#ifndef GW_JSON_NUMBER_H
#define GW_JSON_NUMBER_H

#include "base/str.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct gw__number {
    struct gw__str text;
    uint64_t mantissa; /* its value is ±mantissa * 10^exponent, */
    int32_t exponent;
    bool exact;        /* unless there were more digits than the mantissa holds: they are cut off */
    bool negative;
    bool plain;        /* neither fraction nor exponent is written */
    bool is_int64;     /* plain, and fits; else int64 means nothing */
    int64_t int64;
};

/* Takes the number at text apart. A byte that is no part of it must stand behind it, before `end`; NULL if there is
 * none, or the text is no number. Returns where the number ends. */
const char *gw__number_scan(struct gw__number *number, const char *text, const char *end);

extern const uint64_t gw__number_tens[9]; /* 10^0 to 10^8 */

/* Eight bytes, the first the lowest, a digit as what it is worth. */
static inline uint64_t gw__number_word(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return le64toh(word) ^ 0x3030303030303030;
}

/* The bits of the digits with which such a word begins: eight times their number. */
static inline unsigned gw__number_digit_bits(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t others = ((word + 0x76 * ones) | word) & 0x80 * ones; /* right up to the first of them */
    return others ? (unsigned)__builtin_ctzll(others) & ~7u : 64;
}

/* What the digits are worth; bits: of them, not 0. */
static inline uint64_t gw__number_worth(uint64_t word, unsigned bits)
{
    const uint64_t pairs = 0x000000ff000000ff;
    word <<= 64 - bits;
    word = word * 10 + (word >> 8); /* pairs, then fours, then all */
    uint64_t high = (word & pairs) * (100 + (UINT64_C(1000000) << 32));
    return (high + (word >> 16 & pairs) * (1 + (UINT64_C(10000) << 32))) >> 32;
}

/* How many of the eight bytes at text, from the first on, are digits; *value: what they are worth. */
static inline unsigned gw__number_eight(const char *text, uint64_t *value)
{
    uint64_t word = gw__number_word(text);
    unsigned bits = gw__number_digit_bits(word);
    *value = bits ? gw__number_worth(word, bits) : 0;
    return bits / 8;
}

/* Past digits, which are added to the mantissa: modulo 2^64 where there are too many. */
static inline const char *gw__number_digits(const char *at, const char *end, uint64_t *mantissa)
{
    while (end - at >= 8) {
        uint64_t value;
        unsigned count = gw__number_eight(at, &value);
        *mantissa = *mantissa * gw__number_tens[count] + value;
        at += count;
        if (count < 8)
            return at;
    }
    for (; at < end && (unsigned char)(*at - '0') < 10; at++)
        *mantissa = *mantissa * 10 + (uint64_t)(*at - '0');
    return at;
}

enum {
    GW__NUMBER_SHORT_BYTES = 19, /* what gw__number_short() and gw__number_decimal() may look at */
    GW__NUMBER_FRONT_BYTES = 16, /* and in front of the text, which mean nothing */
};

/* What may stand behind a number of a container. */
static inline bool gw__number_ends(char c)
{
    return __builtin_expect(c == ',', 1) || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r';
}

extern const double gw__number_double_tens[23]; /* 10^0 to 10^22, which are exact */

#ifdef __SSE2__

/* A bit for each of 16 bytes that is no digit, and two above them; but none for a sign, which is 1 if they begin with
 * it. The highest bit of each byte tells: from 0x3a on one sum has it, below 0x30 the other, from 0x80 on one of
 * them. */
static inline size_t gw__number_others(const char *text, size_t sign)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i above = _mm_add_epi8(bytes, _mm_set1_epi8(0x80 - ('9' + 1)));
    __m128i others = _mm_or_si128(above, _mm_sub_epi8(bytes, _mm_set1_epi8('0')));
    return (unsigned)_mm_movemask_epi8(others) + (((size_t)3 << 16) - sign);
}

/* The last `count` of 16 bytes. */
static inline __m128i gw__number_mask(size_t count)
{
    static const uint64_t mask[4] = {0, 0, UINT64_MAX, UINT64_MAX};
    return _mm_loadu_si128((const __m128i *)(const void *)((const char *)mask + count));
}

/* The 16 digits in front of `end`, but all except the last `count` are 0. */
static inline __m128i gw__number_last(const char *end, size_t count)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(end - 16));
    return _mm_and_si128(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), gw__number_mask(count));
}

/* The `whole` digits in front of the point, where 16 digits have them that end with `places` behind it. */
static inline __m128i gw__number_whole(const char *end, size_t whole, size_t places)
{
    __m128i zeros = gw__number_last(end - 1, whole + places);
    return _mm_andnot_si128(gw__number_mask(places), zeros);
}

static inline uint64_t gw__number_sixteen(__m128i digits)
{
    __m128i tens = _mm_mullo_epi16(_mm_and_si128(digits, _mm_set1_epi16(0xff)), _mm_set1_epi16(10));
    __m128i pairs = _mm_add_epi16(tens, _mm_srli_epi16(digits, 8));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
    __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10000));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (uint32_t)both * UINT64_C(100000000) + (both >> 32);
}

/* An integer of at most 16 bytes: where it ends, with what may follow; NULL if it is something else. */
static inline const char *gw__number_short(const char *text, int64_t *value)
{
    size_t negative = *text == '-', end = (size_t)__builtin_ctzll(gw__number_others(text, negative));
    size_t count = end - negative;
    if (count == 0 || (text[negative] == '0' && count > 1))
        return NULL;
    uint64_t magnitude = gw__number_sixteen(gw__number_last(text + end, count));
    *value = (int64_t)((magnitude ^ -negative) + negative);
    return gw__number_ends(text[end]) ? text + end : NULL;
}

/* A number of less than 16 bytes without an exponent: its digits are an exact double before it is divided. Likewise. */
static inline const char *gw__number_decimal(const char *text, double *value)
{
    size_t negative = *text == '-', others = gw__number_others(text, negative);
    size_t end = (size_t)__builtin_ctzll(others), whole = end - negative, places = 0;
    uint64_t bits;
    if (whole == 0 || (text[negative] == '0') & (whole > 1))
        return NULL;
    __m128i digits;
    if (__builtin_expect(text[end] == '.', 1)) {
        size_t point = end;
        end = (size_t)__builtin_ctzll(others & (others - 1));
        places = end - point - 1;
        if (places == 0)
            return NULL;
        __m128i fraction = gw__number_last(text + end, places); /* the others are moved over the point */
        digits = _mm_or_si128(fraction, gw__number_whole(text + end, whole, places));
    } else {
        digits = gw__number_last(text + end, whole);
    }
    if (end > 15 || !gw__number_ends(text[end]))
        return NULL;
    double magnitude = (double)(int64_t)gw__number_sixteen(digits) / gw__number_double_tens[places];
    memcpy(&bits, &magnitude, sizeof bits);
    bits |= (uint64_t)negative << 63;
    memcpy(value, &bits, sizeof bits);
    return text + end;
}

#else

/* An integer of at most 16 digits: where it ends, with what may follow; NULL if it is something else. */
static inline const char *gw__number_short(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    const char *at = text + negative;
    uint64_t word = gw__number_word(at), magnitude, more;
    unsigned bits = gw__number_digit_bits(word);
    if (bits == 0 || ((word & 0xff) == 0 && bits > 8))
        return NULL;
    magnitude = gw__number_worth(word, bits);
    at += bits / 8;
    if (bits == 64) {
        unsigned count = gw__number_eight(at, &more);
        magnitude = magnitude * gw__number_tens[count] + more;
        at += count;
    }
    if (!gw__number_ends(*at))
        return NULL;
    *value = (int64_t)((magnitude ^ -(uint64_t)negative) + negative);
    return at;
}

/* A number of less than 8 digits before its point and no exponent, whose digits make no more than 2^53: it is exact
 * before it is divided. The digits on both sides of the point are read as one word. Likewise. */
static inline const char *gw__number_decimal(const char *text, double *value)
{
    bool negative = *text == '-';
    const char *at = text + negative;
    uint64_t word = gw__number_word(at), more, mantissa;
    unsigned whole = gw__number_digit_bits(word), bits = whole, places = 0;
    if (whole == 0 || whole == 64 || ((word & 0xff) == 0 && whole > 8))
        return NULL;
    if (at[whole / 8] == '.') {
        uint64_t mask = ((uint64_t)1 << whole) - 1;
        word = (word & mask) | (gw__number_word(at + 1) & ~mask);
        bits = gw__number_digit_bits(word);
        places = (bits - whole) / 8;
        if (places == 0)
            return NULL;
        at++;
    }
    mantissa = gw__number_worth(word, bits);
    at += bits / 8;
    if (bits == 64) {
        unsigned count = gw__number_eight(at, &more);
        mantissa = mantissa * gw__number_tens[count] + more;
        places += count;
        at += count;
    }
    if (!gw__number_ends(*at) || mantissa > (uint64_t)1 << 53)
        return NULL;
    double magnitude = (double)(int64_t)mantissa / gw__number_double_tens[places];
    *value = negative ? -magnitude : magnitude;
    return at;
}

#endif

enum gw__number_fit {
    GW__NUMBER_EXACT,    /* 12, 12.0, 1.2e1 */
    GW__NUMBER_FRACTION, /* out is truncated */
    GW__NUMBER_RANGE,    /* out is the nearest int64 */
};

/* The integer that the number is, by its digits. */
enum gw__number_fit gw__number_int64(const struct gw__number *number, int64_t *out);

/* The nearest double (ties to even); infinite where it is out of range. */
double gw__number_double(const struct gw__number *number);

enum { GW__DOUBLE_BYTES = 32 };
/* Writes a finite double as JavaScript and Go do: 0.1, 100, 1e+21, 5e-324, -0. Returns the bytes, less than
 * GW__DOUBLE_BYTES; up to that many may be overwritten. */
size_t gw__double_print(char *out, double value);

#endif
