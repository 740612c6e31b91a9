/* The pass from Thrift to JSON. Frames say what comes next; a step takes the bytes it needs at once or waits for them.
 * Every step takes a byte or ends a container that took some, so that a count costs nothing that was not sent. */
#include "transcode/inside.h"

#include <stdio.h>

enum { AT_NEXT, AT_FIELD, AT_ID, AT_VALUE, AT_STRING, AT_SKIPPED, AT_END };

static void init(struct gw__decode *decode, const struct gw__type *type, const struct gw__decode_options *options,
                 struct gw__json_out *out)
{
    memset(decode, 0, offsetof(struct gw__decode, bits));
    memset(&decode->in, 0, sizeof decode->in);
    gw__bits_init(&decode->bits);
    decode->out = out;
    if (options)
        decode->options = *options;
    out->base64 = gw__base64_form(&decode->options.rules);
    decode->step = AT_VALUE;
    decode->type = type;
    decode->in.chunked = decode->options.encoding == GW__ENCODING_JSON;
    if (!gw__encoding_is_binary(decode->options.encoding))
        gw__to_binary_init(&decode->to_binary, decode->options.encoding, type->thrift, decode->options.in_message);
}

void gw__decode_init_result(struct gw__decode *decode, const struct gw__record *result,
                            const struct gw__decode_options *options, struct gw__json_out *out)
{
    init(decode, &result->type, options, out);
    decode->is_result = true;
}

void gw__decode_init_value(struct gw__decode *decode, const struct gw__type *type,
                           const struct gw__decode_options *options, struct gw__json_out *out)
{
    init(decode, type, options, out);
}

void gw__decode_finish(struct gw__decode *decode)
{
    gw__bits_finish(&decode->bits);
    if (!gw__encoding_is_binary(decode->options.encoding))
        gw__to_binary_finish(&decode->to_binary);
}

static bool bad(struct gw__decode *decode, const char *why)
{
    decode->why = why;
    return false;
}

/* got: NULL is what `why` says. */
static bool unfit(struct gw__decode *decode, const char *why, const char *expected, const char *got)
{
    decode->expected = expected;
    snprintf(decode->got, sizeof decode->got, "%s", got ? got : "");
    return bad(decode, why);
}

/* ---- frames */

static bool push(struct gw__decode *decode, uint64_t left)
{
    if (decode->depth == GW__DECODE_DEPTH)
        return unfit(decode, "nesting is too deep", GW__DEEP, "one more");
    decode->frames[decode->depth++] = (struct gw__decode_frame){
        .type = decode->type, .left = left, .bits = (uint32_t)decode->bits.count};
    decode->step = AT_NEXT;
    return true;
}

static bool push_bits(struct gw__decode *decode, uint32_t count)
{
    if (gw__bits_push(&decode->bits, count))
        return true;
    decode->no_memory = true;
    return bad(decode, "out of memory");
}

/* The frame of a result shows nothing of itself. */
static bool is_shown(const struct gw__decode *decode)
{
    return !decode->is_result || decode->depth > 1;
}

static bool begin_record(struct gw__decode *decode)
{
    if (!push(decode, 0) || !push_bits(decode, decode->type->record->bit_words))
        return false;
    if (is_shown(decode))
        gw__json_put_open(decode->out, '{');
    return true;
}

/* A field that is not known here stands for what a newer server has put there. */
static bool check_union(struct gw__decode *decode, const struct gw__decode_frame *frame)
{
    static const char one_field[] = "exactly one of the union's fields";
    unsigned count = 0;
    for (uint32_t i = 0; i < frame->type->record->bit_words; i++)
        count += (unsigned)__builtin_popcountll(decode->bits.words[frame->bits + i]);
    if (count > 1)
        return unfit(decode, "a union has more than one field", one_field, "more than one");
    return count == 1 || frame->passed || unfit(decode, "a union has no field", one_field, "none");
}

static bool lacks(struct gw__decode *decode, const struct gw__field *field)
{
    decode->absent = field;
    return unfit(decode, "a required field is missing", field->type->name, "nothing");
}

static bool end_record(struct gw__decode *decode)
{
    struct gw__decode_frame *frame = &decode->frames[decode->depth - 1];
    const struct gw__record *record = frame->type->record;
    for (uint32_t i = 0; i < record->bit_words && is_shown(decode); i++) {
        uint64_t missing = record->required_bits[i] & ~decode->bits.words[frame->bits + i];
        if (missing)
            return lacks(decode, &record->fields[i * 64 + (uint32_t)__builtin_ctzll(missing)]);
    }
    if (record->type.kind == GW__UNION && !decode->options.lenient && !check_union(decode, frame))
        return false;
    if (is_shown(decode))
        gw__json_put_close(decode->out, '}');
    else if (!decode->outcome && !decode->options.any && gw__record_by_id(record, 0))
        return unfit(decode, "the result is missing", gw__record_by_id(record, 0)->type->name, "nothing");
    decode->bits.count = frame->bits;
    decode->depth--;
    decode->step = AT_NEXT;
    return true;
}

