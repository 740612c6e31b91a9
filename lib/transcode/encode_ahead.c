/* Fast path of encode.c: while the text is what the schema expects, key, colon and value of an entry are read at once,
 * without the reader's events. An entry is read whole, or reader and frames are left as they are between two steps of
 * the general path. Nothing is refused here: whatever is unusual is left to the general path, which reports errors.
 *
 * Reader and wire are kept in local variables; what the reader knows of open containers is told to it in the end. */
#include "json/block.h"
#include "transcode/inside.h"

enum {
    ENTRY_BYTES = 64,                       /* on the wire: of an entry, but for the rest of a string */
    TEXT_BYTES = GW__ENCODE_TAIL_BYTES / 2, /* of text: the like, with GW__JSON_KEY_BYTES; they are looked at unasked */
};

#define INLINE static inline __attribute__((always_inline))
#define RARELY(condition) __builtin_expect(!!(condition), 0)

/* Where reader and wire are, in registers. What stands before `at` and `out` is taken. */
struct run {
    const char *at, *safe; /* up to `safe` entries may begin, as TEXT_BYTES are there */
    const char *end;       /* of the text, or where TEXT_BYTES behind it end */
    const char *first;     /* the bracket of a container just opened, which stands for a comma */
    char *out, *room;      /* behind `room`, more must be made */
    struct gw__encode_frame *frame, *lowest; /* on top; lowest: since the beginning */
    bool in_entry;         /* a value is next: its key, or the comma in front of it, was taken */
};

enum result {
    LEFT,    /* something unexpected comes */
    WHOLE,   /* taken */
    CHANGED, /* another container is on top */
    ENDS,    /* the container on top ends with the next byte */
    NO_ROOM,
};

/* ---- values: the text begins at `at`, what is written at *out, which is moved; returned is where the text goes on, or
 * NULL */

/* Any number that is a double. */
static __attribute__((noinline)) const char *scan_double(const char *at, const char *end, double *value)
{
    struct gw__number number;
    const char *behind = gw__number_scan(&number, at, end);
    if (!behind || number.text.size > GW__JSON_TEXT_BYTES)
        return NULL;
    *value = gw__number_double(&number);
    return *value - *value == 0 ? behind : NULL;
}

INLINE const char *take_double(const char *at, const char *end, char **out)
{
    double value;
    uint64_t bits;
    const char *behind = gw__number_decimal(at, &value);
    if (RARELY(!behind)) {
        double any;
        behind = scan_double(at, end, &any);
        if (!behind)
            return NULL;
        value = any;
    }
    memcpy(&bits, &value, sizeof bits);
    gw__wire_set64(*out, bits);
    *out += 8;
    return behind;
}

/* Without a branch on which of the two it is. */
INLINE const char *take_bool(const char *at, char **out)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    bool yes = (uint32_t)word == 0x65757274, no = (word & 0xffffffffff) == 0x65736c6166; /* "true", "false" */
    if (RARELY(!(yes | no)))
        return NULL;
    *(*out)++ = yes;
    return at + 5 - yes;
}

static __attribute__((noinline)) const char *scan_integer(const char *at, const char *end, int64_t *value)
{
    struct gw__number number;
    const char *behind = gw__number_scan(&number, at, end);
    *value = number.int64;
    return behind && number.is_int64 ? behind : NULL;
}

INLINE const char *take_integer(const char *at, const char *end, unsigned bytes, char **out)
{
    int64_t value;
    const char *behind = gw__number_short(at, &value);
    if (RARELY(!behind)) {
        int64_t any;
        behind = scan_integer(at, end, &any);
        if (!behind)
            return NULL;
        value = any;
    }
    if (RARELY(!gw__encode_fits(value, bytes)))
        return NULL;
    gw__wire_set64(*out, (uint64_t)value << (64 - 8 * bytes));
    *out += bytes;
    return behind;
}

