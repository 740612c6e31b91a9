/* Numbers and JSON strings without printf. Almost all text needs no escape, so it is copied and looked
 * at eight bytes at a time; only text that does need one is gone through again. Whatever the input, the
 * output is valid JSON: anybody may send a header with quotes and broken UTF-8 in it. */
#include "line.h"

#include <stdbool.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

void gw__line_u64(struct gw__line *line, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    if ((size_t)(line->end - line->at) < sizeof digits - at)
        return;
    while (at < sizeof digits)
        *line->at++ = digits[at++];
}

/* No byte of the two words is a control byte, a quote, a backslash or over 0x7f. */
static bool plain_words(uint64_t first, uint64_t second)
{
#ifdef __SSE2__
    __m128i bytes = _mm_set_epi64x((int64_t)second, (int64_t)first);
    __m128i special = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* signed: over 0x7f too */
    special = _mm_or_si128(special, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    special = _mm_or_si128(special, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    return _mm_movemask_epi8(special) == 0;
#else
    uint64_t special = 0, words[2] = {first, second};
    for (int i = 0; i < 2; i++)
        special |= words[i] | (words[i] - EACH_BYTE(0x20)) | ((words[i] ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
                   ((words[i] ^ EACH_BYTE('\\')) - EACH_BYTE(1));
    return !(special & EACH_BYTE(0x80));
#endif
}

static uint64_t copy_word(char *out, const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    memcpy(out, &word, sizeof word);
    return word;
}

static uint32_t copy_half(char *out, const char *text)
{
    uint32_t half;
    memcpy(&half, text, sizeof half);
    memcpy(out, &half, sizeof half);
    return half;
}

/* Copies text to where there is room for it; false if some of it is not plain. What is left of the last
 * words overlaps what went before. */
static bool copy_plain(char *out, const char *text, size_t size)
{
    uint64_t word = EACH_BYTE(' ');
    if (size < 4) {
        for (size_t i = 0; i < size; i++) {
            out[i] = text[i];
            word = word << 8 | (unsigned char)text[i];
        }
        return plain_words(word, word);
    }
    if (size < 8) {
        word = (uint64_t)copy_half(out, text) << 32;
        word |= copy_half(out + size - 4, text + size - 4);
        return plain_words(word, word);
    }
    for (; size > 16; size -= 16, out += 16, text += 16) {
        word = copy_word(out, text);
        if (!plain_words(word, copy_word(out + 8, text + 8)))
            return false;
        if (size < 24) { /* the rest is under 8: step back so that a word covers it */
            size_t back = 24 - size;
            out -= back, text -= back, size += back;
        }
    }
    word = copy_word(out, text);
    return plain_words(word, copy_word(out + size - 8, text + size - 8));
}

/* Bytes of the UTF-8 character at text, 0 if it is none (RFC 3629: no surrogates, nothing overlong). */
static size_t utf8_size(const unsigned char *text, size_t size)
{
    unsigned lead = text[0];
    size_t want = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (!want || want > size)
        return 0;
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < want; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return want;
}

/* The escape of a byte that is neither plain nor the start of a character; returns its size, at most 6. */
static size_t escape_byte(unsigned char byte, char *out)
{
    static const char hex[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        memcpy(out, (char[]){'\\', (char)byte}, 2);
        return 2;
    }
    if (byte >= 0x80) {
        memcpy(out, "\\ufffd", 6);
        return 6;
    }
    memcpy(out, (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
    return 6;
}

/* One character from text to out, escaped where it must be. Returns the bytes taken, 0 if out is full. */
static size_t escape_one(const char *text, size_t size, char **out, const char *end)
{
    unsigned char byte = (unsigned char)*text;
    char escaped[6];
    const char *piece = text;
    size_t taken = 1, piece_size = 1;
    if (byte >= 0x80 && (piece_size = utf8_size((const unsigned char *)text, size)) > 0) {
        taken = piece_size;
    } else if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') {
        piece = escaped;
        piece_size = escape_byte(byte, escaped);
    }
    if (piece_size > (size_t)(end - *out))
        return 0;
    for (size_t i = 0; i < piece_size; i++)
        *(*out)++ = piece[i];
    return taken;
}

/* Out of line, so that the usual way needs no stack frame. */
static __attribute__((noinline)) char *escape_slowly(char *out, const char *end, const char *text, size_t size)
{
    for (size_t taken; size > 0 && (taken = escape_one(text, size, &out, end)) > 0; size -= taken)
        text += taken;
    return out;
}

static inline char *escape(char *out, size_t room, const char *text)
{
    size_t size = strlen(text);
    if (size <= room && copy_plain(out, text, size))
        return out + size;
    return escape_slowly(out, out + room, text, size);
}

void gw__line_escape(struct gw__line *line, const char *text, size_t limit)
{
    size_t room = (size_t)(line->end - line->at);
    line->at = escape(line->at, limit < room ? limit : room, text);
}

void gw__line_json(struct gw__line *line, const char *text, size_t limit)
{
    size_t room = (size_t)(line->end - line->at);
    if (limit > room)
        limit = room;
    if (!text) {
        gw__line_put(line, "null", 4);
    } else if (limit >= 2) {
        *line->at = '"';
        char *end = escape(line->at + 1, limit - 2, text);
        *end = '"';
        line->at = end + 1;
    }
}