/* ---- fields */

static bool take_field(struct gw__decode *decode, const char *bytes)
{
    decode->wire_type = (uint8_t)*bytes;
    if (!decode->wire_type)
        return end_record(decode);
    decode->step = AT_ID;
    if (gw__thrift_is_type(decode->wire_type))
        return true;
    char got[GW__DECODE_GOT_BYTES];
    snprintf(got, sizeof got, "type %u, which is none", decode->wire_type);
    return unfit(decode, "a field has no type", "a field", got);
}

static bool see(struct gw__decode *decode, const struct gw__field *field)
{
    struct gw__decode_frame *frame = &decode->frames[decode->depth - 1];
    uint64_t *word = &decode->bits.words[frame->bits + field->index / 64], bit = (uint64_t)1 << field->index % 64;
    if (*word & bit)
        return unfit(decode, "a field is given twice", "one value", "another one");
    *word |= bit;
    return true;
}

static bool take_id(struct gw__decode *decode, const char *bytes)
{
    const struct gw__record *record = decode->frames[decode->depth - 1].type->record;
    const struct gw__field *field = gw__record_by_id(record, (int16_t)gw__wire_get16(bytes));
    if (!field || field->type->thrift != decode->wire_type) {
        gw__thrift_skip_init(&decode->skip, decode->wire_type);
        decode->frames[decode->depth - 1].passed = true;
        decode->step = AT_SKIPPED;
        return true;
    }
    decode->step = AT_VALUE;
    decode->type = field->type;
    if (is_shown(decode)) {
        gw__json_put_raw_key(decode->out, field->key, field->key_size);
        return see(decode, field);
    }
    if (decode->outcome)
        return unfit(decode, "more than one result", "one result", "another one");
    decode->outcome = field;
    return true;
}

/* ---- values */

static const struct gw__enum_value *enum_value(const struct gw__decode *decode, const char *bytes)
{
    if (decode->type->kind != GW__ENUM || !decode->options.enum_names)
        return NULL;
    return gw__enum_by_number(decode->type->enumeration, (int32_t)gw__wire_get32(bytes));
}

/* The word for a double that no JSON number is, where one is to stand; else NULL. A key can't be null. */
static const char *word_of(const struct gw__decode *decode, const char *bytes)
{
    if (decode->type->kind != GW__DOUBLE || gw__double_is_finite(bytes))
        return NULL;
    if (decode->options.rules.nan != GW__NAN_STRING && !decode->is_key)
        return NULL;
    return gw__double_word(bytes);
}

static bool is_digits(const struct gw__decode *decode, const char *bytes)
{
    return decode->type->kind == GW__I64 && gw__decode_is_text(decode, decode->type, (int64_t)gw__wire_get64(bytes));
}

static void put_fixed(struct gw__decode *decode, const char *bytes)
{
    const struct gw__enum_value *value = enum_value(decode, bytes);
    const char *word = word_of(decode, bytes);
    char digits[GW__DECODE_SCALAR_BYTES];
    if (decode->type->kind == GW__UUID) {
        gw__json_put_uuid(decode->out, bytes);
    } else if (value) {
        gw__json_put_string(decode->out, value->name.data, value->name.size);
    } else if (word) {
        gw__json_put_string(decode->out, word, strlen(word));
    } else if (is_digits(decode, bytes)) {
        char *end = gw__decode_print_scalar(decode->type, bytes, digits);
        gw__json_put_string(decode->out, digits, (size_t)(end - digits));
    } else {
        gw__json_put_comma(decode->out);
        decode->out->comma = true;
        if (gw__json_out_room(decode->out, GW__DECODE_SCALAR_BYTES))
            decode->out->at = gw__decode_print_scalar(decode->type, bytes, decode->out->at);
    }
}

/* Words, digits as text and UUIDs have quotes of their own. */
static bool quotes_itself(const struct gw__decode *decode, const char *bytes)
{
    return decode->type->kind == GW__UUID || enum_value(decode, bytes) || word_of(decode, bytes)
        || is_digits(decode, bytes);
}

static bool take_fixed(struct gw__decode *decode, const char *bytes)
{
    decode->step = AT_NEXT;
    if (decode->type->kind == GW__DOUBLE && decode->options.rules.nan == GW__NAN_REFUSE && !gw__double_is_finite(bytes))
        return unfit(decode, "a double is not finite", "a finite double", gw__double_word(bytes));
    if (!decode->is_key) {
        put_fixed(decode, bytes);
    } else if (quotes_itself(decode, bytes)) {
        put_fixed(decode, bytes);
        gw__json_put_colon(decode->out);
    } else {
        gw__json_put_key_open(decode->out);
        put_fixed(decode, bytes);
        gw__json_put_key_close(decode->out);
    }
    return true;
}

