/* What of a text does not fit its schema, told as JSON: where, what was expected, what was found, and which line of the
 * IDL says so. Only here does the pass allocate more than its output. */
#include "base/alloc.h"
#include "base/option.h"
#include "transcode/inside.h"

#include <stdio.h>

enum {
    GOT_BYTES = 60,
    POINTER_BYTES = 1000, /* of a sentence, which people read */
    ERRORS_BYTES = 64 << 10 /* what all of them may have before one more: a pointer may be as long as the body */
};

/* A key as the wire has it, as JSON has it; an enum's by number, however the text has it. */
static void add_key(struct gw__text *pointer, const struct gw__type *type, const char *key, uint8_t form)
{
    struct gw__json_out out = {.base64 = form};
    switch (type->kind) {
    case GW__STRING: gw__json_pointer_name(pointer, key + 4, gw__wire_get32(key)); return;
    case GW__BINARY: gw__json_put_base64(&out, key + 4, gw__wire_get32(key)); break;
    case GW__BOOL: gw__json_put_bool(&out, *key); break;
    case GW__I8: gw__json_put_int64(&out, (int8_t)*key); break;
    case GW__I16: gw__json_put_int64(&out, (int16_t)gw__wire_get16(key)); break;
    case GW__I32:
    case GW__ENUM: gw__json_put_int64(&out, (int32_t)gw__wire_get32(key)); break;
    case GW__I64: gw__json_put_int64(&out, (int64_t)gw__wire_get64(key)); break;
    case GW__DOUBLE: {
        uint64_t bits = gw__wire_get64(key);
        double number;
        memcpy(&number, &bits, sizeof number);
        if (number - number != 0) {
            const char *word = gw__double_word(key);
            gw__json_pointer_name(pointer, word, strlen(word));
            return;
        }
        gw__json_put_double(&out, number);
        break;
    }
    default: gw__json_put_uuid(&out, key); break;
    }
    bool quoted = type->kind == GW__BINARY || type->kind == GW__UUID;
    if (!out.lost)
        gw__json_pointer_name(pointer, out.begin + quoted, (size_t)(out.at - out.begin) - 2 * quoted);
    pointer->lost = pointer->lost || out.lost;
    gw__json_out_finish(&out);
}

static void add_step(struct gw__text *pointer, const struct gw__encode_frame *frame, uint8_t base64)
{
    if (gw__kind_is_record(frame->type->kind)) {
        struct gw__str name = frame->field ? gw__field_name(frame->field) : (struct gw__str){0};
        if (frame->field)
            gw__json_pointer_name(pointer, name.data, name.size);
    } else if (frame->type->kind != GW__MAP || frame->form) {
        if (frame->count)
            gw__json_pointer_index(pointer, frame->count - 1);
    } else if (frame->key) {
        add_key(pointer, frame->type->key, frame->key, base64);
    }
}

static void put_member(struct gw__json_out *out, const char *key, const char *text, size_t size)
{
    gw__json_put_key(out, key, strlen(key));
    gw__json_put_string(out, text, size);
}

/* The first bytes of it, cut between characters. */
static size_t shown(struct gw__str got)
{
    if (got.size <= GOT_BYTES)
        return got.size;
    size_t size = GOT_BYTES;
    while (size && ((unsigned char)got.data[size] & 0xc0) == 0x80)
        size--;
    return size;
}

bool gw__encode_is_full(const struct gw__encode *encode)
{
    return encode->error_count == GW__ENCODE_ERRORS || encode->errors.at - encode->errors.begin > ERRORS_BYTES;
}

static void set_sentence(struct gw__encode *encode, const struct gw__text *pointer, const char *expected,
                         struct gw__str got)
{
    const char *place = pointer->size > POINTER_BYTES ? "(a long pointer)" : pointer->size ? pointer->data : "the body";
    encode->first.size = 0;
    gw__text_print(&encode->first, "%s: expected %s, got %.*s", place, expected, (int)shown(got), got.data);
    encode->no_memory = encode->no_memory || encode->first.lost;
}

