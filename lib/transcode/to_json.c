/* Thrift's JSON protocol: each value with its type in front, numbers quoted as keys of maps. */
#include "base/base64.h"
#include "json/print.h"
#include "transcode/from_binary.h"

#include <stdio.h>

enum { SCALAR_BYTES = 64, PIECE_BYTES = 768 /* of what becomes base64, a multiple of three */ };

static const char *name_of(const struct gw__type *type)
{
    static const char names[][4] = {
        [GW__THRIFT_BOOL] = "tf",    [GW__THRIFT_I8] = "i8",      [GW__THRIFT_I16] = "i16",    [GW__THRIFT_I32] = "i32",
        [GW__THRIFT_I64] = "i64",    [GW__THRIFT_DOUBLE] = "dbl", [GW__THRIFT_STRING] = "str",
        [GW__THRIFT_STRUCT] = "rec", [GW__THRIFT_MAP] = "map",    [GW__THRIFT_SET] = "set",
        [GW__THRIFT_LIST] = "lst",   [GW__THRIFT_UUID] = "uid",
    };
    return names[type->thrift];
}

static void put(struct gw__from_binary *pass, const char *text, size_t size)
{
    char *out = gw__wire_take(pass->wire, size);
    if (out)
        memcpy(out, text, size);
}

static void put_char(struct gw__from_binary *pass, char c)
{
    put(pass, &c, 1);
}

/* In front of a value or key. */
static void separate(struct gw__from_binary *pass)
{
    if (pass->comma)
        put_char(pass, ',');
    pass->comma = false;
}

static void end_value(struct gw__from_binary *pass)
{
    if (pass->is_key)
        put_char(pass, ':');
    pass->comma = !pass->is_key;
}

/* ---- records and containers */

static void begin_record(struct gw__from_binary *pass)
{
    separate(pass);
    put_char(pass, '{');
}

static void begin_field(struct gw__from_binary *pass, const struct gw__type *type)
{
    char text[SCALAR_BYTES];
    separate(pass);
    put(pass, text, (size_t)snprintf(text, sizeof text, "\"%d\":{\"%s\":", pass->id, name_of(type)));
}

static void end_field(struct gw__from_binary *pass)
{
    put_char(pass, '}');
}

static void end_record(struct gw__from_binary *pass)
{
    put_char(pass, '}');
    pass->comma = true;
}

static void begin_items(struct gw__from_binary *pass, const struct gw__type *type, uint32_t count)
{
    char text[SCALAR_BYTES];
    bool map = type->kind == GW__MAP;
    int size;
    separate(pass);
    if (map)
        size = snprintf(text, sizeof text, "[\"%s\",\"%s\",%u,{", name_of(type->key), name_of(type->value), count);
    else
        size = snprintf(text, sizeof text, "[\"%s\",%u", name_of(type->value), count);
    put(pass, text, (size_t)size);
    pass->comma = !map;
}

static void end_items(struct gw__from_binary *pass, const struct gw__type *type)
{
    bool map = type->kind == GW__MAP;
    put(pass, map ? "}]" : "]", 1 + map);
    pass->comma = true;
}

/* ---- scalars */

/* 17 digits, as Apache's libraries; whatever stands for the point in the locale of the process. */
static char *print_double(char *out, double value)
{
    char text[40];
    int size = snprintf(text, sizeof text, "%.17g", value);
    bool point = false;
    for (int i = 0; i < size; i++) {
        bool usual = (text[i] >= '0' && text[i] <= '9') || strchr("+-e", text[i]);
        if (usual)
            *out++ = text[i];
        else if (!point)
            *out++ = '.';
        point = point || !usual;
    }
    return out;
}

static char *print_word(char *out, const char *word)
{
    size_t size = strlen(word);
    return (char *)memcpy(out, word, size) + size;
}

static char *print_uuid(char *out, const char *bytes)
{
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = "0123456789abcdef"[(uint8_t)bytes[i] >> 4];
        *out++ = "0123456789abcdef"[bytes[i] & 15];
    }
    return out;
}

