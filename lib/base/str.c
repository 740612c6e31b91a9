/* Functions of strings that are too long to be inline. */
#include "base/str.h"

#include <endian.h>

size_t gw__format_u64(char *out, uint64_t value)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof digits;
    for (; value >= 100; value /= 100)
        memcpy(digits + (at -= 2), pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(digits + (at -= 2), pairs + 2 * value, 2);
    else
        digits[--at] = (char)('0' + value);
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

/* Eight digits at once: a nibble to each byte, then to its digit; n + 6 has bit 4 set for n of 10 and above. */
static void format_hex32(char *out, uint64_t value)
{
    value = (value << 16 | value) & 0x0000ffff0000ffff;
    value = (value << 8 | value) & 0x00ff00ff00ff00ff;
    value = (value << 4 | value) & 0x0f0f0f0f0f0f0f0f;
    uint64_t letters = (value + 0x0606060606060606) >> 4 & 0x0101010101010101;
    value += 0x3030303030303030 + letters * ('a' - '9' - 1);
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
}

void gw__format_hex(char *out, uint64_t value)
{
    format_hex32(out, value >> 32);
    format_hex32(out + 8, (uint32_t)value);
}

/* Eight bytes at once; the high bit of a byte tells whether it is a letter from A to Z. */
static uint64_t lower_word(uint64_t word)
{
    const uint64_t each = 0x0101010101010101;
    uint64_t low = word & 0x7f * each;
    uint64_t from_a = low + (0x80 - 'A') * each, above_z = low + (0x7f - 'Z') * each;
    uint64_t letters = (from_a ^ above_z) & ~word & 0x80 * each;
    return word | letters >> 2;
}

static void lower_word_copy(char *to, const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    word = lower_word(word);
    memcpy(to, &word, sizeof word);
}

void gw__lower_copy(char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; i + 8 <= size; i += 8)
        lower_word_copy(to + i, from + i);
    if (i < size && size > 8) /* overlaps what is done */
        lower_word_copy(to + size - 8, from + size - 8);
    else
        for (; i < size; i++)
            to[i] = (char)gw__lower((unsigned char)from[i]);
}
