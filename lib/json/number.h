/* Numbers of JSON: their text, taken apart once, and what it is worth: digit for digit as an integer, correctly
 * rounded as a double, whatever the locale. And the way back: a double in the shortest text that gives it again. */
#ifndef GW_JSON_NUMBER_H
#define GW_JSON_NUMBER_H

#include "base/str.h"

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
