/* Character classes by table, loads of words, and copies too short for a call of memcpy. */
#ifndef GW_HTTP_CHARS_H
#define GW_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    GW__CHAR_TOKEN = 1,  /* RFC 9110 section 5.6.2 */
    GW__CHAR_PATH = 2,   /* pchar and '/' of RFC 3986 */
    GW__CHAR_QUERY = 4,  /* these, '?', and what browsers leave unencoded there: see uri.h */
    GW__CHAR_HOST = 8,   /* unreserved of RFC 3986 */
    GW__CHAR_MARK = 16,  /* '%' and '.': a path with them may not be normal */
    GW__CHAR_VALUE = 32, /* of a field value: no control byte but tab */
};

extern const uint8_t gw__char_class[256];

static inline bool gw__char_is(char c, unsigned classes)
{
    return gw__char_class[(unsigned char)c] & classes;
}

static inline bool gw__chars_are(const char *text, size_t size, unsigned class)
{
    for (const char *end = text + size; text < end; text++)
        if (!gw__char_is(*text, class))
            return false;
    return true;
}

/* 0 to 15, or -1. */
static inline int gw__hex_digit(char c)
{
    unsigned char u = (unsigned char)c;
    if ((unsigned)(u - '0') < 10)
        return u - '0';
    u |= 0x20;
    return (unsigned)(u - 'a') < 6 ? u - 'a' + 10 : -1;
}

static inline uint16_t gw__load16(const char *from)
{
    uint16_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static inline uint32_t gw__load32(const char *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static inline uint64_t gw__load64(const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Copies exactly `size` bytes by overlapping words: neither side is touched outside. Returns the end. */
static inline char *gw__copy_short(char *to, const char *from, size_t size)
{
    if (size >= 16) {
        if (size > 128)
            return (char *)memcpy(to, from, size) + size;
        for (size_t i = 0; i < size - 16; i += 16)
            memcpy(to + i, from + i, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        uint64_t tail = gw__load64(from + size - 8);
        memcpy(to, from, 8);
        memcpy(to + size - 8, &tail, 8);
    } else if (size >= 4) {
        uint32_t tail = gw__load32(from + size - 4);
        memcpy(to, from, 4);
        memcpy(to + size - 4, &tail, 4);
    } else if (size) {
        to[0] = from[0];
        to[size >> 1] = from[size >> 1];
        to[size - 1] = from[size - 1];
    }
    return to + size;
}

#endif
