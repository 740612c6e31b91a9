/* The pass from JSON to Thrift: the reader's events, and for each value the type that the frames expect. A step is
 * resumed with the next piece exactly where it stopped. Once a value did not fit, what is written is of no use but
 * stays well-formed for the frames. */
#include "base/alloc.h"
#include "transcode/inside.h"

enum {
    MARK_BYTES = 12 << 10, /* most of a segment that gw__wire_reset() keeps */
    PLAIN_BYTES = 32 << 10 /* the largest segment of what is passed on: the last is freed when all of it was */
};

void gw__encode_init(struct gw__encode *encode, const struct gw__method *method,
                     const struct gw__encode_options *options, struct gw__wire *wire)
{
    memset(encode, 0, offsetof(struct gw__encode, bits));
    encode->method = method;
    if (options)
        encode->options = *options;
    encode->wire = encode->target = wire;
    if (!gw__encoding_is_binary(encode->options.encoding)) {
        bool json = encode->options.encoding == GW__ENCODING_JSON;
        encode->wire = encode->options.plain;
        encode->wire->segment_bytes = PLAIN_BYTES;
        encode->mark = encode->due = MARK_BYTES;
        gw__wire_reset(encode->wire);
        gw__from_binary_init(&encode->pass, &method->arguments->type, json ? &gw__json_writer : &gw__compact_writer,
                             wire);
    }
    gw__bits_init(&encode->bits);
    encode->marks.items = NULL;
    encode->marks.count = 0;
    encode->marks.capacity = GW__ENCODE_MARKS;
    gw__json_init(&encode->json, GW__ENCODE_DEPTH);
    if (method->body_is_argument)
        gw__encode_field(encode->wire, &method->arguments->fields[0]);
}

void gw__encode_finish(struct gw__encode *encode)
{
    gw__bits_finish(&encode->bits);
    gw__free(encode->marks.items);
    encode->marks.items = NULL;
    if (encode->wire != encode->target)
        gw__from_binary_finish(&encode->pass);
    gw__json_out_finish(&encode->errors);
    gw__text_finish(&encode->first);
    gw__json_finish(&encode->json);
}

/* ---- other encodings than binary */

/* The outermost container under way whose bytes are still looked at: a map, as misfits are told with its key, or a set
 * whose elements will be compared. The counts of those around it will be told. */
static const struct gw__encode_frame *open_to_held(struct gw__encode *encode)
{
    for (unsigned i = 0; i < encode->depth; i++) {
        struct gw__encode_frame *frame = &encode->frames[i];
        enum gw__kind kind = frame->type->kind;
        if (kind == GW__MAP || (kind == GW__SET && !encode->options.lenient))
            return frame;
        if (frame->patch)
            gw__wire_set32(frame->patch, GW__FROM_BINARY_OPEN);
        frame->patch = NULL;
    }
    return NULL;
}

/* Between two values: they go over to the target, up to the container that is held, and are freed. */
static void pass_on(struct gw__encode *encode)
{
    struct gw__wire *plain = encode->wire;
    gw__wire_settle(plain);
    const struct gw__encode_frame *held = open_to_held(encode);
    struct gw__wire_segment *last = held ? (struct gw__wire_segment *)held->segment : plain->last;
    char *end = held ? held->patch - (held->type->kind == GW__MAP ? 2 : 1) : plain->at;
    while (plain->first) {
        struct gw__wire_segment *segment = plain->first;
        char *from = encode->from ? encode->from : segment->bytes;
        char *until = segment == last ? end : segment->bytes + segment->size;
        if (!encode->error_count && !encode->no_memory)
            gw__from_binary_feed(&encode->pass, from, (size_t)(until - from));
        encode->from = until;
        if (segment == last)
            break;
        encode->from = NULL;
        encode->gone += segment->size;
        gw__wire_shift(plain);
    }
    if (!held) {
        encode->from = NULL;
        gw__wire_reset(plain);
    }
    encode->due = gw__wire_settle(plain) + encode->mark;
}

/* The container on top, whose beginning was passed on. */
static void end_passed(struct gw__encode *encode, uint32_t count)
{
    if (encode->wire->lost)
        return;
    pass_on(encode);
    if (!encode->error_count && !encode->no_memory)
        gw__from_binary_end_items(&encode->pass, count);
}

/* ---- frames */