/* Of less than 16 plain bytes. */
INLINE const char *take_short(const char *at, char **out)
{
    if (RARELY(*at != '"'))
        return NULL;
    unsigned count = gw__json_copy_block(*out + 4, at + 1);
    if (count == 16 || at[1 + count] != '"')
        return NULL;
    gw__wire_set32(*out, count);
    *out += 4 + count;
    return at + count + 2;
}

/* One that is whole in the text and has room, without rare escapes. */
static __attribute__((noinline)) const char *copy_text(const char *at, const char *end, char **out, const char *room)
{
    char *text = *out + 4;
    at = gw__json_copy_whole(at, end, &text, room);
    if (at >= end || *at != '"')
        return NULL;
    gw__wire_set32(*out, (uint32_t)(text - *out - 4));
    *out = text;
    return at + 1;
}

INLINE const char *take_text(const struct run *run, const char *at, char **out)
{
    const char *behind = take_short(at, out);
    if (!behind && *at == '"') {
        char *to = *out;
        behind = copy_text(at + 1, run->end, &to, run->room + ENTRY_BYTES);
        *out = to;
    }
    return behind;
}

/* ---- containers */

/* Pairs, and unions of more fields than one word has bits, are left to the general path. */
INLINE bool is_common(const struct gw__encode_frame *frame)
{
    return !frame->form && (frame->type->kind != GW__UNION || frame->type->record->bit_words == 1);
}

INLINE struct gw__encode_frame *last_frame(struct gw__encode *encode)
{
    return &encode->frames[GW__ENCODE_DEPTH - 1];
}

/* The container that begins at `at`, from `out` on, is on top. */
INLINE enum result open_items(struct gw__encode *encode, const struct gw__type *type, struct run *run, const char *at,
                              char *out)
{
    bool map = type->kind == GW__MAP;
    if (*at != (map ? '{' : '[') || run->frame == last_frame(encode) || gw__type_is_pairs(type))
        return LEFT;
    if (map)
        *out++ = (char)type->key->thrift;
    *out++ = (char)type->value->thrift;
    *++run->frame = (struct gw__encode_frame){
        .type = type,
        .patch = out,
        .segment = encode->wire->last,
        .errors = (uint8_t)encode->error_count,
        .marked = gw__encode_is_marked(encode, type),
        .bits = (uint32_t)encode->marks.count,
    };
    run->at = run->first = at;
    run->out = out + 4;
    return CHANGED;
}

INLINE enum result open_record(struct gw__encode *encode, const struct gw__type *type, struct run *run, const char *at,
                               char *out)
{
    struct gw__bits *bits = &encode->bits;
    uint32_t words = type->record->bit_words;
    if (*at != '{' || run->frame == last_frame(encode) || bits->capacity - bits->count < words)
        return LEFT;
    if (type->kind == GW__UNION && words > 1)
        return LEFT;
    *++run->frame = (struct gw__encode_frame){.type = type, .bits = (uint32_t)bits->count};
    bits->words[bits->count++] = 0;
    for (uint32_t i = 1; RARELY(i < words); i++)
        bits->words[bits->count++] = 0;
    run->at = run->first = at;
    run->out = out;
    return CHANGED;
}

/* The value at `at`, from `out` on. */
INLINE enum result take_value(struct gw__encode *encode, const struct gw__type *type, struct run *run, const char *at,
                              char *out)
{
    switch (type->kind) {
    case GW__BOOL: at = take_bool(at, &out); break;
    case GW__I8:
    case GW__I16: at = take_integer(at, run->end, type->min_bytes, &out); break;
    case GW__I32:
    case GW__ENUM: at = take_integer(at, run->end, 4, &out); break;
    case GW__I64: at = take_integer(at, run->end, 8, &out); break;
    case GW__DOUBLE: at = take_double(at, run->end, &out); break;
    case GW__STRING: at = take_text(run, at, &out); break;
    case GW__LIST:
    case GW__SET:
    case GW__MAP: return open_items(encode, type, run, at, out);
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: return open_record(encode, type, run, at, out);
    default: return LEFT;
    }
    if (RARELY(!at))
        return LEFT;
    run->at = at;
    run->out = out;
    return WHOLE;
}

