/* Values of Thrift's JSON protocol: {"1":{"i32":5}} is a struct, ["i32",2,5,6] a list or set, ["str","i32",1,{"k":5}] a
 * map. Each value has its type in front. Numbers are quoted as keys of maps; a double may be at other places, too. A
 * double that is no number is a word, quoted or not. */
#include "base/uuid.h"
#include "wire/to_binary.h"

enum {
    AT_VALUE = GW__TO_BINARY_BEGIN,
    AT_FIELD, /* its id, or the end of the struct */
    AT_FIELD_OPEN,
    AT_FIELD_KEY,
    AT_FIELD_END,
    AT_KEY_TYPE,
    AT_VALUE_TYPE,
    AT_COUNT,
    AT_MAP_OPEN,
    AT_ITEM, /* or the end of the list */
    AT_PAIR, /* or the end of the map */
    AT_MAP_END,
    AT_STRING, /* from here on no event comes next, but what it began */
    AT_ID_TEXT,
    AT_FIELD_TYPE_TEXT,
    AT_KEY_TYPE_TEXT,
    AT_VALUE_TYPE_TEXT,
    AT_SCALAR_TEXT,
    AT_BRACKET,
};

enum { NUMBER_BYTES = 400 };

static const struct {
    char name[4];
    uint8_t type;
} names[] = {
    {"tf", GW__THRIFT_BOOL},    {"i8", GW__THRIFT_I8},      {"i16", GW__THRIFT_I16}, {"i32", GW__THRIFT_I32},
    {"i64", GW__THRIFT_I64},    {"dbl", GW__THRIFT_DOUBLE}, {"str", GW__THRIFT_STRING}, {"rec", GW__THRIFT_STRUCT},
    {"lst", GW__THRIFT_LIST},   {"set", GW__THRIFT_SET},    {"map", GW__THRIFT_MAP}, {"uid", GW__THRIFT_UUID},
};

static bool bad(struct gw__to_binary *pass)
{
    return gw__to_binary_bad(pass, "it is not of the form of Thrift's JSON");
}

static uint8_t type_named(struct gw__str name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.size == strlen(names[i].name) && memcmp(name.data, names[i].name, name.size) == 0)
            return names[i].type;
    return 0;
}

/* ---- values */

static void end_value(struct gw__to_binary *pass)
{
    if (!pass->depth) {
        pass->step = pass->in_message ? AT_BRACKET : GW__TO_BINARY_END;
        return;
    }
    struct gw__to_binary_frame *frame = &pass->frames[pass->depth - 1];
    if (!frame->types[0]) {
        pass->step = AT_FIELD_END;
    } else if (frame->second) {
        frame->second = false;
        pass->type = frame->types[1];
        pass->step = AT_VALUE;
    } else {
        pass->step = frame->map ? AT_PAIR : AT_ITEM;
    }
}

static void put_double(struct gw__to_binary_out *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    gw__wire_set64(gw__to_binary_take(out, 8), bits);
}

/* As Thrift's libraries write them, and as Python does. */
static bool put_word(struct gw__to_binary_out *out, struct gw__str text)
{
    bool minus = text.size && *text.data == '-';
    struct gw__str word = {text.data + minus, text.size - minus};
    if (!minus && (gw__str_equal(word, GW__STR("NaN")) || gw__str_equal(word, GW__STR("nan"))))
        put_double(out, __builtin_nan(""));
    else if (gw__str_equal(word, GW__STR("Infinity")) || gw__str_equal(word, GW__STR("inf")))
        put_double(out, minus ? -__builtin_inf() : __builtin_inf());
    else
        return false;
    return true;
}

static bool put_number(struct gw__to_binary *pass, struct gw__to_binary_out *out, const struct gw__number *number)
{
    if (pass->type == GW__THRIFT_DOUBLE) {
        double value = gw__number_double(number);
        put_double(out, value);
        return value - value == 0 || bad(pass);
    }
    static const uint8_t bits[] = {
        [GW__THRIFT_BOOL] = 1, [GW__THRIFT_I8] = 8,   [GW__THRIFT_I16] = 16,
        [GW__THRIFT_I32] = 32, [GW__THRIFT_I64] = 64,
    };
    unsigned size = pass->type < sizeof bits ? bits[pass->type] : 0, unused = 64 - size;
    if (!size || !number->is_int64)
        return bad(pass);
    int64_t value = number->int64;
    gw__to_binary_put_integer(out, pass->type, value);
    bool fits = size == 1 ? value == 0 || value == 1 : (int64_t)((uint64_t)value << unused) >> unused == value;
    return fits || bad(pass);
}

static bool begin_items(struct gw__to_binary *pass, bool map)
{
    pass->map = map;
    pass->key = 0;
    pass->step = map ? AT_KEY_TYPE : AT_VALUE_TYPE;
    return true;
}