void gw__misfit_put(struct gw__json_out *out, const struct gw__text *pointer, const char *expected, struct gw__str got,
                    struct gw__origin origin)
{
    gw__json_put_open(out, '{');
    put_member(out, "pointer", pointer->size ? pointer->data : "", pointer->size);
    put_member(out, "expected", expected, strlen(expected));
    put_member(out, "got", got.data, shown(got));
    if (origin.file) {
        struct gw__text text = {0};
        gw__text_print(&text, "%s:%u", origin.file, (unsigned)origin.line);
        put_member(out, "idl", text.size ? text.data : "", text.size);
        out->lost = out->lost || text.lost;
        gw__text_finish(&text);
    }
    gw__json_put_close(out, '}');
}

void gw__encode_misfit(struct gw__encode *encode, const struct gw__misfit *misfit)
{
    if (gw__encode_is_full(encode))
        return;
    struct gw__text text = {0}, pointer = {0};
    struct gw__json_out *out = &encode->errors;
    for (unsigned i = 0; i < misfit->depth; i++)
        add_step(&pointer, &encode->frames[i], gw__base64_form(&encode->options.rules));
    if (misfit->name)
        gw__json_pointer_name(&pointer, misfit->name->data, misfit->name->size);
    encode->last_error = (size_t)(out->at - out->begin);
    if (encode->error_count++ == 0)
        gw__json_put_open(out, '[');
    gw__text_puts(&text, misfit->expected);
    if (misfit->nearest.data)
        gw__text_print(&text, " (nearest: %.*s)", (int)misfit->nearest.size, misfit->nearest.data);
    const char *expected = text.size ? text.data : "";
    gw__misfit_put(out, &pointer, expected, misfit->got, misfit->origin);
    if (encode->error_count == 1)
        set_sentence(encode, &pointer, expected, misfit->got);
    encode->no_memory = encode->no_memory || text.lost || pointer.lost || out->lost;
    gw__text_finish(&text);
    gw__text_finish(&pointer);
}

struct gw__origin gw__encode_origin(const struct gw__encode *encode)
{
    for (unsigned i = encode->depth; i-- > 0;) {
        const struct gw__encode_frame *frame = &encode->frames[i];
        if (gw__kind_is_record(frame->type->kind) && frame->field)
            return gw__field_origin(frame->type->record, frame->field);
    }
    return encode->method->origin;
}

void gw__encode_wrong_as(struct gw__encode *encode, const char *expected, struct gw__str got)
{
    struct gw__misfit misfit = {encode->depth, NULL, expected, {0}, got, gw__encode_origin(encode)};
    gw__encode_misfit(encode, &misfit);
}

static void wrong_quoting(struct gw__encode *encode, const char *expected, const char *before, struct gw__str quoted)
{
    char got[GOT_BYTES + 16];
    size_t size = strlen(before);
    memcpy(got, before, size);
    size_t count = shown(quoted);
    if (count)
        memcpy(got + size, quoted.data, count);
    gw__encode_wrong_as(encode, expected, (struct gw__str){got, size + count});
}

void gw__encode_wrong(struct gw__encode *encode, const char *expected, enum gw__json_event event)
{
    static const char *const names[] = {
        [GW__JSON_OBJECT] = "object", [GW__JSON_ARRAY] = "array", [GW__JSON_STRING] = "string",
        [GW__JSON_TRUE] = "true",     [GW__JSON_FALSE] = "false", [GW__JSON_NULL] = "null",
    };
    if (event == GW__JSON_NUMBER)
        wrong_quoting(encode, expected, "number ", encode->json.number.text);
    else
        gw__encode_wrong_as(encode, expected, gw__str(names[event]));
}

void gw__encode_wrong_text(struct gw__encode *encode, const char *expected, struct gw__str text)
{
    wrong_quoting(encode, expected, "string ", text);
}

void gw__encode_absent(struct gw__encode *encode, const struct gw__field *field, const char *expected)
{
    struct gw__str name = gw__field_name(field);
    struct gw__misfit misfit = {encode->depth - 1, &name, expected, {0}, gw__str("nothing"),
                                gw__field_origin(gw__encode_top(encode)->type->record, field)};
    gw__encode_misfit(encode, &misfit);
}

void gw__encode_twice(struct gw__encode *encode, const struct gw__field *field)
{
    struct gw__str name = gw__field_name(field);
    struct gw__misfit misfit = {encode->depth - 1, &name, "one value", {0}, gw__str("another one"),
                                gw__field_origin(gw__encode_top(encode)->type->record, field)};
    gw__encode_misfit(encode, &misfit);
}