/* The reader's depth limit keeps below the frames' but for what a lenient record is made of without an object. */
static bool push_record(struct gw__encode *encode, const struct gw__type *type)
{
    uint32_t bits = (uint32_t)encode->bits.count;
    if (!gw__bits_push(&encode->bits, type->record->bit_words)) {
        encode->no_memory = true;
        return false;
    }
    encode->frames[encode->depth++] = (struct gw__encode_frame){.type = type, .bits = bits};
    return true;
}

static void push_items(struct gw__encode *encode, const struct gw__type *type)
{
    uint8_t key = type->kind == GW__MAP ? type->key->thrift : 0;
    char *patch = gw__thrift_put_items(encode->wire, key, type->value->thrift, 0);
    encode->frames[encode->depth++] = (struct gw__encode_frame){
        .type = type,
        .patch = patch,
        .segment = encode->wire->last,
        .form = gw__type_is_pairs(type) ? GW__ENCODE_PAIRS : GW__ENCODE_PLAIN,
        .marked = gw__encode_is_marked(encode, type),
        .bits = (uint32_t)encode->marks.count,
        .errors = (uint8_t)encode->error_count,
    };
}

static const char pair[] = "a pair: [key, value]";

static void begin_pair(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    if (event == GW__JSON_ARRAY) {
        encode->frames[encode->depth++] = (struct gw__encode_frame){.type = type, .form = GW__ENCODE_PAIR};
    } else {
        gw__encode_wrong(encode, pair, event);
        encode->step = AT_SKIP;
    }
}

/* The frame below is at the pair. */
static void end_pair(struct gw__encode *encode)
{
    uint32_t count = encode->frames[--encode->depth].count;
    if (count < 2)
        gw__encode_wrong_as(encode, pair, gw__str(count ? "a key alone" : "nothing"));
}

void gw__encode_end_container(struct gw__encode *encode)
{
    struct gw__encode_frame *frame = gw__encode_top(encode);
    if (gw__kind_is_record(frame->type->kind)) {
        gw__encode_end_record(encode);
        return;
    }
    if (frame->form == GW__ENCODE_PAIR) {
        end_pair(encode);
        return;
    }
    if (!frame->patch)
        end_passed(encode, frame->count);
    else if (!encode->wire->lost)
        gw__wire_set32(frame->patch, frame->count);
    if (!encode->options.lenient && frame->type->kind != GW__LIST)
        gw__encode_check_repeats(encode);
    if (frame->marked)
        encode->marks.count = frame->bits;
    encode->depth--;
}

/* ---- keys */

static void found(struct gw__encode *encode, struct gw__encode_frame *frame, const struct gw__field *field)
{
    bool good = gw__encode_begin_field(frame, encode->bits.words + frame->bits, field) || encode->options.lenient;
    encode->step = good ? AT_EVENT : AT_SKIP;
    if (!good)
        gw__encode_twice(encode, field);
}

static void begin_key(struct gw__encode *encode)
{
    struct gw__encode_frame *frame = gw__encode_top(encode);
    if (!gw__kind_is_record(frame->type->kind)) {
        encode->step = AT_KEY;
        return;
    }
    encode->step = AT_NAME;
}

static void take_name(struct gw__encode *encode, struct gw__str name)
{
    struct gw__encode_frame *frame = gw__encode_top(encode);
    const struct gw__field *field = gw__record_by_name(frame->type->record, name.data, name.size);
    if (field) {
        found(encode, frame, field);
        return;
    }
    frame->field = NULL;
    if (!encode->options.lenient)
        gw__encode_unknown(encode, frame->type->record, name);
    encode->step = AT_SKIP;
}

static void take_key(struct gw__encode *encode, struct gw__str key)
{
    struct gw__encode_frame *frame = gw__encode_top(encode);
    frame->key = gw__encode_map_key(encode, frame->type->key, key);
    encode->step = frame->key ? AT_EVENT : AT_SKIP;
    if (frame->key && frame->marked)
        gw__encode_mark(encode, frame->key);
}

/* ---- values */

/* The value is not what the type wants: what the lenient mode makes of it, else a misfit. */
static void misfit(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    encode->step = AT_SKIP;
    if (encode->options.lenient && ((type->kind != GW__BINARY && type->kind != GW__UUID) || event == GW__JSON_NULL))
        gw__encode_zero(encode->wire, type);
    else
        gw__encode_wrong(encode, type->name, event);
}