/* *quoted: it has quotes wherever it stands. */
static char *print_scalar(char *out, const struct gw__type *type, const char *bytes, bool *quoted)
{
    uint64_t bits;
    double number;
    switch (type->kind) {
    case GW__BOOL: *out = (char)('0' + (*bytes == 1)); return out + 1;
    case GW__I8: return gw__print_i64(out, (int8_t)*bytes);
    case GW__I16: return gw__print_i64(out, (int16_t)gw__wire_get16(bytes));
    case GW__I32:
    case GW__ENUM: return gw__print_i64(out, (int32_t)gw__wire_get32(bytes));
    case GW__I64: return gw__print_i64(out, (int64_t)gw__wire_get64(bytes));
    case GW__UUID: *quoted = true; return print_uuid(out, bytes);
    default:
        bits = gw__wire_get64(bytes);
        memcpy(&number, &bits, sizeof number);
        *quoted = number - number != 0;
        if (!*quoted)
            return print_double(out, number);
        return print_word(out, number != number ? "NaN" : number < 0 ? "-Infinity" : "Infinity");
    }
}

static void put_scalar(struct gw__from_binary *pass, const struct gw__type *type, const char *bytes)
{
    char text[SCALAR_BYTES];
    bool quoted = false;
    char *end = print_scalar(text, type, bytes, &quoted);
    quoted = quoted || pass->is_key;
    separate(pass);
    if (quoted)
        put_char(pass, '"');
    put(pass, text, (size_t)(end - text));
    if (quoted)
        put_char(pass, '"');
    end_value(pass);
}

/* ---- strings */

static void begin_string(struct gw__from_binary *pass, const struct gw__type *type, uint32_t size)
{
    (void)type;
    (void)size;
    separate(pass);
    put_char(pass, '"');
    pass->rest_size = 0;
}

static void put_escaped(struct gw__from_binary *pass, const char *text, size_t size)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};
    enum { ESCAPE_BYTES = 6 };
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!gw__wire_room(pass->wire, ESCAPE_BYTES + 1))
            return;
        char letter = c < sizeof letters ? letters[c] : '\0';
        if (letter) {
            *pass->wire->at++ = '\\';
            *pass->wire->at++ = letter;
        } else if (c < 0x20) {
            pass->wire->at += snprintf(pass->wire->at, ESCAPE_BYTES + 1, "\\u%04x", c);
        } else {
            *pass->wire->at++ = (char)c;
        }
    }
}

static void put_base64(struct gw__from_binary *pass, const char *bytes, size_t size)
{
    char *out = gw__wire_take(pass->wire, (size + 2) / 3 * 4);
    if (out)
        gw__base64_encode(out, bytes, size, GW__BASE64_PADDED);
}

/* In groups of three: what is short of one is held. */
static void put_bytes(struct gw__from_binary *pass, const char *bytes, size_t size)
{
    while (size && (pass->rest_size || size < sizeof pass->rest)) {
        pass->rest[pass->rest_size++] = *bytes++;
        size--;
        if (pass->rest_size == sizeof pass->rest) {
            put_base64(pass, pass->rest, sizeof pass->rest);
            pass->rest_size = 0;
        }
    }
    while (size >= sizeof pass->rest) {
        size_t count = size < PIECE_BYTES ? size / 3 * 3 : PIECE_BYTES;
        put_base64(pass, bytes, count);
        bytes += count;
        size -= count;
    }
    memcpy(pass->rest + pass->rest_size, bytes, size);
    pass->rest_size = (uint8_t)(pass->rest_size + size);
}

static void put_piece(struct gw__from_binary *pass, const struct gw__type *type, const char *bytes, size_t size)
{
    if (type->kind == GW__BINARY)
        put_bytes(pass, bytes, size);
    else
        put_escaped(pass, bytes, size);
}

static void end_string(struct gw__from_binary *pass, const struct gw__type *type)
{
    if (type->kind == GW__BINARY)
        put_base64(pass, pass->rest, pass->rest_size);
    put_char(pass, '"');
    end_value(pass);
}

const struct gw__encoding_writer gw__json_writer = {
    .begin_record = begin_record,
    .begin_field = begin_field,
    .end_field = end_field,
    .end_record = end_record,
    .begin_items = begin_items,
    .end_items = end_items,
    .scalar = put_scalar,
    .begin_string = begin_string,
    .string_piece = put_piece,
    .end_string = end_string,
};
