/* Numbers of JSON: their text, taken apart once, and what it is worth: digit for digit as an integer, correctly
 * rounded as a double, whatever the locale. And the way back: a double in the shortest text that gives it again. */
#ifndef GW_JSON_NUMBER_H
#define GW_JSON_NUMBER_H

#include "base/str.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

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

/* How many of the eight bytes at text, from the first on, are digits; *value: what they are worth. */
static inline unsigned gw__number_eight(const char *text, uint64_t *value)
{
    uint64_t word, ones = 0x0101010101010101;
    memcpy(&word, text, sizeof word);
    word = le64toh(word) ^ 0x30 * ones;
    uint64_t others = ((word + 0x76 * ones) | word) & 0x80 * ones; /* right up to the first of them */
    unsigned bits = others ? (unsigned)__builtin_ctzll(others) - 7 : 64;
    if (!bits) {
        *value = 0;
        return 0;
    }
    word <<= 64 - bits;
    word = word * 10 + (word >> 8); /* pairs, then fours, then all */
    const uint64_t pairs = 0x000000ff000000ff;
    uint64_t high = (word & pairs) * (100 + (UINT64_C(1000000) << 32));
    *value = (high + (word >> 16 & pairs) * (1 + (UINT64_C(10000) << 32))) >> 32;
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

enum { GW__NUMBER_SHORT_BYTES = 26 }; /* what the following two may look at */

/* What may stand behind a number of a container. */
static inline bool gw__number_ends(char c)
{
    return c == ',' || c == '}' || c == ']';
}

/* An integer of at most 16 digits: where it ends, with what may follow; NULL if it is something else. */
static inline const char *gw__number_short(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    const char *at = text + negative;
    uint64_t magnitude, more;
    unsigned count = gw__number_eight(at, &magnitude);
    if (count == 0 || (*at == '0' && count > 1))
        return NULL;
    at += count;
    if (count == 8) {
        count = gw__number_eight(at, &more);
        magnitude = magnitude * gw__number_tens[count] + more;
        at += count;
    }
    if (!gw__number_ends(*at))
        return NULL;
    *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return at;
}

/* A number of at most 8 digits and 7 more behind its point, which is exact before it is divided. Likewise. */
static inline const char *gw__number_decimal(const char *text, double *value)
{
    static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    bool negative = *text == '-';
    const char *at = text + negative;
    uint64_t whole, part = 0;
    unsigned count = gw__number_eight(at, &whole), places = 0;
    if (count == 0 || (*at == '0' && count > 1))
        return NULL;
    at += count;
    if (*at == '.') {
        places = gw__number_eight(at + 1, &part);
        if (places == 0 || places == 8)
            return NULL;
        at += 1 + places;
    }
    if (!gw__number_ends(*at))
        return NULL;
    double magnitude = (double)(int64_t)(whole * gw__number_tens[places] + part) / tens[places];
    *value = negative ? -magnitude : magnitude;
    return at;
}

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
