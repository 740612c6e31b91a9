/* UTF-8 (RFC 3629: no surrogates, nothing overlong) for those who may see a character in pieces. */
#ifndef GW_JSON_UTF8_H
#define GW_JSON_UTF8_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What may follow: `need` bytes, the next of them from `low` to `high`, the others from 0x80 to 0xbf. */
struct gw__utf8 {
    uint8_t need, low, high;
};

/* The first byte of a character over 0x7f; need is 0 if it is none. */
static inline struct gw__utf8 gw__utf8_lead(unsigned char lead)
{
    struct gw__utf8 next = {0, 0x80, 0xbf};
    next.need = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (lead == 0xe0)
        next.low = 0xa0;
    else if (lead == 0xed)
        next.high = 0x9f;
    else if (lead == 0xf0)
        next.low = 0x90;
    else if (lead == 0xf4)
        next.high = 0x8f;
    return next;
}

static inline bool gw__utf8_fits(struct gw__utf8 next, unsigned char byte)
{
    return byte >= next.low && byte <= next.high;
}

/* Bytes of the character over 0x7f that the bytes of the word begin with, the first the lowest; 0 if it is none. */
static inline size_t gw__utf8_size_of(uint32_t word)
{
    if ((word & 0xc0e0) == 0x80c0)
        return word & 0x1e ? 2 : 0;
    if ((word & 0xc0c0f0) == 0x8080e0)
        return (word & 0x200f) != 0 && (word & 0x200f) != 0x200d ? 3 : 0;
    uint32_t top = (word & 7) << 2 | (word >> 12 & 3); /* of the code: from 0x10000 to 0x10ffff */
    return (word & 0xc0c0c0f8) == 0x808080f0 && top > 0 && top <= 16 ? 4 : 0;
}

/* Bytes of the character over 0x7f at text, 0 if it is none or is not whole. */
static inline size_t gw__utf8_size(const char *text, size_t size)
{
    if (size >= 4) {
        uint32_t word;
        memcpy(&word, text, sizeof word);
        return gw__utf8_size_of(le32toh(word));
    }
    const unsigned char *bytes = (const unsigned char *)text;
    struct gw__utf8 next = gw__utf8_lead(bytes[0]);
    if (!next.need || next.need >= size || !gw__utf8_fits(next, bytes[1]))
        return 0;
    return next.need == 1 || (bytes[2] & 0xc0) == 0x80 ? next.need + 1u : 0;
}

/* Writes the character; returns its bytes, at most 4. */
static inline size_t gw__utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

#endif
