/* Scalars: what a number, a literal or a string is worth as a value of some type, strictly or leniently. */
#include "base/uuid.h"
#include "transcode/inside.h"

#include <math.h>
#include <stdio.h>

enum { NUMBER_BYTES = 400 };

static bool is_integer(const struct gw__type *type)
{
    return (type->kind >= GW__I8 && type->kind <= GW__I64) || type->kind == GW__ENUM;
}

static double one_or_zero(bool value)
{
    return value ? 1 : 0;
}

/* A number for any scalar; false if it does not fit. */
static bool put_number(struct gw__encode *encode, const struct gw__type *type, const struct gw__number *number)
{
    int64_t integer;
    enum gw__number_fit fit;
    double value;
    switch (type->kind) {
    case GW__DOUBLE:
        value = gw__number_double(number);
        gw__thrift_put_double(encode->wire, value);
        return value - value == 0;
    case GW__BOOL:
        value = gw__number_double(number);
        gw__thrift_put_integer(encode->wire, 1, value < 0 || value > 0);
        return encode->options.lenient;
    default:
        fit = gw__number_int64(number, &integer);
        gw__thrift_put_integer(encode->wire, type->min_bytes, integer);
        return encode->options.lenient || (fit == GW__NUMBER_EXACT && gw__encode_fits(integer, type->min_bytes));
    }
}

static bool put_literal(struct gw__encode *encode, const struct gw__type *type, bool value)
{
    if (type->kind == GW__DOUBLE)
        gw__thrift_put_double(encode->wire, one_or_zero(value));
    else
        gw__thrift_put_integer(encode->wire, type->min_bytes, value);
    return type->kind == GW__BOOL || encode->options.lenient;
}

bool gw__encode_scalar(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    bool good = type->kind == GW__BOOL || type->kind == GW__DOUBLE || is_integer(type);
    if (good && event == GW__JSON_NUMBER)
        good = put_number(encode, type, &encode->json.number);
    else
        good = good && put_literal(encode, type, event == GW__JSON_TRUE);
    if (!good)
        gw__encode_wrong(encode, type->name, event);
    return good;
}

/* A text that is a number and nothing else. It is copied: the scanner wants a byte behind it. */
static bool text_number(char *copy, struct gw__str text, struct gw__number *number)
{
    if (!text.size || text.size >= NUMBER_BYTES)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '"';
    const char *end = gw__number_scan(number, copy, copy + text.size + 1);
    return end == copy + text.size;
}

static bool text_is_true(struct gw__str text)
{
    static const char *const words[] = {"1", "t", "T", "TRUE", "true", "True"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text.size == strlen(words[i]) && memcmp(text.data, words[i], text.size) == 0)
            return true;
    return false;
}

static bool put_uuid(struct gw__encode *encode, struct gw__str text)
{
    char *out = gw__wire_take(encode->wire, 16);
    return !out || gw__uuid_parse(text, out);
}

static bool put_enum(struct gw__encode *encode, const struct gw__type *type, struct gw__str text)
{
    const struct gw__enum_value *value = gw__enum_by_name(type->enumeration, text.data, text.size);
    if (value)
        gw__thrift_put_integer(encode->wire, 4, value->number);
    return value != NULL;
}

/* "NaN", "Infinity", "-Infinity", where the rules allow them. */
static bool put_nan(struct gw__encode *encode, const struct gw__type *type, struct gw__str text)
{
    if (type->kind != GW__DOUBLE || encode->options.rules.nan != GW__NAN_STRING)
        return false;
    if (gw__str_equal(text, GW__STR("NaN")))
        gw__thrift_put_double(encode->wire, (double)NAN);
    else if (gw__str_equal(text, GW__STR("Infinity")))
        gw__thrift_put_double(encode->wire, HUGE_VAL);
    else if (gw__str_equal(text, GW__STR("-Infinity")))
        gw__thrift_put_double(encode->wire, -HUGE_VAL);
    else
        return false;
    return true;
}

static bool takes_digits(const struct gw__encode *encode, const struct gw__type *type)
{
    return type->kind == GW__I64 && (type->as_text || encode->options.rules.int64 > GW__INT64_NUMBER);
}

