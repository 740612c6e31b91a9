/* Base64 both ways. Decoding is strict, so that no two texts stand for the same bytes but by their padding, where it
 * may be left out. */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Value + 1 of each character, 0 of those that are none. */
static const uint8_t values[256] = {
    ['+'] = 63, ['/'] = 64, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59,
    ['7'] = 60, ['8'] = 61, ['9'] = 62, ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7,
    ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25,
    ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34,
    ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,
    ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
};

static const uint8_t url_values[256] = {
    ['-'] = 63, ['_'] = 64, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59,
    ['7'] = 60, ['8'] = 61, ['9'] = 62, ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7,
    ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25,
    ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34,
    ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,
    ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
};

static const uint8_t *values_of(const struct gw__base64 *decoder)
{
    return decoder->form & GW__BASE64_URL ? url_values : values;
}

static void encode_group(char *out, uint32_t bits, const char *characters)
{
    out[0] = characters[bits >> 18];
    out[1] = characters[bits >> 12 & 63];
    out[2] = characters[bits >> 6 & 63];
    out[3] = characters[bits & 63];
}

size_t gw__base64_encode(char *out, const void *data, size_t size, unsigned form)
{
    const char *characters = form & GW__BASE64_URL ? url_alphabet : alphabet;
    const unsigned char *at = data;
    char *begin = out;
    for (; size >= 3; size -= 3, at += 3, out += 4)
        encode_group(out, (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2], characters);
    if (size > 0) {
        encode_group(out, (uint32_t)at[0] << 16 | (size > 1 ? (uint32_t)at[1] << 8 : 0), characters);
        out[3] = '=';
        if (size == 1)
            out[2] = '=';
        out += form & GW__BASE64_BARE ? size + 1 : 4;
    }
    return (size_t)(out - begin);
}

/* The bytes of a whole group; those that padding stands for must be zero. */
static size_t end_group(struct gw__base64 *decoder, char *out)
{
    uint32_t bits = decoder->bits;
    size_t size = 3u - decoder->padding;
    for (size_t i = 0; i < size; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    decoder->bad = decoder->padding && (bits & ((1u << 8 * decoder->padding) - 1));
    decoder->count = 0;
    decoder->bits = 0;
    return decoder->bad ? 0 : size;
}

static void add_character(struct gw__base64 *decoder, char c)
{
    uint8_t value = values_of(decoder)[(unsigned char)c];
    bool ended = decoder->padding && decoder->count == 0;
    if (c == '=' && decoder->count >= 2 && !ended)
        decoder->padding++;
    else if (!value || decoder->padding)
        decoder->bad = true;
    decoder->bits = decoder->bits << 6 | (value ? value - 1u : 0);
    decoder->count++;
}

/* Groups of four without padding; returns how many characters there were of them. */
static size_t decode_groups(char *out, const char *text, size_t size, const uint8_t *value)
{
    size_t taken = 0;
    for (; size - taken >= 4; taken += 4, out += 3) {
        const unsigned char *four = (const unsigned char *)text + taken;
        uint32_t a = value[four[0]], b = value[four[1]], c = value[four[2]], d = value[four[3]];
        if (!a || !b || !c || !d)
            break;
        uint32_t bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
        out[0] = (char)(bits >> 16);
        out[1] = (char)(bits >> 8);
        out[2] = (char)bits;
    }
    return taken;
}

size_t gw__base64_decode(struct gw__base64 *decoder, char *out, const char *text, size_t size)
{
    char *begin = out;
    size_t taken = 0;
    while (taken < size && !decoder->bad) {
        if (decoder->count == 0 && !decoder->padding) {
            size_t groups = decode_groups(out, text + taken, size - taken, values_of(decoder));
            taken += groups;
            out += groups / 4 * 3;
        }
        if (taken < size)
            add_character(decoder, text[taken++]);
        if (decoder->count == 4 && !decoder->bad)
            out += end_group(decoder, out);
    }
    return (size_t)(out - begin);
}

size_t gw__base64_end(struct gw__base64 *decoder, char *out)
{
    bool may_be_bare = decoder->form & GW__BASE64_BARE && decoder->count >= 2 && !decoder->padding;
    if (decoder->bad || decoder->count == 0)
        return 0;
    decoder->bad = !may_be_bare;
    if (decoder->bad)
        return 0;
    decoder->padding = (uint8_t)(4 - decoder->count);
    decoder->bits <<= 6 * decoder->padding;
    return end_group(decoder, out);
}
