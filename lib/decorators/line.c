/* Numbers and JSON strings without printf. Almost all text needs no escape, so it is copied and looked
 * at eight bytes at a time; only text that does need one is gone through again. Whatever the input, the
 * output is valid JSON: anybody may send a header with quotes and broken UTF-8 in it. */
#include "line.h"

#include <stdbool.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

void gw__line_u64(struct gw__line *line, uint64_t value)
{
    char digits[36]; /* 20, and what the copy of 16 may look at behind them */
    size_t at = 20;
    for (; value >= 100; value /= 100)
        memcpy(digits + (at -= 2), pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(digits + (at -= 2), pairs + 2 * value, 2);
    else
        digits[--at] = (char)('0' + value);
    size_t size = 20 - at;
    if (line->end - line->at < 16 || size > 16) {
        gw__line_put(line, digits + at, size);
        return;
    }
    memcpy(line->at, digits + at, 16); /* of a fixed size, so no call */
    line->at += size;
}

/* No byte of the two words is a control byte, a quote, a backslash or over 0x7f. */
static inline bool plain_words(uint64_t first, uint64_t second)
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

/* The same for less than 8 bytes. */
static inline bool copy_short(char *out, const char *text, size_t size)
{
    uint64_t word = EACH_BYTE(' ');
    if (size >= 4) {
        word = (uint64_t)copy_half(out, text) << 32;
        word |= copy_half(out + size - 4, text + size - 4);
    } else if (size) {
        out[0] = text[0];
        out[size >> 1] = text[size >> 1];
        out[size - 1] = text[size - 1];
        word = word << 24 | (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[size >> 1] << 8 |
               (unsigned char)text[size - 1];
    }
    return plain_words(word, word);
}

/* Copies text to where there is room for it; false if some of it is not plain. What is left of the last
 * words overlaps what went before. */
static inline __attribute__((always_inline)) bool copy_plain(char *out, const char *text, size_t size)
{
    if (size < 8)
        return copy_short(out, text, size);
    const char *last = text + size - 8;
    char *out_last = out + size - 8;
    bool plain = true;
    for (; text + 8 < last && plain; out += 16, text += 16) {
        uint64_t word = copy_word(out, text);
        plain = plain_words(word, copy_word(out + 8, text + 8));
    }
    uint64_t rest = text < last ? copy_word(out, text) : EACH_BYTE(' ');
    return plain && plain_words(rest, copy_word(out_last, last));
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

void gw__line_escape(struct gw__line *line, const char *text, size_t limit)
{
    size_t room = (size_t)(line->end - line->at), size = strlen(text);
    limit = limit < room ? limit : room;
    if (size <= limit && copy_plain(line->at, text, size))
        line->at += size;
    else
        line->at = escape_slowly(line->at, line->at + limit, text, size);
}

void gw__line_json(struct gw__line *line, const char *text, size_t limit)
{
    char *out = line->at;
    size_t room = (size_t)(line->end - out), size;
    limit = limit < room ? limit : room;
    if (!text) {
        gw__line_put(line, "null", 4);
        return;
    }
    if (limit < 2)
        return;
    *out++ = '"';
    size = strlen(text);
    if (size <= limit - 2 && copy_plain(out, text, size))
        out += size;
    else
        out = escape_slowly(out, out + limit - 2, text, size);
    *out = '"';
    line->at = out + 1;
}