static bool take_value(struct gw__to_binary *pass, struct gw__to_binary_out *out, enum gw__json_event event)
{
    uint8_t type = pass->type;
    if (event == GW__JSON_NUMBER) {
        bool good = put_number(pass, out, &pass->json.number);
        end_value(pass);
        return good;
    }
    if (event == GW__JSON_WORD) {
        bool good = type == GW__THRIFT_DOUBLE &&
                    put_word(out, (struct gw__str){pass->json.gathered.data, pass->json.gathered.size});
        end_value(pass);
        return good || bad(pass);
    }
    if (event == GW__JSON_STRING) {
        pass->step = type == GW__THRIFT_STRING ? AT_STRING : AT_SCALAR_TEXT;
        return type == GW__THRIFT_STRING || type == GW__THRIFT_DOUBLE || type == GW__THRIFT_UUID || bad(pass);
    }
    if (event == GW__JSON_OBJECT && type == GW__THRIFT_STRUCT) {
        pass->step = AT_FIELD;
        return gw__to_binary_begin_struct(pass);
    }
    bool items = type == GW__THRIFT_LIST || type == GW__THRIFT_SET || type == GW__THRIFT_MAP;
    return event == GW__JSON_ARRAY && items ? begin_items(pass, type == GW__THRIFT_MAP) : bad(pass);
}

/* ---- what stands as a string */

/* A number, or a double that is none, or a UUID. */
static bool take_scalar_text(struct gw__to_binary *pass, struct gw__to_binary_out *out, struct gw__str text)
{
    char copy[NUMBER_BYTES + 1];
    struct gw__number number;
    bool good = true;
    if (pass->type == GW__THRIFT_UUID) {
        good = gw__uuid_parse(text, gw__to_binary_take(out, 16)) || bad(pass);
    } else if (pass->type == GW__THRIFT_DOUBLE && put_word(out, text)) {
        good = true;
    } else if (text.size < NUMBER_BYTES && text.size) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = '"'; /* the scanner wants a byte behind the number */
        good = gw__number_scan(&number, copy, copy + text.size + 1) == copy + text.size ? put_number(pass, out, &number)
                                                                                        : bad(pass);
    } else {
        good = bad(pass);
    }
    end_value(pass);
    return good;
}

static bool take_id(struct gw__to_binary *pass, struct gw__str text)
{
    char copy[8];
    struct gw__number number;
    if (!text.size || text.size >= sizeof copy)
        return bad(pass);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '"';
    if (gw__number_scan(&number, copy, copy + text.size + 1) != copy + text.size || !number.is_int64
        || number.int64 < INT16_MIN || number.int64 > INT16_MAX)
        return bad(pass);
    pass->frames[pass->depth - 1].id = (int16_t)number.int64;
    pass->step = AT_FIELD_OPEN;
    return true;
}

static bool take_text(struct gw__to_binary *pass, struct gw__to_binary_out *out, struct gw__str text)
{
    uint8_t type;
    switch (pass->step) {
    case AT_ID_TEXT: return take_id(pass, text);
    case AT_SCALAR_TEXT: return take_scalar_text(pass, out, text);
    default: type = type_named(text); break;
    }
    if (!type)
        return bad(pass);
    if (pass->step == AT_FIELD_TYPE_TEXT) {
        gw__to_binary_put_field(out, type, pass->frames[pass->depth - 1].id);
        pass->type = type;
        pass->step = AT_VALUE;
    } else if (pass->step == AT_KEY_TYPE_TEXT) {
        pass->key = type;
        pass->step = AT_VALUE_TYPE;
    } else {
        pass->value = type;
        pass->step = AT_COUNT;
    }
    return true;
}

/* In chunks, as it comes. */
static enum gw__json_event copy_string(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    enum gw__json_event event;
    do {
        char *length = gw__to_binary_take(out, 4), *at = length + 4;
        event = gw__json_copy(&pass->json, &at, out->bytes + sizeof out->bytes);
        uint32_t size = (uint32_t)(at - length - 4);
        out->size += size;
        gw__wire_set32(length, event == GW__JSON_DONE ? size : size | GW__THRIFT_CHUNK);
        if (event != GW__JSON_DONE && !size)
            out->size -= 4;
        if (event == GW__JSON_FULL)
            gw__to_binary_flush(out);
    } while (event == GW__JSON_FULL);
    if (event == GW__JSON_DONE)
        end_value(pass);
    return event;
}

/* ---- containers */

static bool take_count(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    const struct gw__number *count = &pass->json.number;
    if (!count->is_int64 || count->int64 < 0)
        return bad(pass);
    if (pass->map && count->int64 && pass->key >= GW__THRIFT_STRUCT && pass->key <= GW__THRIFT_LIST)
        return gw__to_binary_bad(pass, "a map has keys that JSON can't have");
    pass->step = pass->map ? AT_MAP_OPEN : AT_ITEM;
    if (!gw__to_binary_begin_items(pass, out, (uint64_t)count->int64))
        return false;
    pass->frames[pass->depth - 1].map = pass->map;
    return true;
}