void gw__decode_put_text(struct gw__json_out *out, const struct gw__type *type, const char *text, size_t size)
{
    if (type->kind == GW__BINARY)
        gw__json_put_base64(out, text, size);
    else
        gw__json_put_string(out, text, size);
}

/* In JSON bytes are base64, which becomes the one that is wanted. */
static bool is_base64(const struct gw__decode *decode)
{
    return decode->in.chunked && decode->type->kind == GW__BINARY;
}

static void put_base64(struct gw__decode *decode, const char *text, size_t size)
{
    char bytes[1024 + 4];
    for (size_t count; size; text += count, size -= count) {
        count = size < 1024 ? size : 1024;
        size_t decoded = gw__base64_decode(&decode->base64, bytes, text, count);
        gw__json_put_base64_piece(decode->out, bytes, decoded);
    }
}

static bool end_base64(struct gw__decode *decode)
{
    char bytes[2];
    gw__json_put_base64_piece(decode->out, bytes, gw__base64_end(&decode->base64, bytes));
    return !decode->base64.bad || unfit(decode, "a binary is no base64", decode->type->name, "a string");
}

static bool take_length(struct gw__decode *decode, const char *bytes)
{
    bool begun = decode->chunk;
    if (!gw__thrift_in_length(&decode->in, bytes, &decode->bytes, &decode->chunk))
        return unfit(decode, "a string has a negative length", decode->type->name, "a negative length");
    bool plain = !begun && !decode->chunk && !is_base64(decode);
    if (plain && (size_t)(decode->in.end - decode->in.at) >= decode->bytes) {
        const char *text = decode->in.at;
        decode->in.at += decode->bytes;
        decode->step = AT_NEXT;
        gw__decode_put_text(decode->out, decode->type, text, decode->bytes);
        if (decode->is_key)
            gw__json_put_colon(decode->out);
    } else {
        decode->step = AT_STRING;
        if (!begun) {
            decode->base64 = (struct gw__base64){.form = GW__BASE64_BARE};
            gw__json_put_string_begin(decode->out);
        }
    }
    return true;
}

static enum gw__wire_status take_string(struct gw__decode *decode)
{
    size_t left = (size_t)(decode->in.end - decode->in.at), size = decode->bytes < left ? decode->bytes : left;
    bool binary = decode->type->kind == GW__BINARY;
    if (is_base64(decode))
        put_base64(decode, decode->in.at, size);
    else if (binary)
        gw__json_put_base64_piece(decode->out, decode->in.at, size);
    else
        gw__json_put_string_piece(decode->out, decode->in.at, size);
    decode->in.at += size;
    decode->bytes -= (uint32_t)size;
    if (decode->bytes)
        return GW__WIRE_MORE;
    if (decode->chunk) {
        decode->step = AT_VALUE;
        return GW__WIRE_DONE;
    }
    if (is_base64(decode) && !end_base64(decode))
        return GW__WIRE_BAD;
    if (binary)
        gw__json_put_base64_end(decode->out);
    else
        gw__json_put_string_end(decode->out);
    if (decode->is_key)
        gw__json_put_colon(decode->out);
    decode->step = AT_NEXT;
    return GW__WIRE_DONE;
}

/* Of an empty container the types may be anything. */
static bool begin_items(struct gw__decode *decode, const char *bytes)
{
    const struct gw__type *type = decode->type;
    bool map = type->kind == GW__MAP;
    uint64_t count = gw__wire_get32(bytes + 1 + map);
    if (count > INT32_MAX)
        return unfit(decode, "a container has a negative size", type->name, "a negative size");
    if (count && ((map && (uint8_t)*bytes != type->key->thrift) || (uint8_t)bytes[map] != type->value->thrift))
        return unfit(decode, "a container holds another type", type->name, "one of other types");
    if (!push(decode, map ? 2 * count : count))
        return false;
    gw__json_put_open(decode->out, map && !gw__type_is_pairs(type) ? '{' : '[');
    return true;
}

static void end_items(struct gw__decode *decode)
{
    struct gw__decode_frame *frame = &decode->frames[--decode->depth];
    gw__json_put_close(decode->out, frame->type->kind == GW__MAP && !gw__type_is_pairs(frame->type) ? '}' : ']');
}

/* In front of a key, or at the end: between two pairs. */
static void begin_pair(struct gw__decode *decode, struct gw__decode_frame *frame)
{
    if (frame->in_pair)
        gw__json_put_close(decode->out, ']');
    frame->in_pair = frame->left > 0;
    if (frame->in_pair)
        gw__json_put_open(decode->out, '[');
}

