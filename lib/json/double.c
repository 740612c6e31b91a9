/* The shortest decimal that is read back as the same double, and of those the nearest (Raffaello Giulietti's
 * Schubfach): of the decimals at the coarsest spacing that is sure to hit the interval of what rounds to the double,
 * at most four come into question; they are compared with its bounds in integers scaled by four. */
#include "json/number.h"

#include "json/powers.h"
#include "json/print.h"

#include <math.h>

struct decimal {
    uint64_t digits;
    int exponent;
};

/* value * g / 2^128 with a last bit that says whether anything was lost. */
static uint64_t round_to_odd(struct gw__power g, uint64_t value)
{
    uint64_t low = (uint64_t)((unsigned __int128)g.low * value >> 64);
    unsigned __int128 product = (unsigned __int128)g.high * value + low;
    return (uint64_t)(product >> 64) | ((uint64_t)product > 1);
}

/* 10^exponent rounded up. */
static struct gw__power power_above(int exponent)
{
    struct gw__power power = gw__powers[exponent - GW__POWER_FIRST];
    if (exponent < GW__POWER_FIRST_UP || exponent > GW__POWER_LAST_EXACT)
        power.high += ++power.low == 0;
    return power;
}

/* The nearest of the two candidates that the interval left. */
static struct decimal choose(uint64_t low, uint64_t value, uint64_t high, int exponent)
{
    uint64_t digits = value / 4;
    if (digits >= 10) {
        uint64_t tens = digits / 10;
        bool down = low <= 40 * tens, up = 40 * tens + 40 <= high;
        if (down != up)
            return (struct decimal){tens + up, exponent + 1};
    }
    bool down = low <= 4 * digits, up = 4 * digits + 4 <= high;
    if (down == up) {
        uint64_t middle = 4 * digits + 2;
        up = value > middle || (value == middle && (digits & 1));
    }
    return (struct decimal){digits + up, exponent};
}

static struct decimal shortest(uint64_t fraction, int biased)
{
    uint64_t bits = biased ? fraction | (uint64_t)1 << 52 : fraction;
    int exponent = (biased ? biased : 1) - 1075;
    if (exponent <= 0 && exponent > -53 && (bits & (((uint64_t)1 << -exponent) - 1)) == 0)
        return (struct decimal){bits >> -exponent, 0};
    bool odd = bits & 1, closer = fraction == 0 && biased > 1; /* below a power of two doubles are denser */
    int ten = (exponent * 1262611 - (closer ? 524031 : 0)) >> 22;
    int shift = exponent + ((-ten * 1741647) >> 19) + 1;
    struct gw__power power = power_above(-ten);
    uint64_t low = round_to_odd(power, (4 * bits - 2 + closer) << shift);
    uint64_t value = round_to_odd(power, (4 * bits) << shift);
    uint64_t high = round_to_odd(power, (4 * bits + 2) << shift);
    return choose(low + odd, value, high - odd, ten);
}

static char *put_zeros(char *out, int count)
{
    for (; count > 0; count--)
        *out++ = '0';
    return out;
}

static char *put_text(char *out, const char *text, int size)
{
    memcpy(out, text, (size_t)size);
    return out + size;
}

/* d.ddde-7; `point` is where the point stands: 1 behind the first digit. */
static char *put_scientific(char *out, const char *digits, int count, int point)
{
    *out++ = digits[0];
    if (count > 1) {
        *out++ = '.';
        out = put_text(out, digits + 1, count - 1);
    }
    *out++ = 'e';
    int exponent = point - 1;
    *out++ = exponent < 0 ? '-' : '+';
    return out + gw__format_u64(out, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

static char *put_decimal(char *out, struct decimal decimal)
{
    char digits[GW__PRINT_BYTES];
    int count = (int)(gw__print_u64(digits, decimal.digits) - digits);
    int point = count + decimal.exponent;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (point < -5 || point > 21)
        return put_scientific(out, digits, count, point);
    if (point <= 0) {
        out = put_zeros(put_text(out, "0.", 2), -point);
        return put_text(out, digits, count);
    }
    if (count <= point)
        return put_zeros(put_text(out, digits, count), point - count);
    out = put_text(out, digits, point);
    *out++ = '.';
    return put_text(out, digits + point, count - point);
}

/* The point and up to eight digits behind it, one of which is not 0. */
static inline char *put_fraction(char *out, uint32_t value)
{
    uint64_t digits = gw__print_digits(value);
    *out++ = '.';
    gw__print_bytes(out, digits);
    return out + 8 - (unsigned)__builtin_clzll(digits) / 8;
}

/* From a millionth to 10^6, with seven to nine digits behind the point: see put_short(). */
static __attribute__((noinline)) char *put_nine(char *out, double value)
{
    if (!(value >= 1e-6 && value < 1e6))
        return NULL;
    int64_t scaled = (int64_t)(value * 1e9 + 0.5);
    if ((double)scaled / 1e9 != value)
        return NULL;
    uint32_t part = (uint32_t)(scaled % 1000000000), last = part % 10;
    char *point = gw__print_first(out, (uint32_t)(scaled / 1000000000));
    if (!last)
        return put_fraction(point, part / 10);
    *point = '.';
    gw__print_bytes(point + 1, gw__print_digits(part / 10));
    point[9] = (char)('0' + last);
    return point + 10;
}

/* A value below 10^9 with at most six digits behind the point: no two decimals of at most 15 digits are the same
 * double, so this one is the shortest if its quotient is the value. NULL: it is not. */
static inline char *put_short(char *out, double value)
{
    if (!(value < 1e9))
        return NULL;
    int64_t millionths = (int64_t)(value * 1e6 + 0.5);
    if ((double)millionths / 1e6 != value)
        return put_nine(out, value);
    uint32_t whole = (uint32_t)(millionths / 1000000), part = (uint32_t)(millionths % 1000000);
    out = gw__print_u64(out, whole);
    return part ? put_fraction(out, part * 100) : out;
}

/* Out of line, so that common values need no more than they must. */
static __attribute__((noinline)) char *put_any(char *out, uint64_t bits)
{
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7ff);
    return put_decimal(out, shortest(fraction, exponent));
}

size_t gw__double_print(char *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    *out = '-';
    char *at = out + (bits >> 63), *end = put_short(at, fabs(value));
    return (size_t)((end ? end : put_any(at, bits)) - out);
}
