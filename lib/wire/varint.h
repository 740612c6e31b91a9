/* Varints: unsigned LEB128, seven bits a byte, the lowest first. */
#ifndef GW_WIRE_VARINT_H
#define GW_WIRE_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { GW__VARINT32_BYTES = 5, GW__VARINT64_BYTES = 10 }; /* the most they take */

/* Returns its end. */
static inline char *gw__varint_put(char *out, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        *out++ = (char)(value | 0x80);
    *out++ = (char)value;
    return out;
}

/* The varint that the bytes begin with: how many of them it takes; 0: more must come; -1: it has not ended after
 * `most` bytes, or does not fit into 64 bits. */
static inline int gw__varint_get(const char *bytes, size_t size, unsigned most, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < most; i++) {
        if (i == size)
            return 0;
        uint64_t bits = (uint8_t)bytes[i] & 0x7f;
        if (i == 9 && bits > 1)
            return -1;
        *value |= bits << 7 * i;
        if (!((uint8_t)bytes[i] & 0x80))
            return (int)i + 1;
    }
    return -1;
}

static inline uint64_t gw__zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t gw__unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ -(value & 1));
}

#endif
