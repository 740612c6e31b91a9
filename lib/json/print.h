/* Integers as digits, eight at once, for whoever has GW__PRINT_BYTES of room: up to that many are overwritten, however
 * few are the text's. Returned is where the text ends. */
#ifndef GW_JSON_PRINT_H
#define GW_JSON_PRINT_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum { GW__PRINT_BYTES = 32 };

/* The digits of a value below 10^8, each a byte, the first the lowest. */
static inline uint64_t gw__print_digits(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t tops = (fours * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t pairs = ((fours - 100 * tops) << 16) + tops;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000f;
    return ((pairs - 10 * tens) << 8) + tens;
}

static inline void gw__print_bytes(char *out, uint64_t digits)
{
    digits = htole64(digits | 0x3030303030303030);
    memcpy(out, &digits, sizeof digits);
}

/* Below 10^8, without leading zeros. */
static inline char *gw__print_first(char *out, uint32_t value)
{
    uint64_t digits = gw__print_digits(value);
    unsigned zeros = (unsigned)__builtin_ctzll(digits | (uint64_t)1 << 56) / 8;
    gw__print_bytes(out, digits >> 8 * zeros);
    return out + 8 - zeros;
}

static inline char *gw__print_u64(char *out, uint64_t value)
{
    const uint64_t eight = 100000000;
    if (value < eight)
        return gw__print_first(out, (uint32_t)value);
    uint64_t high = value / eight;
    if (high >= eight) {
        out = gw__print_first(out, (uint32_t)(high / eight));
        high %= eight;
        gw__print_bytes(out, gw__print_digits((uint32_t)high));
        out += 8;
    } else {
        out = gw__print_first(out, (uint32_t)high);
    }
    gw__print_bytes(out, gw__print_digits((uint32_t)(value % eight)));
    return out + 8;
}

static inline char *gw__print_i64(char *out, int64_t value)
{
    *out = '-';
    return gw__print_u64(out + (value < 0), value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

#endif
