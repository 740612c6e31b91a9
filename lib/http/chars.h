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
    GW__CHAR_PLAIN = 16, /* PATH without '%' and '.': a path of these is normal */
    GW__CHAR_VALUE = 32, /* of a field value: no control byte but tab */
    GW__CHAR_DIGIT = 64,
};

extern const uint8_t gw__char_class[256];

static inline bool gw__char_is(char c, unsigned classes)
{
    return gw__char_class[(unsigned char)c] & classes;
}

/* How many bytes at the beginning are of the class. */
static inline size_t gw__chars_span(const char *text, size_t size, unsigned class)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    for (; end - at >= 4; at += 4)
        if (!(gw__char_class[at[0]] & gw__char_class[at[1]] & gw__char_class[at[2]] & gw__char_class[at[3]] & class))
            break;
    while (at < end && gw__char_class[*at] & class)
        at++;
    return (size_t)((const char *)at - text);
}

static inline bool gw__chars_are(const char *text, size_t size, unsigned class)
{
    return gw__chars_span(text, size, class) == size;
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
        if (size > 48)
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
