/* Texts with units to plain numbers. The whole text must fit, and the result 63 bits. */
#include "base/option.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};
static const struct unit plain_numbers[] = {{"", 1}, {NULL, 0}};

static bool parse_unit(const char *text, const struct unit *units, int64_t *out)
{
    int64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return false;
    if (at == text)
        return false;
    for (const struct unit *unit = units; unit->name; unit++)
        if (strcmp(at, unit->name) == 0)
            return !__builtin_mul_overflow(value, unit->factor, out);
    return false;
}

void gw__text_quantity(struct gw__text *out, enum gw_option_kind kind, int64_t value)
{
    const struct unit *units = kind == GW_KIND_DURATION ? durations : kind == GW_KIND_SIZE ? sizes : plain_numbers;
    const struct unit *best = units;
    for (const struct unit *unit = units; unit->name; unit++)
        if (value && value % unit->factor == 0)
            best = unit;
    gw__text_print(out, "%lld%s", (long long)(value / best->factor), best->name);
}

bool gw__parse_duration_ms(const char *text, int64_t *out)
{
    return parse_unit(text, durations, out);
}

bool gw__parse_size_bytes(const char *text, int64_t *out)
{
    return parse_unit(text, sizes, out);
}

bool gw__parse_int(const char *text, int64_t *out)
{
    if (*text != '-')
        return parse_unit(text, plain_numbers, out);
    if (!parse_unit(text + 1, plain_numbers, out))
        return false;
    *out = -*out;
    return true;
}

bool gw__parse_number(const char *text, double *out)
{
    if (!*text || strspn(text, "+-.eE0123456789") != strlen(text))
        return false;
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!plain)
        return false;
    char *end;
    *out = strtod_l(text, &end, plain);
    freelocale(plain);
    return !*end && *out - *out == 0;
}