static void begin_record(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    if (event != GW__JSON_OBJECT && (!encode->options.lenient || encode->depth == GW__ENCODE_DEPTH + 1)) {
        gw__encode_wrong(encode, type->name, event);
        encode->step = AT_SKIP;
    } else if (event == GW__JSON_NULL && encode->depth) {
        gw__encode_zero(encode->wire, type);
    } else if (push_record(encode, type) && event != GW__JSON_OBJECT) {
        gw__encode_end_record(encode);
        encode->step = AT_SKIP;
    }
}

static void begin_string(struct gw__encode *encode, const struct gw__type *type, unsigned step)
{
    encode->type = type;
    encode->patch = gw__thrift_put_string(encode->wire, NULL, 0);
    encode->length = 0;
    encode->base64 = (struct gw__base64){.form = gw__base64_form(&encode->options.rules)};
    encode->step = (uint8_t)step;
}

/* Lenient: whatever stands there, as it is written. */
static void begin_other_string(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    struct gw__str text = encode->json.number.text;
    if (event == GW__JSON_OBJECT || event == GW__JSON_ARRAY) {
        begin_string(encode, type, AT_RAW);
        return;
    }
    if (event == GW__JSON_NULL)
        text = gw__str("");
    else if (event != GW__JSON_NUMBER)
        text = gw__str(event == GW__JSON_TRUE ? "true" : "false");
    gw__thrift_put_string(encode->wire, text.data, text.size);
}

static void begin_scalar(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    bool text = event == GW__JSON_STRING;
    if (text && gw__encode_takes_text(encode, type)) {
        encode->type = type;
        encode->step = AT_TEXT;
    } else if (event == GW__JSON_NUMBER || event == GW__JSON_TRUE || event == GW__JSON_FALSE) {
        gw__encode_scalar(encode, type, event);
    } else {
        misfit(encode, type, event);
    }
}

/* Lenient: what is no list is the only item of one. */
static const struct gw__type *unwrap(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    while (encode->options.lenient && (type->kind == GW__LIST || type->kind == GW__SET) && event != GW__JSON_ARRAY
           && event != GW__JSON_NULL) {
        gw__thrift_put_items(encode->wire, 0, type->value->thrift, 1);
        type = type->value;
    }
    return type;
}

static void refuse_pairs(struct gw__encode *encode, enum gw__json_event event)
{
    gw__encode_wrong(encode, "nothing, since Thrift's JSON has no map with such keys", event);
    encode->step = AT_SKIP;
}

static void begin_value(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event)
{
    type = unwrap(encode, type, event);
    bool object = type->kind == GW__MAP && !gw__type_is_pairs(type);
    bool items = event == (object ? GW__JSON_OBJECT : GW__JSON_ARRAY);
    switch (type->kind) {
    case GW__STRING:
        if (event == GW__JSON_STRING)
            begin_string(encode, type, AT_COPY);
        else if (encode->options.lenient)
            begin_other_string(encode, type, event);
        else
            misfit(encode, type, event);
        break;
    case GW__BINARY:
        if (event == GW__JSON_STRING)
            begin_string(encode, type, AT_BASE64);
        else if (encode->options.lenient && event == GW__JSON_NULL)
            gw__encode_zero(encode->wire, type);
        else
            misfit(encode, type, event);
        break;
    case GW__LIST:
    case GW__SET:
    case GW__MAP:
        if (items && gw__type_is_pairs(type) && encode->options.encoding == GW__ENCODING_JSON)
            refuse_pairs(encode, event);
        else if (items)
            push_items(encode, type);
        else
            misfit(encode, type, event);
        break;
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: begin_record(encode, type, event); break;
    default: begin_scalar(encode, type, event); break;
    }
}

/* A null field is an absent one. */
static bool is_absent(struct gw__encode *encode, struct gw__encode_frame *frame, enum gw__json_event event)
{
    if (event != GW__JSON_NULL)
        return false;
    encode->bits.words[frame->bits + frame->field->index / 64] &= ~((uint64_t)1 << frame->field->index % 64);
    return true;
}