static bool pop(struct gw__to_binary *pass)
{
    bool good = !pass->frames[--pass->depth].left;
    end_value(pass);
    return good || gw__to_binary_bad(pass, "a container holds less than its count");
}

/* One value of the container on top begins. */
static bool count_down(struct gw__to_binary *pass)
{
    struct gw__to_binary_frame *frame = &pass->frames[pass->depth - 1];
    if (!frame->left)
        return gw__to_binary_bad(pass, "a container holds more than its count");
    frame->left -= frame->map ? 2 : 1;
    pass->type = frame->types[0];
    return true;
}

static bool take_item(struct gw__to_binary *pass, struct gw__to_binary_out *out, enum gw__json_event event)
{
    if (event == GW__JSON_ARRAY_END)
        return pop(pass);
    return count_down(pass) && take_value(pass, out, event);
}

static bool take_pair(struct gw__to_binary *pass, enum gw__json_event event)
{
    if (event == GW__JSON_OBJECT_END) {
        pass->step = AT_MAP_END;
        return true;
    }
    if (!count_down(pass))
        return false;
    pass->frames[pass->depth - 1].second = true;
    pass->step = pass->type == GW__THRIFT_STRING ? AT_STRING : AT_SCALAR_TEXT;
    return true;
}

/* ---- the pass */

static bool take_field(struct gw__to_binary *pass, struct gw__to_binary_out *out, enum gw__json_event event)
{
    if (event == GW__JSON_KEY) {
        pass->step = AT_ID_TEXT;
        return true;
    }
    *gw__to_binary_take(out, 1) = GW__THRIFT_STOP;
    pass->depth--;
    end_value(pass);
    return true;
}

/* The one event that a step is about. */
static bool expect(struct gw__to_binary *pass, enum gw__json_event event, enum gw__json_event wanted, uint8_t step)
{
    pass->step = step;
    return event == wanted || bad(pass);
}

static bool take_event(struct gw__to_binary *pass, struct gw__to_binary_out *out, enum gw__json_event event)
{
    switch (pass->step) {
    case AT_FIELD: return take_field(pass, out, event);
    case AT_FIELD_OPEN: return expect(pass, event, GW__JSON_OBJECT, AT_FIELD_KEY);
    case AT_FIELD_KEY: return expect(pass, event, GW__JSON_KEY, AT_FIELD_TYPE_TEXT);
    case AT_FIELD_END: return expect(pass, event, GW__JSON_OBJECT_END, AT_FIELD);
    case AT_KEY_TYPE: return expect(pass, event, GW__JSON_STRING, AT_KEY_TYPE_TEXT);
    case AT_VALUE_TYPE: return expect(pass, event, GW__JSON_STRING, AT_VALUE_TYPE_TEXT);
    case AT_COUNT: return expect(pass, event, GW__JSON_NUMBER, AT_COUNT) && take_count(pass, out);
    case AT_MAP_OPEN: return expect(pass, event, GW__JSON_OBJECT, AT_PAIR);
    case AT_ITEM: return take_item(pass, out, event);
    case AT_PAIR: return take_pair(pass, event);
    case AT_MAP_END: return expect(pass, event, GW__JSON_ARRAY_END, AT_MAP_END) && pop(pass);
    default: return take_value(pass, out, event);
    }
}

static enum gw__wire_status take_bracket(struct gw__to_binary *pass)
{
    struct gw__json *json = &pass->json;
    while (json->at < json->end && (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
    if (json->at == json->end)
        return GW__WIRE_MORE;
    pass->step = GW__TO_BINARY_END;
    return *json->at++ == ']' || bad(pass) ? GW__WIRE_DONE : GW__WIRE_BAD;
}

enum gw__wire_status gw__from_json_step(struct gw__to_binary *pass, struct gw__to_binary_out *out)
{
    struct gw__str text;
    enum gw__json_event event;
    bool good = true, is_text = pass->step > AT_STRING;
    if (pass->step == AT_BRACKET)
        return take_bracket(pass);
    if (pass->step == AT_STRING)
        event = copy_string(pass, out);
    else if (is_text)
        event = gw__json_text(&pass->json, &text);
    else
        event = gw__json_next(&pass->json);
    if (event == GW__JSON_MORE)
        return GW__WIRE_MORE;
    if (event == GW__JSON_ERROR) {
        pass->no_memory = pass->json.error == GW__JSON_NO_MEMORY;
        good = gw__to_binary_bad(pass, pass->no_memory ? "out of memory" : "it is no JSON");
    } else if (is_text) {
        good = take_text(pass, out, text);
    } else if (event != GW__JSON_DONE) {
        good = take_event(pass, out, event);
    }
    return good ? GW__WIRE_DONE : GW__WIRE_BAD;
}