/* What comes after a value, by the frame on top. */
static void begin_next(struct gw__decode *decode)
{
    struct gw__decode_frame *frame = &decode->frames[decode->depth - 1];
    decode->is_key = false;
    if (gw__kind_is_record(frame->type->kind)) {
        decode->step = AT_FIELD;
        return;
    }
    bool key = frame->type->kind == GW__MAP && frame->left % 2 == 0, pairs = gw__type_is_pairs(frame->type);
    if (key && pairs)
        begin_pair(decode, frame);
    if (!frame->left) {
        end_items(decode);
        return;
    }
    decode->is_key = key && !pairs;
    frame->left--;
    decode->type = key ? frame->type->key : frame->type->value;
    decode->step = AT_VALUE;
}

/* ---- the pass */

static bool take_value(struct gw__decode *decode, const char *bytes)
{
    switch (decode->type->kind) {
    case GW__STRING:
    case GW__BINARY: return take_length(decode, bytes);
    case GW__LIST:
    case GW__SET:
    case GW__MAP: return begin_items(decode, bytes);
    default: return take_fixed(decode, bytes);
    }
}

static enum gw__wire_status take_bytes(struct gw__decode *decode)
{
    size_t size = decode->step == AT_FIELD ? 1 : decode->step == AT_ID ? 2 : decode->type->min_bytes;
    const char *bytes = gw__thrift_in_take(&decode->in, size);
    bool good;
    if (!bytes)
        return GW__WIRE_MORE;
    if (decode->step == AT_FIELD)
        good = take_field(decode, bytes);
    else if (decode->step == AT_ID)
        good = take_id(decode, bytes);
    else
        good = take_value(decode, bytes);
    return good ? GW__WIRE_DONE : GW__WIRE_BAD;
}

static enum gw__wire_status skip(struct gw__decode *decode)
{
    enum gw__wire_status status = gw__thrift_skip(&decode->skip, &decode->in);
    if (status == GW__WIRE_DONE)
        decode->step = AT_NEXT;
    else if (status == GW__WIRE_BAD)
        unfit(decode, "an unknown field can't be passed over", "a field", "an unknown one whose value is malformed");
    return status;
}

static enum gw__wire_status take_step(struct gw__decode *decode)
{
    switch (decode->step) {
    case AT_NEXT:
        gw__decode_ahead(decode);
        if (decode->depth && !decode->why)
            begin_next(decode);
        return decode->why ? GW__WIRE_BAD : GW__WIRE_DONE;
    case AT_STRING: return take_string(decode);
    case AT_SKIPPED: return skip(decode);
    case AT_VALUE:
        if (gw__kind_is_record(decode->type->kind))
            return begin_record(decode) ? GW__WIRE_DONE : GW__WIRE_BAD;
        break;
    default: break;
    }
    return take_bytes(decode);
}

static enum gw__wire_status stop(struct gw__decode *decode, enum gw__wire_status status)
{
    decode->step = AT_END;
    if (decode->out->lost) {
        decode->no_memory = true;
        bad(decode, "out of memory");
        return GW__WIRE_BAD;
    }
    return status;
}

static enum gw__wire_status feed(struct gw__decode *decode, const char *data, size_t size, size_t *taken)
{
    *taken = size;
    if (decode->step == AT_END)
        return GW__WIRE_BAD;
    gw__thrift_in_feed(&decode->in, data, size);
    enum gw__wire_status status;
    do
        status = take_step(decode);
    while (status == GW__WIRE_DONE && (decode->step != AT_NEXT || decode->depth) && !decode->out->lost);
    *taken = size - (size_t)(decode->in.end - decode->in.at);
    return status == GW__WIRE_MORE && !decode->out->lost ? status : stop(decode, status);
}

static enum gw__wire_status take_binary(void *user, const char *bytes, size_t size)
{
    size_t taken;
    return feed(user, bytes, size, &taken);
}

enum gw__wire_status gw__decode_feed(struct gw__decode *decode, const char *data, size_t size, size_t *taken)
{
    if (gw__encoding_is_binary(decode->options.encoding))
        return feed(decode, data, size, taken);
    struct gw__to_binary_sink sink = {take_binary, decode};
    enum gw__wire_status status = gw__to_binary_feed(&decode->to_binary, data, size, taken, &sink);
    if (status == GW__WIRE_BAD && !decode->why) {
        decode->no_memory = decode->to_binary.no_memory;
        bool json = decode->options.encoding == GW__ENCODING_JSON;
        unfit(decode, decode->to_binary.why ? decode->to_binary.why : "it has ended before",
              json ? "a value in Thrift's JSON" : "a value in Thrift's compact protocol", NULL);
    }
    return status;
}