/* A second field of a union is none of it. */
static bool is_second(struct gw__encode *encode, struct gw__encode_frame *frame)
{
    const struct gw__record *record = frame->type->record;
    const struct gw__field *first = NULL;
    if (record->type.kind != GW__UNION || encode->options.lenient)
        return false;
    uint64_t *seen = encode->bits.words + frame->bits;
    for (uint32_t i = 0; i < record->count && !first; i++)
        if (i != frame->field->index && seen[i / 64] >> i % 64 & 1)
            first = &record->fields[i];
    if (!first)
        return false;
    seen[frame->field->index / 64] &= ~((uint64_t)1 << frame->field->index % 64);
    gw__encode_second(encode, frame->field, first);
    encode->step = AT_SKIP;
    return true;
}

static const struct gw__type *root_type(const struct gw__encode *encode)
{
    const struct gw__record *arguments = encode->method->arguments;
    return encode->method->body_is_argument ? arguments->fields[0].type : &arguments->type;
}

void gw__encode_begin_root(struct gw__encode *encode)
{
    const struct gw__type *type = root_type(encode);
    if (!gw__kind_is_record(type->kind) || type->record->bit_words > GW__BIT_WORDS)
        return;
    encode->begun = true;
    gw__json_open(&encode->json, true);
    push_record(encode, type);
}

static void take_item(struct gw__encode *encode, struct gw__encode_frame *frame, enum gw__json_event event)
{
    const struct gw__type *type = frame->type;
    frame->count++;
    if (frame->marked && type->kind == GW__SET) /* of a map, the key was marked */
        gw__encode_mark(encode, encode->wire->at);
    if (frame->form == GW__ENCODE_PAIRS) {
        if (frame->marked)
            gw__encode_mark(encode, encode->wire->at);
        begin_pair(encode, type, event);
    } else if (frame->form == GW__ENCODE_PAIR && frame->count > 2) {
        gw__encode_wrong_as(encode, pair, gw__str("one more"));
        encode->step = AT_SKIP;
    } else {
        bool key = frame->form == GW__ENCODE_PAIR && frame->count == 1;
        begin_value(encode, key ? type->key : type->value, event);
    }
}

static void take_value(struct gw__encode *encode, enum gw__json_event event)
{
    struct gw__encode_frame *frame = gw__encode_top(encode);
    encode->begun = true;
    if (!frame) {
        begin_value(encode, root_type(encode), event);
    } else if (!gw__kind_is_record(frame->type->kind)) {
        take_item(encode, frame, event);
    } else if (!is_absent(encode, frame, event) && !is_second(encode, frame)) {
        gw__encode_field(encode->wire, frame->field);
        begin_value(encode, frame->field->type, event);
    }
}

/* ---- strings */

static void end_string(struct gw__encode *encode)
{
    encode->step = AT_EVENT;
    if (encode->patch && !encode->wire->lost)
        gw__wire_set32(encode->patch, (uint32_t)encode->length);
}

/* Into the segment, and on into the next: only its length stands in front. */
static enum gw__json_event copy_string(struct gw__encode *encode)
{
    enum gw__json_event event;
    do {
        if (!gw__wire_room(encode->wire, GW__JSON_ROOM))
            return GW__JSON_FULL;
        char *from = encode->wire->at;
        if (encode->step == AT_RAW)
            event = gw__json_copy_raw(&encode->json, &encode->wire->at, encode->wire->end);
        else
            event = gw__json_copy(&encode->json, &encode->wire->at, encode->wire->end);
        encode->length += (uint64_t)(encode->wire->at - from);
    } while (event == GW__JSON_FULL && gw__wire_grow(encode->wire, GW__JSON_ROOM));
    if (event == GW__JSON_DONE)
        end_string(encode);
    return event;
}

static enum gw__json_event copy_base64(struct gw__encode *encode)
{
    enum gw__json_event event;
    char text[1024];
    do {
        char *at = text;
        event = gw__json_copy(&encode->json, &at, text + sizeof text);
        if (!gw__wire_room(encode->wire, sizeof text))
            return GW__JSON_FULL;
        size_t size = gw__base64_decode(&encode->base64, encode->wire->at, text, (size_t)(at - text));
        encode->wire->at += size;
        encode->length += size;
    } while (event == GW__JSON_FULL);
    if (event != GW__JSON_DONE)
        return event;
    char *out = gw__wire_take(encode->wire, 2);
    if (!out)
        return event;
    size_t size = gw__base64_end(&encode->base64, out);
    encode->wire->at = out + size;
    encode->length += size;
    bool bare = encode->base64.form & GW__BASE64_BARE;
    if (encode->base64.bad)
        gw__encode_wrong_text(encode, bare ? "binary, as base64url" : "binary, as base64",
                              gw__str("that is no base64"));
    end_string(encode);
    return event;
}