bool gw__encode_takes_text(const struct gw__encode *encode, const struct gw__type *type)
{
    return encode->options.lenient || type->kind == GW__ENUM || type->kind == GW__UUID || takes_digits(encode, type)
        || (type->kind == GW__DOUBLE && encode->options.rules.nan == GW__NAN_STRING);
}

bool gw__encode_scalar_text(struct gw__encode *encode, const struct gw__type *type, struct gw__str text)
{
    char copy[NUMBER_BYTES + 1];
    struct gw__number number;
    bool good = true;
    if (type->kind == GW__UUID)
        good = put_uuid(encode, text);
    else if ((type->kind == GW__ENUM && put_enum(encode, type, text)) || put_nan(encode, type, text))
        return true;
    else if (!encode->options.lenient)
        good = takes_digits(encode, type) && text_number(copy, text, &number) && put_number(encode, type, &number);
    else if (type->kind == GW__BOOL)
        gw__thrift_put_integer(encode->wire, 1, text_is_true(text));
    else if (text_number(copy, text, &number))
        good = put_number(encode, type, &number);
    else
        gw__encode_zero(encode->wire, type);
    if (!good)
        gw__encode_wrong_text(encode, type->name, text);
    return good;
}

static bool put_binary_key(struct gw__encode *encode, struct gw__str text)
{
    struct gw__base64 decoder = {.form = gw__base64_form(&encode->options.rules)};
    char *out = gw__wire_take(encode->wire, 4 + (text.size + 3) / 4 * 3);
    if (!out)
        return true;
    size_t size = gw__base64_decode(&decoder, out + 4, text.data, text.size);
    size += gw__base64_end(&decoder, out + 4 + size);
    gw__wire_set32(out, (uint32_t)size);
    encode->wire->at = out + 4 + size;
    return !decoder.bad;
}

static bool put_bool_key(struct gw__encode *encode, struct gw__str text)
{
    bool yes = text.size == 4 && memcmp(text.data, "true", 4) == 0;
    gw__thrift_put_integer(encode->wire, 1, yes);
    return yes || (text.size == 5 && memcmp(text.data, "false", 5) == 0);
}

/* Keys are as strict in both modes: a wrapped or cut one could be equal to another. */
static bool put_number_key(struct gw__encode *encode, const struct gw__type *type, struct gw__str text)
{
    char copy[NUMBER_BYTES + 1];
    struct gw__number number;
    if (put_nan(encode, type, text))
        return true;
    if (!text_number(copy, text, &number))
        return false;
    if (type->kind == GW__DOUBLE)
        return put_number(encode, type, &number);
    gw__thrift_put_integer(encode->wire, type->min_bytes, number.int64);
    return number.is_int64 && gw__encode_fits(number.int64, type->min_bytes);
}

static bool put_key(struct gw__encode *encode, const struct gw__type *type, struct gw__str text)
{
    switch (type->kind) {
    case GW__STRING: gw__thrift_put_string(encode->wire, text.data, text.size); return true;
    case GW__BINARY: return put_binary_key(encode, text);
    case GW__UUID: return put_uuid(encode, text);
    case GW__BOOL: return put_bool_key(encode, text);
    case GW__ENUM: return put_enum(encode, type, text) || put_number_key(encode, type, text);
    default: return (type->kind == GW__DOUBLE || is_integer(type)) && put_number_key(encode, type, text);
    }
}

/* The room is made first: then the key, in whatever steps it is written, lies in one segment. */
char *gw__encode_map_key(struct gw__encode *encode, const struct gw__type *type, struct gw__str text)
{
    if (!gw__wire_room(encode->wire, text.size + 16))
        return NULL;
    char *key = encode->wire->at;
    if (put_key(encode, type, text))
        return key;
    struct gw__misfit misfit = {encode->depth - 1, &text, NULL, {0}, gw__str("a key that is none"),
                                gw__encode_origin(encode)};
    char expected[128];
    snprintf(expected, sizeof expected, "a key of %.100s", type->name);
    misfit.expected = expected;
    gw__encode_misfit(encode, &misfit);
    return NULL;
}
