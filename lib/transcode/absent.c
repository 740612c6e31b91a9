/* Values that the text does not give: zero values and the defaults of the IDL. */
#include "transcode/inside.h"

void gw__encode_field(struct gw__wire *wire, const struct gw__field *field)
{
    gw__thrift_put_field(wire, field->type->thrift, field->id);
}

static uint8_t key_type(const struct gw__type *type)
{
    return type->kind == GW__MAP ? type->key->thrift : 0;
}

static void put_uuid(struct gw__wire *wire, const char *bytes)
{
    char *out = gw__wire_take(wire, 16);
    if (out)
        memcpy(out, bytes, 16);
}

void gw__encode_zero(struct gw__wire *wire, const struct gw__type *type)
{
    static const char zeroes[16];
    switch (type->kind) {
    case GW__LIST:
    case GW__SET:
    case GW__MAP: gw__thrift_put_items(wire, key_type(type), type->value->thrift, 0); break;
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: gw__thrift_put_stop(wire); break;
    case GW__UUID: put_uuid(wire, zeroes); break;
    case GW__STRING:
    case GW__BINARY: gw__thrift_put_string(wire, NULL, 0); break;
    default: gw__thrift_put_integer(wire, type->min_bytes, 0); break;
    }
}

enum { DEFAULTS_DEPTH = 16 /* of defaults inside defaults; a struct may have itself as one */ };

static bool put_value(struct gw__wire *wire, const struct gw__value *value, unsigned depth);

static bool has(const struct gw__value *value, const struct gw__field *field)
{
    for (size_t i = 0; i < value->count; i++)
        if (value->items[i]->field == field)
            return true;
    return false;
}

/* Other fields that are not given a server sets by itself, required ones it wants to see. */
static bool put_required(struct gw__wire *wire, const struct gw__value *value, unsigned depth)
{
    const struct gw__record *record = value->type->record;
    bool plain = true;
    for (uint32_t i = 0; i < record->count && depth < DEFAULTS_DEPTH && !wire->lost; i++) {
        const struct gw__field *field = &record->fields[i];
        if (field->need != GW__NEED_REQUIRED || !gw__field_fallback(field) || has(value, field))
            continue;
        gw__encode_field(wire, field);
        plain = put_value(wire, gw__field_fallback(field), depth + 1) && plain;
    }
    return plain;
}

static bool put_record(struct gw__wire *wire, const struct gw__value *value, unsigned depth)
{
    bool plain = true;
    for (size_t i = 0; i < value->count; i++) {
        gw__encode_field(wire, value->items[i]->field);
        plain = put_value(wire, value->items[i], depth) && plain;
    }
    plain = put_required(wire, value, depth) && plain;
    gw__thrift_put_stop(wire);
    return plain;
}

static bool put_items(struct gw__wire *wire, const struct gw__value *value, unsigned depth)
{
    uint8_t key = key_type(value->type);
    bool plain = !value->count || !gw__type_is_pairs(value->type);
    gw__thrift_put_items(wire, key, value->type->value->thrift, (uint32_t)(key ? value->count / 2 : value->count));
    for (size_t i = 0; i < value->count; i++)
        plain = put_value(wire, value->items[i], depth) && plain;
    return plain;
}

/* As deep as the IDL wrote it, which its parser bounds. False: a map in it has keys that Thrift's JSON can't have. */
static bool put_value(struct gw__wire *wire, const struct gw__value *value, unsigned depth)
{
    const struct gw__type *type = value->type;
    switch (type->kind) {
    case GW__LIST:
    case GW__SET:
    case GW__MAP: return put_items(wire, value, depth);
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: return put_record(wire, value, depth);
    case GW__UUID: put_uuid(wire, value->text.data); break;
    case GW__STRING:
    case GW__BINARY: gw__thrift_put_string(wire, value->text.data, value->text.size); break;
    case GW__DOUBLE: gw__thrift_put_double(wire, value->number); break;
    default: gw__thrift_put_integer(wire, type->min_bytes, value->integer); break;
    }
    return true;
}

static void add_absent(struct gw__encode *encode, const struct gw__field *field)
{
    if (!encode->options.lenient && gw__field_fallback(field)) {
        gw__encode_field(encode->wire, field);
        bool plain = put_value(encode->wire, gw__field_fallback(field), 0);
        if (!plain && encode->options.encoding == GW__ENCODING_JSON)
            gw__encode_absent(encode, field, "a value, since Thrift's JSON has no map with the keys of its default");
    } else if (!encode->options.lenient) {
        gw__encode_absent(encode, field, field->type->name);
    } else if (field->need != GW__NEED_OPTIONAL) {
        gw__encode_field(encode->wire, field);
        gw__encode_zero(encode->wire, field->type);
    }
}

static void add_absents(struct gw__encode *encode, const struct gw__record *record, const uint64_t *seen)
{
    for (uint32_t i = 0; i < record->bit_words; i++) {
        uint32_t left = record->count - i * 64;
        uint64_t all = left >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << left) - 1;
        uint64_t given = record->required_bits[i] | gw__record_fallback_bits(record)[i];
        uint64_t absent = (encode->options.lenient ? all : given) & ~seen[i];
        for (; absent; absent &= absent - 1)
            add_absent(encode, &record->fields[i * 64 + (uint32_t)__builtin_ctzll(absent)]);
    }
}

static bool is_void_result(const struct gw__encode *encode, const struct gw__record *record)
{
    return record == encode->method->arguments && encode->method->success->kind == GW__VOID;
}

/* A second one was told where it stood. */
static void check_union(struct gw__encode *encode, const struct gw__record *record, const uint64_t *seen)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < record->bit_words; i++)
        count += (unsigned)__builtin_popcountll(seen[i]);
    if (count || is_void_result(encode, record))
        return;
    struct gw__misfit misfit = {
        .depth = encode->depth - 1,
        .expected = record == encode->method->arguments ? "success or an exception"
                                                        : "exactly one of the union's fields",
        .got = gw__str("none"),
        .origin = record->origin,
    };
    gw__encode_misfit(encode, &misfit);
}

void gw__encode_end_record(struct gw__encode *encode)
{
    struct gw__encode_frame *frame = gw__encode_top(encode);
    const struct gw__record *record = frame->type->record;
    const uint64_t *seen = encode->bits.words + frame->bits;
    if (record->type.kind == GW__UNION && !encode->options.lenient)
        check_union(encode, record, seen);
    else
        add_absents(encode, record, seen);
    gw__thrift_put_stop(encode->wire);
    encode->bits.count = frame->bits;
    encode->depth--;
}