static enum gw__json_event take_text(struct gw__encode *encode)
{
    struct gw__str text = {0};
    enum gw__json_event event = gw__json_text(&encode->json, &text);
    if (event != GW__JSON_DONE)
        return event;
    unsigned step = encode->step;
    encode->step = AT_EVENT;
    if (step == AT_NAME)
        take_name(encode, text);
    else if (step == AT_KEY)
        take_key(encode, text);
    else
        gw__encode_scalar_text(encode, encode->type, text);
    return event;
}

/* ---- the pass */

static enum gw__json_event take_event(struct gw__encode *encode)
{
    enum gw__json_event event = gw__json_next(&encode->json);
    switch (event) {
    case GW__JSON_ERROR:
    case GW__JSON_MORE:
    case GW__JSON_END: break;
    case GW__JSON_KEY: begin_key(encode); break;
    case GW__JSON_OBJECT_END:
    case GW__JSON_ARRAY_END: gw__encode_end_container(encode); break;
    default: take_value(encode, event); break;
    }
    return event;
}

static enum gw__json_event skip(struct gw__encode *encode)
{
    enum gw__json_event event = gw__json_skip(&encode->json);
    if (event == GW__JSON_DONE)
        encode->step = AT_EVENT;
    return event;
}

static enum gw__json_event take_step(struct gw__encode *encode)
{
    if (encode->step == AT_EVENT)
        gw__encode_ahead(encode);
    if (encode->step == AT_EVENT && gw__encode_is_due(encode))
        pass_on(encode);
    switch (encode->step) {
    case AT_EVENT: return take_event(encode);
    case AT_COPY:
    case AT_RAW: return copy_string(encode);
    case AT_BASE64: return copy_base64(encode);
    case AT_SKIP: return skip(encode);
    default: return take_text(encode);
    }
}

/* What is left of the arguments goes to the target. */
static void end_target(struct gw__encode *encode)
{
    struct gw__wire *plain = encode->wire, *target = encode->target;
    if (plain->lost) {
        target->full = target->full || plain->full;
        target->lost = true;
        return;
    }
    pass_on(encode);
    if (encode->options.encoding == GW__ENCODING_JSON && encode->options.in_message && gw__wire_room(target, 1))
        *target->at++ = ']';
    gw__wire_settle(target);
}

static enum gw__wire_status stop(struct gw__encode *encode)
{
    encode->step = AT_STOP;
    gw__wire_settle(encode->wire);
    if (encode->wire != encode->target)
        end_target(encode);
    if (encode->target->lost && !encode->target->full)
        encode->no_memory = true;
    if (encode->error_count)
        gw__json_put_close(&encode->errors, ']');
    if (encode->errors.lost)
        encode->no_memory = true;
    return encode->error_count || encode->no_memory || encode->target->lost ? GW__WIRE_BAD : GW__WIRE_DONE;
}

/* Nothing at all where there are no arguments. */
static bool is_empty_call(const struct gw__encode *encode)
{
    const struct gw__json *json = &encode->json;
    return json->error == GW__JSON_CUT_OFF && !encode->begun && strcmp(json->expected, "a value") == 0
        && encode->method->arguments->count == 0;
}

static enum gw__wire_status end_badly(struct gw__encode *encode)
{
    if (!is_empty_call(encode)) {
        gw__encode_syntax(encode);
        return stop(encode);
    }
    gw__thrift_put_stop(encode->wire);
    return stop(encode);
}

enum gw__wire_status gw__encode_feed(struct gw__encode *encode, const char *text, size_t size, bool last)
{
    if (encode->step == AT_STOP)
        return GW__WIRE_BAD;
    gw__json_feed(&encode->json, text, size, last);
    for (;;) {
        enum gw__json_event event = take_step(encode);
        if (encode->wire->lost || encode->target->lost || encode->no_memory)
            return stop(encode);
        if (event == GW__JSON_MORE)
            return GW__WIRE_MORE;
        if (event == GW__JSON_ERROR)
            return end_badly(encode);
        if (event == GW__JSON_END) {
            if (encode->method->body_is_argument)
                gw__thrift_put_stop(encode->wire);
            return stop(encode);
        }
    }
}
