/* Scanning a number and what it is worth as an integer or a double. Doubles: up to 2^53 and 10^22 both are exact, so
 * one operation rounds correctly (Clinger); else the product with a power of ten in 128 bits tells (Eisel, Lemire)
 * but for one in some thousand million, which are left to the C library. */
#include "json/number.h"

#include "json/powers.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

enum { EXPONENT_MAX = 1000000, EXACT_DIGITS = 19 };

const uint64_t gw__number_tens[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

const double gw__number_double_tens[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                           1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* The exponent at `at`, behind its e; NULL if there is none or it does not end before `end`. */
static const char *scan_exponent(const char *at, const char *end, int32_t *out)
{
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    const char *first = at;
    int32_t value = 0;
    for (; at < end && is_digit(*at); at++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (*at - '0');
    *out += negative ? -value : value;
    return at == first ? NULL : at;
}

/* More digits than a mantissa holds for certain: an integer may fit all the same, else the leading ones are kept. */
static void scan_long(struct gw__number *number, const char *digits, const char *end)
{
    uint64_t all = 0;
    bool fits = number->plain;
    for (const char *at = digits; fits && at < end; at++)
        fits = !__builtin_mul_overflow(all, 10, &all) && !__builtin_add_overflow(all, (uint64_t)(*at - '0'), &all);
    if (fits) {
        number->mantissa = all;
        return;
    }
    int count = 0;
    number->mantissa = 0;
    for (const char *at = digits; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.')
            continue;
        if (count < EXACT_DIGITS) {
            number->mantissa = number->mantissa * 10 + (uint64_t)(*at - '0');
            count += number->mantissa != 0;
        } else {
            number->exponent++;
            number->exact = number->exact && *at == '0';
        }
    }
}

static void settle_int64(struct gw__number *number)
{
    uint64_t limit = (uint64_t)INT64_MAX + number->negative;
    number->is_int64 = number->plain && number->exact && number->exponent == 0 && number->mantissa <= limit;
    number->int64 = (int64_t)(number->negative ? 0 - number->mantissa : number->mantissa);
}

const char *gw__number_scan(struct gw__number *number, const char *text, const char *end)
{
    const char *at = text;
    number->negative = *at == '-';
    at += number->negative;
    const char *digits = at;
    uint64_t mantissa = 0;
    at = gw__number_digits(at, end, &mantissa);
    ptrdiff_t count = at - digits;
    if (count == 0 || (*digits == '0' && count > 1) || at == end)
        return NULL;
    number->exponent = 0;
    number->exact = number->plain = true;
    if (*at == '.') {
        const char *fraction = ++at;
        at = gw__number_digits(at, end, &mantissa);
        number->exponent = -(int32_t)(at - fraction);
        number->plain = false;
        count += at - fraction;
        if (at == fraction)
            return NULL;
    }
    if (at < end && (*at | 0x20) == 'e') {
        number->plain = false;
        at = scan_exponent(at + 1, end, &number->exponent);
    }
    if (!at || at == end)
        return NULL;
    number->mantissa = mantissa;
    number->text = (struct gw__str){text, (size_t)(at - text)};
    if (count > EXACT_DIGITS)
        scan_long(number, digits, at);
    settle_int64(number);
    return at;
}

/* The integer part of a number with at most `places` digits before its point; what they do not hold is cut off. */
static bool integer_part(const struct gw__number *number, int places, uint64_t *out, bool *fraction)
{
    uint64_t value = 0;
    bool fits = true;
    for (const char *at = number->text.data + number->negative; at < number->text.data + number->text.size; at++) {
        if (*at == '.')
            continue;
        if (!is_digit(*at))
            break;
        if (places-- > 0)
            fits = fits && !__builtin_mul_overflow(value, 10, &value)
                && !__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value);
        else
            *fraction = *fraction || *at != '0';
    }
    while (fits && value && places-- > 0)
        fits = !__builtin_mul_overflow(value, 10, &value);
    *out = value;
    return fits;
}

/* How many of the written digits stand before the point once the exponent has moved it. */
static int32_t places_of(const struct gw__number *number)
{
    const char *at = number->text.data + number->negative, *end = number->text.data + number->text.size;
    int32_t places = 0, exponent = 0;
    for (; at < end && is_digit(*at); at++)
        places++;
    while (at < end && (*at | 0x20) != 'e')
        at++;
    if (at < end)
        scan_exponent(at + 1, end, &exponent);
    return places + exponent;
}

enum gw__number_fit gw__number_int64(const struct gw__number *number, int64_t *out)
{
    *out = number->int64;
    if (number->is_int64)
        return GW__NUMBER_EXACT;
    uint64_t value, limit = (uint64_t)INT64_MAX + number->negative;
    bool fraction = false;
    bool fits = integer_part(number, places_of(number), &value, &fraction) && value <= limit;
    if (!fits)
        value = limit;
    *out = (int64_t)(number->negative ? 0 - value : value);
    return !fits ? GW__NUMBER_RANGE : fraction ? GW__NUMBER_FRACTION : GW__NUMBER_EXACT;
}

static double from_bits(uint64_t mantissa, uint64_t exponent)
{
    uint64_t bits = mantissa | exponent << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounds the product's leading bits to a double that is below the normal ones. */
static double subnormal(uint64_t mantissa, int32_t power)
{
    if (1 - power >= 64)
        return 0;
    mantissa >>= 1 - power;
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    return from_bits(mantissa, 0); /* a carry makes it the smallest normal one by itself */
}

/* mantissa * 10^exponent; false if 128 bits do not tell which double is the nearest. */
static bool multiply(uint64_t mantissa, int32_t exponent, double *out)
{
    *out = 0;
    if (mantissa == 0 || exponent < GW__POWER_FIRST)
        return true;
    *out = HUGE_VAL;
    if (exponent > 308)
        return true;
    const struct gw__power *power = &gw__powers[exponent - GW__POWER_FIRST];
    int shift = __builtin_clzll(mantissa);
    mantissa <<= shift;
    unsigned __int128 product = (unsigned __int128)mantissa * power->high;
    if (((uint64_t)(product >> 64) & 0x1ff) == 0x1ff)
        product += (uint64_t)((unsigned __int128)mantissa * power->low >> 64);
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if (low == UINT64_MAX && (exponent < GW__POWER_FIRST_UP || exponent > GW__POWER_LAST_EXACT))
        return false;
    int top = (int)(high >> 63);
    uint64_t bits = high >> (top + 9);
    int32_t binary = ((217706 * exponent) >> 16) + 63 + top - shift + 1023;
    if (binary <= 0) {
        *out = subnormal(bits, binary);
        return true;
    }
    if (low <= 1 && exponent >= -4 && exponent <= 23 && (bits & 3) == 1 && bits << (top + 9) == high)
        bits &= ~(uint64_t)1; /* half way exactly: to even */
    bits = (bits + (bits & 1)) >> 1;
    if (bits >= (uint64_t)2 << 52) {
        bits = (uint64_t)1 << 52;
        binary++;
    }
    if (binary < 0x7ff)
        *out = from_bits(bits & ~((uint64_t)1 << 52), (uint64_t)binary);
    return true;
}

/* The byte behind the text ends it for strtod too. In the C locale, which glibc gives without allocating. */
static double read_slowly(const struct gw__number *number)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return fabs(strtod_l(number->text.data, NULL, locale));
}

double gw__number_double(const struct gw__number *number)
{
    double value, above;
    if (number->exact && number->mantissa <= (uint64_t)1 << 53 && number->exponent >= -22 && number->exponent <= 22) {
        value = (double)number->mantissa;
        double power = gw__number_double_tens[abs(number->exponent)];
        value = number->exponent < 0 ? value / power : value * power;
    } else if (!multiply(number->mantissa, number->exponent, &value)
               || (!number->exact
                   && (!multiply(number->mantissa + 1, number->exponent, &above) || above != value))) {
        value = read_slowly(number);
    }
    return number->negative ? -value : value;
}