void gw__encode_second(struct gw__encode *encode, const struct gw__field *field, const struct gw__field *first)
{
    char expected[128], got[GOT_BYTES + 1];
    snprintf(expected, sizeof expected, "no second field of %.100s",
             gw__encode_top(encode)->type->name);
    struct gw__str name = gw__field_name(field), other = gw__field_name(first);
    snprintf(got, sizeof got, "one besides %.*s", (int)other.size, other.data);
    struct gw__misfit misfit = {encode->depth - 1, &name, expected, {0}, gw__str(got),
                                gw__field_origin(gw__encode_top(encode)->type->record, field)};
    gw__encode_misfit(encode, &misfit);
}

/* A table of the names is made only here; without memory for it, nothing is near. */
static struct gw__str nearest_field(const struct gw__record *record, struct gw__str name)
{
    struct gw__str nearest = {0};
    char *wanted = gw__strndup(name.data, name.size);
    char **names = gw__calloc(record->count + 1, sizeof *names);
    bool good = wanted && names;
    for (uint32_t i = 0; good && i < record->count; i++) {
        struct gw__str own = gw__field_name(&record->fields[i]);
        good = (names[i] = gw__strndup(own.data, own.size)) != NULL;
    }
    const char *found = good ? gw__nearest(wanted, (const char *const *)names, record->count) : NULL;
    for (uint32_t i = 0; names && i < record->count; i++) {
        if (found && names[i] == found)
            nearest = gw__field_name(&record->fields[i]);
        gw__free(names[i]);
    }
    gw__free(names);
    gw__free(wanted);
    return nearest;
}

void gw__encode_unknown(struct gw__encode *encode, const struct gw__record *record, struct gw__str name)
{
    if (gw__encode_is_full(encode))
        return;
    char expected[128];
    bool arguments = record == encode->method->arguments && record->type.kind == GW__STRUCT;
    snprintf(expected, sizeof expected, "%s of %.100s", arguments ? "an argument" : "a field",
             arguments ? encode->method->name.data : record->type.name);
    struct gw__misfit misfit = {encode->depth - 1, &name, expected, nearest_field(record, name),
                                gw__str("an unknown name"), arguments ? encode->method->origin : record->origin};
    gw__encode_misfit(encode, &misfit);
}

/* What stands where the grammar ends, if the piece still has it. */
static const char *name_byte(const struct gw__json *json, char *name, size_t size)
{
    uint64_t at = json->error_offset - json->offset, end = (uint64_t)(json->end - json->piece);
    if (json->error != GW__JSON_SYNTAX || json->error_offset < json->offset || at >= end)
        return NULL;
    unsigned char byte = (unsigned char)json->piece[at];
    snprintf(name, size, byte > ' ' && byte < 0x7f ? "'%c'" : "the byte 0x%02x", byte);
    return name;
}

void gw__encode_syntax(struct gw__encode *encode)
{
    static const char *const kinds[] = {
        [GW__JSON_NO_ERROR] = "",
        [GW__JSON_SYNTAX] = "something else",
        [GW__JSON_CUT_OFF] = "the end of the text",
        [GW__JSON_BAD_UTF8] = "bytes that are no UTF-8",
        [GW__JSON_TOO_DEEP] = "nesting too deep",
        [GW__JSON_TOO_LONG] = "a text too long",
        [GW__JSON_NO_MEMORY] = "",
    };
    if (encode->json.error == GW__JSON_NO_MEMORY)
        encode->no_memory = true;
    if (gw__encode_is_full(encode)) { /* this one is told at any rate */
        encode->error_count--;
        encode->errors.comma = encode->error_count > 0;
        encode->errors.at = encode->errors.begin + encode->last_error;
    }
    char got[80], byte[20], levels[40];
    const char *named = name_byte(&encode->json, byte, sizeof byte);
    int size = snprintf(got, sizeof got, "%s at byte %llu", named ? named : kinds[encode->json.error],
                        (unsigned long long)encode->json.error_offset);
    bool deep = encode->json.error == GW__JSON_TOO_DEEP;
    snprintf(levels, sizeof levels, "at most %u levels", encode->json.depth_limit);
    struct gw__misfit misfit = {.depth = encode->depth, .expected = deep ? levels : encode->json.expected,
                                .got = {got, (size_t)size}};
    gw__encode_misfit(encode, &misfit);
}
