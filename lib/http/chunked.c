/* Chunked bodies, byte by byte for the framing and piece by piece for the data. The decoder holds no byte: what it was
 * given is taken, so input may be cut anywhere. */
#include "http/chars.h"
#include "http/parse.h"

enum state {
    SIZE, /* the first digit */
    SIZE_MORE,
    NAME, /* of an extension, first character */
    NAME_MORE,
    VALUE,
    VALUE_MORE,
    QUOTED,
    ESCAPED,
    QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    BAD,
};

enum { LINE_BYTES = 4096 };

/* What follows an extension, or the size. */
static enum state after_item(char c)
{
    return c == ';' ? NAME : c == '\r' ? SIZE_LF : BAD;
}

static enum state take_digit(struct gw__chunked *decoder, char c)
{
    int digit = gw__hex_digit(c);
    if (digit < 0)
        return decoder->digits ? after_item(c) : BAD;
    if (++decoder->digits > 16 || decoder->left > INT64_MAX >> 4)
        return BAD;
    decoder->left = decoder->left << 4 | (unsigned)digit;
    return SIZE_MORE;
}

/* One byte of the size line behind its digits. */
static enum state take_extension(enum state state, char c)
{
    bool token = gw__char_is(c, GW__CHAR_TOKEN);
    switch (state) {
    case NAME: return token ? NAME_MORE : BAD;
    case NAME_MORE: return token ? NAME_MORE : c == '=' ? VALUE : after_item(c);
    case VALUE: return token ? VALUE_MORE : c == '"' ? QUOTED : BAD;
    case VALUE_MORE: return token ? VALUE_MORE : after_item(c);
    case QUOTED: return c == '"' ? QUOTED_END : c == '\\' ? ESCAPED : gw__char_is(c, GW__CHAR_VALUE) ? QUOTED : BAD;
    case ESCAPED: return gw__char_is(c, GW__CHAR_VALUE) ? QUOTED : BAD;
    default: return after_item(c);
    }
}

static enum state take_framing(struct gw__chunked *decoder, char c)
{
    switch (decoder->state) {
    case SIZE:
    case SIZE_MORE: return take_digit(decoder, c);
    case SIZE_LF: return c != '\n' ? BAD : decoder->left ? DATA : TRAILER;
    case DATA_CR: return c == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        decoder->digits = 0;
        decoder->line_bytes = 0;
        return c == '\n' ? SIZE : BAD;
    default: return take_extension(decoder->state, c);
    }
}

enum gw__chunked_result gw__chunked_next(struct gw__chunked *decoder, const char **data, const char *end,
                                         struct gw__str *piece)
{
    const char *at = *data;
    while (decoder->state < TRAILER && at < end) {
        if (decoder->state == DATA) {
            size_t rest = (size_t)(end - at);
            *piece = (struct gw__str){at, rest < decoder->left ? rest : (size_t)decoder->left};
            decoder->left -= piece->size;
            if (decoder->left == 0)
                decoder->state = DATA_CR;
            *data = at + piece->size;
            return GW__CHUNKED_DATA;
        }
        decoder->state = (uint8_t)take_framing(decoder, *at++);
        if (++decoder->line_bytes > LINE_BYTES)
            decoder->state = BAD;
    }
    *data = at;
    return decoder->state == BAD       ? GW__CHUNKED_BAD
           : decoder->state == TRAILER ? GW__CHUNKED_TRAILERS
                                       : GW__CHUNKED_MORE;
}
