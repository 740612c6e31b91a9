/* Numbers and JSON strings without printf. Almost all text needs no escape, so eight bytes are looked at
 * and copied at a time; a byte that needs more goes the slow way alone. Whatever the input, the output
 * is valid JSON: anybody may send a header with quotes and broken UTF-8 in it. */
#include "line.h"

#include <stdbool.h>

#define EACH_BYTE(value) (0x0101010101010101u * (value))

void gw__line_u64(struct gw__line *line, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    gw__line_put(line, digits + at, sizeof digits - at);
}

/* No control byte, quote, backslash or byte over 0x7f among the eight. */
static bool plain_word(uint64_t word)
{
    uint64_t special = word | (word - EACH_BYTE(0x20)) | ((word ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
                       ((word ^ EACH_BYTE('\\')) - EACH_BYTE(1));
    return !(special & EACH_BYTE(0x80));
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

void gw__line_escape(struct gw__line *line, const char *text, size_t limit)
{
    char *out = line->at;
    const char *end = limit < (size_t)(line->end - out) ? out + limit : line->end;
    size_t left = strlen(text);
    while (left > 0) {
        uint64_t word;
        if (left >= sizeof word && (size_t)(end - out) >= sizeof word) {
            memcpy(&word, text, sizeof word);
            if (plain_word(word)) {
                memcpy(out, &word, sizeof word);
                out += sizeof word;
                text += sizeof word;
                left -= sizeof word;
                continue;
            }
        }
        size_t taken = escape_one(text, left, &out, end);
        if (taken == 0)
            break;
        text += taken;
        left -= taken;
    }
    line->at = out;
}

void gw__line_json(struct gw__line *line, const char *text, size_t limit)
{
    if (!text) {
        gw__line_put(line, "null", 4);
        return;
    }
    if (limit < 2 || line->end - line->at < 2)
        return;
    *line->at++ = '"';
    line->end--; /* keeps room for the closing quote */
    gw__line_escape(line, text, limit - 2);
    line->end++;
    *line->at++ = '"';
}
