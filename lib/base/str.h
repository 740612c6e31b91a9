/* A slice: bytes that somebody else owns, not terminated. */
#ifndef GW_BASE_STR_H
#define GW_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gw__str {
    const char *data;
    size_t size;
};

#define GW__STR(literal) ((struct gw__str){(literal), sizeof(literal) - 1})

static inline struct gw__str gw__str(const char *text)
{
    return (struct gw__str){text, text ? strlen(text) : 0};
}

static inline bool gw__str_equal(struct gw__str a, struct gw__str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline unsigned char gw__lower(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26 ? c | 0x20 : c;
}

/* Copies text with ASCII letters in lower case. */
void gw__lower_copy(char *to, const char *from, size_t size);

/* Equal but for the case of ASCII letters. */
static inline bool gw__case_equal(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (gw__lower((unsigned char)a[i]) != gw__lower((unsigned char)b[i]))
            return false;
    return true;
}

static inline bool gw__str_case_equal(struct gw__str a, struct gw__str b)
{
    return a.size == b.size && gw__case_equal(a.data, b.data, a.size);
}

/* FNV-1a. */
static inline uint32_t gw__hash(const char *data, size_t size, uint32_t seed)
{
    uint32_t hash = seed ^ 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)data[i]) * 16777619u;
    return hash;
}

/* Writes a decimal number without terminator; returns its length (at most 20). */
size_t gw__format_u64(char *out, uint64_t value);

/* Writes 16 hexadecimal digits, in lower case and without terminator. */
void gw__format_hex(char *out, uint64_t value);

#endif