/* ---- entries: with the comma in front of them */

static __attribute__((noinline)) const char *pass_blanks(const char *at, const char *safe)
{
    while (at <= safe && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at <= safe ? at : NULL;
}

INLINE const char *pass_blank(const char *at, const struct run *run)
{
    return RARELY((unsigned char)*at <= ' ') ? pass_blanks(at, run->safe) : at;
}

/* Behind the comma; NULL if there is none. */
INLINE const char *pass_comma(const struct run *run)
{
    return RARELY(*run->at != ',') && run->at != run->first ? NULL : run->at + 1;
}

/* No entry comes: the container's end may. */
INLINE enum result closes(struct run *run, char bracket)
{
    const char *at = pass_blank(run->at + (run->at == run->first), run);
    if (!at || *at != bracket)
        return LEFT;
    run->at = at;
    return ENDS;
}

/* The field that the text names with its key as it is usually written, unless it or another one of a union has been
 * seen. */
static __attribute__((noinline)) const struct gw__field *find_field(const struct gw__record *record,
                                                                    const uint64_t *seen,
                                                                    const struct gw__field *expected, const char *at)
{
    if (expected && gw__json_same_key(at, expected->key, expected->key_size, expected->key_shift))
        return expected;
    char name[20], *behind = name;
    const char *colon = take_short(at, &behind);
    if (!colon || *colon != ':' || (record->type.kind == GW__UNION && *seen))
        return NULL;
    const struct gw__field *field = gw__record_by_name(record, name + 4, (size_t)(behind - name - 4));
    return field && !(seen[field->index / 64] >> field->index % 64 & 1) ? field : NULL;
}

/* What is left of an entry whose key was taken: its value. */
INLINE enum result leave_value(struct run *run, const char *at, char *out)
{
    run->at = at;
    run->out = out;
    run->in_entry = true;
    return LEFT;
}

/* Fields from `first` on that come in the schema's order are marked as seen at once in the end. */
INLINE enum result take_fields(struct gw__encode *encode, struct gw__encode_frame *frame, struct run *run)
{
    const struct gw__record *record = frame->type->record;
    const struct gw__field *fields = record->fields, *first = fields + frame->expect, *expected = first, *taken = NULL;
    uint64_t *seen = encode->bits.words + frame->bits;
    bool is_union = record->type.kind == GW__UNION;
    const struct gw__field *last = fields + (is_union ? 0 : gw__bits_unseen(seen, frame->expect, record->count));
    enum result result = WHOLE;
    while (result == WHOLE && run->at <= run->safe) {
        const char *at = pass_comma(run);
        char *out = run->out;
        const struct gw__field *field = expected;
        result = NO_ROOM;
        if (RARELY(out > run->room))
            break;
        result = LEFT;
        if (RARELY(!at))
            break;
        if (field >= last || !gw__json_same_key(at, field->key, field->key_size, field->key_shift)) {
            gw__bits_mark(seen, (uint32_t)(first - fields), (uint32_t)(expected - fields));
            first = expected;
            at = pass_blank(at, run);
            field = at ? find_field(record, seen, field < last ? field : NULL, at) : NULL;
            if (!field)
                break;
            first = expected = field;
            last = fields + (is_union ? 0 : gw__bits_unseen(seen, field->index, record->count));
        }
        at = pass_blank(at + field->key_size, run);
        if (RARELY(!at))
            break;
        taken = field;
        expected = field + 1;
        memcpy(out, field->head, 4);
        result = take_value(encode, field->type, run, at, out + 3);
        if (RARELY(result == LEFT))
            leave_value(run, at, out);
    }
    gw__bits_mark(seen, (uint32_t)(first - fields), (uint32_t)(expected - fields));
    frame->field = taken ? taken : frame->field;
    frame->expect = (uint32_t)(expected - fields);
    return result == LEFT && !run->in_entry ? closes(run, '}') : result;
}

INLINE enum result take_items(struct gw__encode *encode, struct gw__encode_frame *frame, struct run *run)
{
    const struct gw__type *type = frame->type->value;
    enum result result = WHOLE;
    while (result == WHOLE && run->at <= run->safe) {
        const char *at = pass_comma(run);
        if (RARELY(run->out > run->room))
            return NO_ROOM;
        at = at ? pass_blank(at, run) : NULL;
        if (RARELY(!at))
            return closes(run, ']');
        if (RARELY(frame->marked))
            gw__encode_mark(encode, run->out);
        result = take_value(encode, type, run, at, run->out);
        if (RARELY(result == LEFT && frame->marked))
            encode->marks.count--; /* it is taken otherwise */
        if (RARELY(result == LEFT))
            return run->at == run->first ? closes(run, ']') : leave_value(run, at, run->out);
        frame->count++;
    }
    return result;
}

INLINE enum result take_pairs(struct gw__encode *encode, struct gw__encode_frame *frame, struct run *run)
{
    const struct gw__type *type = frame->type;
    enum result result = WHOLE;
    if (type->key->kind != GW__STRING)
        return closes(run, '}');
    while (result == WHOLE && run->at <= run->safe) {
        const char *at = pass_comma(run);
        char *out = run->out;
        if (RARELY(out > run->room))
            return NO_ROOM;
        at = at ? pass_blank(at, run) : NULL;
        at = at ? take_short(at, &out) : NULL;
        if (!at)
            return closes(run, '}');
        at = *at == ':' ? pass_blank(at + 1, run) : NULL;
        if (RARELY(!at))
            return LEFT;
        frame->key = run->out;
        if (RARELY(frame->marked))
            gw__encode_mark(encode, run->out);
        result = take_value(encode, type->value, run, at, out);
        if (RARELY(result == LEFT))
            return leave_value(run, at, out);
        frame->count++;
    }
    return result;
}

/* ---- the run */

static bool is_object(const struct gw__encode_frame *frame)
{
    return !frame->form && (frame->type->kind == GW__MAP || gw__kind_is_record(frame->type->kind));
}

/* What the general path goes on from. */
static void keep(struct gw__encode *encode, const struct run *run)
{
    struct gw__json *json = &encode->json;
    bool first = run->at == run->first && !run->in_entry;
    json->at = run->at + first;
    encode->wire->at = run->out;
    json->depth = encode->depth = (unsigned)(run->frame + 1 - encode->frames);
    for (unsigned at = (unsigned)(run->lowest + 1 - encode->frames); at < encode->depth; at++) {
        uint64_t bit = (uint64_t)1 << at % 64;
        bool object = is_object(&encode->frames[at]);
        json->objects[at / 64] = object ? json->objects[at / 64] | bit : json->objects[at / 64] & ~bit;
    }
    json->in_object = encode->depth && is_object(run->frame);
    if (run->in_entry)
        json->state = GW__JSON_AT_VALUE;
    else if (first)
        json->state = json->in_object ? GW__JSON_AT_FIRST_KEY : GW__JSON_AT_FIRST_VALUE;
    else
        json->state = encode->depth ? GW__JSON_BEHIND_VALUE : GW__JSON_AT_END;
}

static bool has_room(struct gw__encode *encode, struct run *run)
{
    struct gw__wire *wire = encode->wire;
    wire->at = run->out;
    if (encode->no_memory || !gw__wire_room(wire, ENTRY_BYTES))
        return false;
    run->out = wire->at;
    run->room = wire->end - ENTRY_BYTES;
    return true;
}

/* Nothing is absent that must not be, or has a default. */
INLINE bool is_complete(const struct gw__encode *encode, const struct gw__encode_frame *frame)
{
    const struct gw__record *record = frame->type->record;
    uint64_t needed = *record->required_bits | *gw__record_fallback_bits(record);
    return !encode->options.lenient && record->type.kind != GW__UNION && record->bit_words == 1
        && !(needed & ~encode->bits.words[frame->bits]);
}

/* The one on top, at its bracket. */
INLINE enum result close_container(struct gw__encode *encode, struct run *run)
{
    struct gw__encode_frame *frame = run->frame;
    if (frame->type->kind == GW__LIST) {
        gw__wire_set32(frame->patch, frame->count);
    } else if (gw__kind_is_record(frame->type->kind) && is_complete(encode, frame)) {
        *run->out++ = GW__THRIFT_STOP;
        encode->bits.count = frame->bits;
    } else {
        encode->wire->at = run->out;
        encode->depth = (unsigned)(frame + 1 - encode->frames);
        gw__encode_end_container(encode);
        run->out = encode->wire->at;
        if (!has_room(encode, run))
            run->room = run->out - 1;
    }
    run->at++;
    run->frame--;
    run->lowest = run->frame < run->lowest ? run->frame : run->lowest;
    return run->frame >= encode->frames && is_common(run->frame) ? CHANGED : LEFT;
}

/* Entries of the container on top, and of those that open and close on the way. */
static void take_entries(struct gw__encode *encode, struct run run)
{
    struct gw__json *json = &encode->json;
    enum result result = CHANGED;
    bool first = json->state != GW__JSON_BEHIND_VALUE;
    run.at = json->at - first;
    run.first = first ? run.at : NULL;
    run.out = encode->wire->at;
    run.frame = run.lowest = &encode->frames[encode->depth - 1];
    if (!has_room(encode, &run))
        return;
    do {
        struct gw__encode_frame *frame = run.frame;
        if (gw__kind_is_record(frame->type->kind))
            result = take_fields(encode, frame, &run);
        else if (frame->type->kind == GW__MAP)
            result = take_pairs(encode, frame, &run);
        else
            result = take_items(encode, frame, &run);
        if (result == ENDS)
            result = run.out <= run.room ? close_container(encode, &run) : NO_ROOM;
        if (RARELY(result == NO_ROOM))
            result = has_room(encode, &run) ? CHANGED : LEFT;
    } while (result == CHANGED);
    keep(encode, &run);
}

/* The end of the text is copied to where more bytes stand behind it: none of them belongs to a value, but for a number
 * that would be cut off all the same. */
static void make_tail(struct gw__encode *encode)
{
    struct gw__json *json = &encode->json;
    size_t left = (size_t)(json->end - json->at);
    memset(encode->tail, 0, sizeof encode->tail);
    memcpy(encode->tail, json->at, left);
    json->end = json->at;
    gw__json_feed(json, encode->tail, left, true);
}

/* Between two entries of a container, or behind its bracket. */
static bool may_run(const struct gw__encode *encode)
{
    const struct gw__json *json = &encode->json;
    if (encode->step != AT_EVENT || encode->no_memory || !encode->depth || encode->depth != json->depth)
        return false;
    const struct gw__encode_frame *frame = &encode->frames[encode->depth - 1];
    uint8_t first = is_object(frame) ? GW__JSON_AT_FIRST_KEY : GW__JSON_AT_FIRST_VALUE;
    return is_common(frame)
        && (json->state == GW__JSON_BEHIND_VALUE || (json->state == first && json->at > json->piece));
}

void gw__encode_ahead(struct gw__encode *encode)
{
    struct gw__json *json = &encode->json;
    if (json->end - json->at >= TEXT_BYTES && may_run(encode))
        take_entries(encode, (struct run){.safe = json->end - TEXT_BYTES, .end = json->end});
    if (!json->last || json->end - json->at >= TEXT_BYTES || json->at == json->end || !may_run(encode))
        return;
    if (json->piece != encode->tail)
        make_tail(encode);
    take_entries(encode, (struct run){.safe = json->end - 1, .end = json->end - 1 + TEXT_BYTES});
}
