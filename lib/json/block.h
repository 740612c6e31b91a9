/* Sixteen bytes or more of a string at once: copied, and looked at for what JSON does not take as it is. */
#ifndef GW_JSON_BLOCK_H
#define GW_JSON_BLOCK_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* A control byte, a quote, a backslash, or over 0x7f. */
static inline bool gw__json_special(unsigned char c)
{
    return c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
}

#ifdef __SSE2__
/* The highest bit of each byte tells. Below 0x80, what is less than 0x21 with one bit flipped is a control byte or a
 * quote (0x22): less than that and the subtraction wraps around. */
static inline __m128i gw__json_special_bytes(__m128i bytes)
{
    __m128i flipped = _mm_xor_si128(bytes, _mm_set1_epi8(0x02));
    __m128i others = _mm_or_si128(bytes, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    return _mm_or_si128(others, _mm_sub_epi8(flipped, _mm_set1_epi8(0x21)));
}

static inline unsigned gw__json_special_bits(__m128i bytes)
{
    return (unsigned)_mm_movemask_epi8(gw__json_special_bytes(bytes));
}
#endif

/* Copies 16 bytes; returns how many of them come before the first special one. */
static inline unsigned gw__json_copy_block(char *out, const char *text)
{
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    _mm_storeu_si128((__m128i *)(void *)out, bytes);
    return (unsigned)__builtin_ctz(gw__json_special_bits(bytes) | 1u << 16);
#else
    unsigned count = 0;
    memcpy(out, text, 16);
    while (count < 16 && !gw__json_special((unsigned char)text[count]))
        count++;
    return count;
#endif
}

enum { GW__JSON_PAIR = 32 };

/* Copies that many bytes, two blocks; a bit for each special one, and one above them, so that there is a lowest. */
static inline uint64_t gw__json_copy_pair(char *out, const char *text)
{
    uint64_t bits = (uint64_t)1 << GW__JSON_PAIR;
#ifdef __SSE2__
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(text + 16));
    _mm_storeu_si128((__m128i *)(void *)out, first);
    _mm_storeu_si128((__m128i *)(void *)(out + 16), second);
    bits |= gw__json_special_bits(first);
    return bits | (uint64_t)gw__json_special_bits(second) << 16;
#else
    memcpy(out, text, GW__JSON_PAIR);
    for (unsigned i = 0; i < GW__JSON_PAIR; i++)
        bits |= (uint64_t)gw__json_special((unsigned char)text[i]) << i;
    return bits;
#endif
}

/* A bit for each byte of a pair that is over 0x7f. */
static inline uint64_t gw__json_high_pair(const char *text)
{
#ifdef __SSE2__
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(text + 16));
    return (uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(second) << 16;
#else
    uint64_t bits = 0;
    for (unsigned i = 0; i < GW__JSON_PAIR; i++)
        bits |= (uint64_t)((unsigned char)text[i] >= 0x80) << i;
    return bits;
#endif
}

enum { GW__JSON_STRIDE = 64 };

/* Copies that many bytes; true if none of them is special. */
static inline bool gw__json_copy_stride(char *out, const char *text)
{
#ifdef __SSE2__
    __m128i special = _mm_setzero_si128();
    for (int i = 0; i < GW__JSON_STRIDE; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        _mm_storeu_si128((__m128i *)(void *)(out + i), bytes);
        special = _mm_or_si128(special, gw__json_special_bytes(bytes));
    }
    return _mm_movemask_epi8(special) == 0;
#else
    bool plain = true;
    for (int i = 0; i < GW__JSON_STRIDE; i += 16)
        plain = gw__json_copy_block(out + i, text + i) == 16 && plain;
    return plain;
#endif
}

/* What the letter behind a backslash stands for; 0: for nothing. */
static inline char gw__json_escaped(char c)
{
    static const char table[256] = {
        ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['"'] = '"', ['\\'] = '\\', ['/'] = '/',
    };
    return table[(unsigned char)c];
}

/* What gw__json_copy_block() does, of less than 16 bytes of text. */
static inline unsigned gw__json_copy_last(char *out, const char *text, size_t size)
{
    char rest[16] = {0}; /* behind the text, control bytes: they are special */
    memcpy(rest, text, size);
    return gw__json_copy_block(out, rest);
}

enum { GW__JSON_KEY_BYTES = 32 };

/* The text begins with the key, which is not longer than GW__JSON_KEY_BYTES; as many of both can be read. shift: 32
 * minus the key's bytes, 16 if there are more than 16. */
static inline __attribute__((always_inline)) bool gw__json_same_key(const char *text, const char *key, uint32_t size,
                                                                    uint8_t shift)
{
#ifdef __SSE2__
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)key);
    if ((uint32_t)~_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) << shift != 0)
        return false;
    return __builtin_expect(size <= 16, 1)
        || (size <= GW__JSON_KEY_BYTES && memcmp(text + 16, key + 16, size - 16) == 0);
#else
    return size <= GW__JSON_KEY_BYTES && memcmp(text, key, size) == 0;
#endif
}

/* No byte of the two words is special. */
static inline bool gw__json_plain_words(uint64_t first, uint64_t second)
{
#ifdef __SSE2__
    return gw__json_special_bits(_mm_set_epi64x((int64_t)second, (int64_t)first)) == 0;
#else
    char bytes[16], copy[16];
    memcpy(bytes, &first, 8);
    memcpy(bytes + 8, &second, 8);
    return gw__json_copy_block(copy, bytes) == 16;
#endif
}

/* Copies less than 16 bytes, reading no other; false if one is special. */
static inline bool gw__json_copy_short(char *out, const char *text, size_t size)
{
    uint64_t first = 0x2020202020202020u, second = first;
    if (size >= 8) {
        memcpy(&first, text, 8);
        memcpy(&second, text + size - 8, 8);
        memcpy(out, &first, 8);
        memcpy(out + size - 8, &second, 8);
    } else if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, text, 4);
        memcpy(&high, text + size - 4, 4);
        memcpy(out, &low, 4);
        memcpy(out + size - 4, &high, 4);
        first = (uint64_t)high << 32 | low;
    } else {
        for (size_t i = 0; i < size; i++) {
            out[i] = text[i];
            first = first << 8 | (unsigned char)text[i];
        }
    }
    return gw__json_plain_words(first, second);
}

#endif
