/* Fast path of decode.c: while the bytes are what the schema expects, header, key and value of an entry are converted
 * at once. An entry is converted whole, or not at all. Nothing is refused here: whatever is unusual, or not whole in
 * the piece, is left to the general path, which reports errors.
 *
 * Some bytes behind an entry's first are looked at unasked; that they were its own is seen when it is done. */
#include "json/block.h"
#include "transcode/inside.h"

enum {
    KEY_BYTES = 64,  /* a longer one is left to the general path */
    ENTRY_BYTES = 1 + KEY_BYTES + 1 + GW__DECODE_SCALAR_BYTES + 4, /* of JSON: an entry but for a longer string */
    LOOK_BYTES = 64, /* of input, from an entry's first on: may be looked at */
};

#define INLINE static inline __attribute__((always_inline))
#define RARELY(condition) __builtin_expect(!!(condition), 0)

/* Where input and output are, in registers. What stands before `at` and `out` is done. */
struct run {
    const char *at, *safe, *end; /* behind `safe` no entry begins */
    char *out, *room;            /* behind `room`, more must be made */
    struct gw__decode_frame *frame; /* on top */
    bool comma;                  /* of the writer */
};

enum result {
    LEFT,    /* nothing of the entry was taken */
    WHOLE,   /* it was */
    CHANGED, /* another container is on top */
    ENDS,    /* the container on top ends here */
    NO_ROOM,
};

/* ---- values: the bytes begin at `at`, the text at `out` */

INLINE enum result put_end(struct run *run, const char *at, char *out)
{
    if (RARELY(at > run->end))
        return LEFT;
    run->at = at;
    run->out = out;
    run->comma = true;
    return WHOLE;
}

INLINE enum result put_bool(struct run *run, const char *at, char *out)
{
    bool yes = *at == 1;
    memcpy(out, yes ? "true\0\0\0" : "false\0\0", 8);
    return put_end(run, at + 1, out + 5 - yes);
}

/* NULL: that is not to be written. */
static __attribute__((noinline)) char *print_double(const struct gw__decode *decode, const char *at, char *out)
{
    if (decode->options.rules.nan > GW__NAN_NULL && !gw__double_is_finite(at))
        return NULL;
    uint64_t bits = gw__wire_get64(at);
    double number;
    memcpy(&number, &bits, sizeof number);
    return gw__json_print_double(out, number);
}

INLINE enum result put_double(struct gw__decode *decode, struct run *run, const char *at, char *out)
{
    out = print_double(decode, at, out);
    return out ? put_end(run, at + 8, out) : LEFT;
}

INLINE enum result put_i64(struct gw__decode *decode, const struct gw__type *type, struct run *run, const char *at,
                           char *out)
{
    int64_t value = (int64_t)gw__wire_get64(at);
    bool rule = type->as_text || decode->options.rules.int64 > GW__INT64_NUMBER;
    bool text = RARELY(rule) && gw__decode_is_text(decode, type, value);
    *out = '"';
    out = gw__print_i64(out + text, value);
    *out = '"';
    return put_end(run, at + 8, out + text);
}

/* What the writer must look at: more than fits, or what is no UTF-8. */
static __attribute__((noinline)) bool put_any_text(struct gw__decode *decode, const struct gw__type *type,
                                                   const char *text, uint32_t size, char *out)
{
    decode->out->at = out;
    decode->out->comma = false;
    gw__decode_put_text(decode->out, type, text, size);
    return gw__json_out_room(decode->out, ENTRY_BYTES);
}

/* A string or binary. */
INLINE enum result put_text(struct gw__decode *decode, const struct gw__type *type, struct run *run, const char *at,
                            char *out)
{
    uint32_t size = gw__wire_get32(at);
    at += 4;
    if (RARELY(at > run->end || size > (size_t)(run->end - at)))
        return LEFT;
    bool plain = type->kind == GW__STRING;
    if (!plain && decode->in.chunked)
        return LEFT;
    *out = '"';
    if (plain && size <= GW__JSON_PAIR && (uint32_t)((uint64_t)gw__json_copy_pair(out + 1, at) << (32 - size)) == 0) {
        out[1 + size] = '"';
        return put_end(run, at + size, out + size + 2);
    }
    char *to = plain ? gw__json_print_string(out, run->room, at, size, run->safe + LOOK_BYTES) : NULL;
    if (to)
        return put_end(run, at + size, to);
    bool room = put_any_text(decode, type, at, size, out);
    run->at = at + size;
    run->out = decode->out->at;
    run->comma = true;
    if (!room)
        return NO_ROOM; /* memory is out: nothing may follow, not even a colon */
    run->room = decode->out->end - ENTRY_BYTES;
    return WHOLE;
}

/* ---- containers */

INLINE struct gw__decode_frame *last_frame(struct gw__decode *decode)
{
    return &decode->frames[GW__DECODE_DEPTH - 1];
}

INLINE enum result push(const struct gw__decode_frame *frame, struct run *run, const char *at, char *out)
{
    *++run->frame = *frame;
    run->at = at;
    run->out = out;
    run->comma = false;
    return CHANGED;
}

INLINE enum result open_record(struct gw__decode *decode, const struct gw__type *type, struct run *run, const char *at,
                               char *out)
{
    struct gw__bits *bits = &decode->bits;
    uint32_t words = type->record->bit_words;
    if (run->frame == last_frame(decode) || bits->capacity - bits->count < words || at > run->end)
        return LEFT;
    struct gw__decode_frame frame = {.type = type, .bits = (uint32_t)bits->count};
    bits->words[bits->count++] = 0;
    for (uint32_t i = 1; RARELY(i < words); i++)
        bits->words[bits->count++] = 0;
    *out = '{';
    return push(&frame, run, at, out + 1);
}

INLINE enum result open_items(struct gw__decode *decode, const struct gw__type *type, struct run *run, const char *at,
                              char *out)
{
    bool map = type->kind == GW__MAP;
    uint32_t count = gw__wire_get32(at + 1 + map);
    if (run->frame == last_frame(decode) || count > INT32_MAX || (uint8_t)at[map] != type->value->thrift
        || (map && ((uint8_t)*at != type->key->thrift || gw__type_is_pairs(type))) || at + 5 + map > run->end)
        return LEFT;
    struct gw__decode_frame frame = {.type = type, .left = (uint64_t)count << map};
    *out = map ? '{' : '[';
    return push(&frame, run, at + 5 + map, out + 1);
}

INLINE enum result put_value(struct gw__decode *decode, const struct gw__type *type, struct run *run, const char *at,
                             char *out)
{
    switch (type->kind) {
    case GW__BOOL: return put_bool(run, at, out);
    case GW__I8: return put_end(run, at + 1, gw__print_i64(out, (int8_t)*at));
    case GW__I16: return put_end(run, at + 2, gw__print_i64(out, (int16_t)gw__wire_get16(at)));
    case GW__ENUM:
        if (RARELY(decode->options.enum_names))
            return LEFT;
        __attribute__((fallthrough));
    case GW__I32: return put_end(run, at + 4, gw__print_i64(out, (int32_t)gw__wire_get32(at)));
    case GW__I64: return put_i64(decode, type, run, at, out);
    case GW__DOUBLE: return put_double(decode, run, at, out);
    case GW__STRING:
    case GW__BINARY: return put_text(decode, type, run, at, out);
    case GW__LIST:
    case GW__SET:
    case GW__MAP: return open_items(decode, type, run, at, out);
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: return open_record(decode, type, run, at, out);
    default: return LEFT;
    }
}

/* ---- entries */

/* Sixteen bytes at a time, as both have room for; NULL if it is too long. */
INLINE char *put_key(char *out, const struct gw__field *field)
{
    uint32_t size = field->key_size;
    memcpy(out, field->key, 16);
    if (RARELY(size > 16)) {
        if (size > KEY_BYTES)
            return NULL;
        memcpy(out + 16, field->key + 16, 16);
        for (uint32_t i = 32; i < size; i += 16)
            memcpy(out + i, field->key + i, 16);
    }
    return out + size;
}

INLINE bool is_field(const struct gw__field *field, const char *at)
{
    uint32_t given, wanted;
    memcpy(&given, at, 4);
    memcpy(&wanted, field->head, 4);
    return le32toh(given ^ wanted) << 8 == 0; /* three bytes */
}

/* The field where another is expected, unless it has been seen; NULL at the end, and if there is none like that. */
static __attribute__((noinline)) const struct gw__field *find_field(const struct gw__record *record,
                                                                    const uint64_t *seen, const char *at)
{
    if (*at == GW__THRIFT_STOP)
        return NULL;
    const struct gw__field *field = gw__record_by_id(record, (int16_t)gw__wire_get16(at + 1));
    bool good = field && field->type->thrift == (uint8_t)*at && !(seen[field->index / 64] >> field->index % 64 & 1);
    return good ? field : NULL;
}

/* Fields from `first` on that come in the schema's order are marked as seen at once in the end. */
INLINE enum result put_fields(struct gw__decode *decode, struct gw__decode_frame *frame, struct run *run)
{
    const struct gw__record *record = frame->type->record;
    const struct gw__field *fields = record->fields, *first = fields + frame->left, *expected = first;
    uint64_t *seen = decode->bits.words + frame->bits;
    const struct gw__field *last = fields + gw__bits_unseen(seen, (uint32_t)frame->left, record->count);
    enum result result = WHOLE;
    while (result == WHOLE && run->at < run->safe) {
        const struct gw__field *field = expected;
        result = NO_ROOM;
        if (RARELY(run->out > run->room))
            break;
        if (field >= last || !is_field(field, run->at)) {
            gw__bits_mark(seen, (uint32_t)(first - fields), (uint32_t)(expected - fields));
            first = expected;
            field = find_field(record, seen, run->at);
            result = *run->at == GW__THRIFT_STOP ? ENDS : LEFT;
            if (!field)
                break;
            first = expected = field;
            last = fields + gw__bits_unseen(seen, field->index, record->count);
        }
        *run->out = ',';
        char *out = put_key(run->out + run->comma, field);
        result = RARELY(!out) ? LEFT : put_value(decode, field->type, run, run->at + 3, out);
        expected = field + (result != LEFT);
    }
    gw__bits_mark(seen, (uint32_t)(first - fields), (uint32_t)(expected - fields));
    frame->left = (uint64_t)(expected - fields);
    return result;
}

INLINE enum result put_items(struct gw__decode *decode, struct gw__decode_frame *frame, struct run *run)
{
    const struct gw__type *type = frame->type->value;
    enum result result = WHOLE;
    while (result == WHOLE && run->at < run->safe && frame->left) {
        if (RARELY(run->out > run->room))
            return NO_ROOM;
        *run->out = ',';
        result = put_value(decode, type, run, run->at, run->out + run->comma);
        frame->left -= result != LEFT;
    }
    return result == WHOLE && !frame->left ? ENDS : result;
}

INLINE enum result put_pairs(struct gw__decode *decode, struct gw__decode_frame *frame, struct run *run)
{
    const struct gw__type *type = frame->type;
    enum result result = WHOLE;
    if (type->key->kind != GW__STRING)
        return LEFT;
    while (result == WHOLE && run->at < run->safe && frame->left) {
        if (RARELY(run->out > run->room))
            return NO_ROOM;
        if (frame->left % 2 == 0) {
            *run->out = ',';
            result = put_text(decode, type->key, run, run->at, run->out + run->comma);
            if (RARELY(result != WHOLE))
                return result;
            *run->out++ = ':';
            run->comma = false;
        } else {
            result = put_value(decode, type->value, run, run->at, run->out);
        }
        frame->left -= result != LEFT;
    }
    return result == WHOLE && !frame->left ? ENDS : result;
}

/* ---- the run */

static bool has_room(struct gw__decode *decode, struct run *run)
{
    decode->out->at = run->out;
    if (!gw__json_out_room(decode->out, ENTRY_BYTES))
        return false;
    run->out = decode->out->at;
    run->room = decode->out->end - ENTRY_BYTES;
    return true;
}

/* Nothing is absent that must not be; a union has one field. */
INLINE bool is_complete(const struct gw__decode *decode, const struct gw__decode_frame *frame)
{
    const struct gw__record *record = frame->type->record;
    uint64_t seen = decode->bits.words[frame->bits];
    if (record->bit_words > 1 || *record->required_bits & ~seen)
        return false;
    return record->type.kind != GW__UNION || (seen && !(seen & (seen - 1)));
}

/* The one on top. A record that may not be complete is left to the general path. */
INLINE enum result close_container(struct gw__decode *decode, struct run *run)
{
    struct gw__decode_frame *frame = run->frame;
    uint8_t kind = frame->type->kind;
    if (gw__kind_is_record(kind)) {
        if (RARELY(!is_complete(decode, frame)))
            return LEFT;
        decode->bits.count = frame->bits;
        run->at++;
    }
    *run->out++ = kind == GW__LIST || kind == GW__SET ? ']' : '}';
    run->comma = true;
    run->frame--;
    return run->frame >= decode->frames + decode->is_result ? CHANGED : LEFT;
}

/* Entries of the container on top, and of those that open and close on the way. */
static void put_entries(struct gw__decode *decode, struct run run)
{
    enum result result = CHANGED;
    run.out = decode->out->at;
    run.comma = decode->out->comma;
    run.frame = &decode->frames[decode->depth - 1];
    decode->in.at = run.at;
    if (!has_room(decode, &run))
        return;
    do {
        struct gw__decode_frame *frame = run.frame;
        if (gw__kind_is_record(frame->type->kind))
            result = put_fields(decode, frame, &run);
        else if (frame->type->kind == GW__MAP)
            result = put_pairs(decode, frame, &run);
        else
            result = put_items(decode, frame, &run);
        if (result == ENDS)
            result = run.out <= run.room ? close_container(decode, &run) : NO_ROOM;
        if (RARELY(result == NO_ROOM))
            result = has_room(decode, &run) ? CHANGED : LEFT;
    } while (result == CHANGED);
    decode->depth = (unsigned)(run.frame + 1 - decode->frames);
    decode->in.at = run.at;
    decode->out->at = run.out;
    decode->out->comma = run.comma;
}

void gw__decode_ahead(struct gw__decode *decode)
{
    struct gw__thrift_in *in = &decode->in;
    if (decode->depth <= decode->is_result || decode->why)
        return;
    if (in->end - in->at > LOOK_BYTES) {
        const char *safe = in->end - LOOK_BYTES;
        put_entries(decode, (struct run){.at = in->at, .safe = safe, .end = in->end});
    }
    size_t left = (size_t)(in->end - in->at);
    if (left > LOOK_BYTES || left == 0 || decode->depth <= decode->is_result)
        return;
    char tail[2 * LOOK_BYTES] = {0}; /* where more can be looked at */
    memcpy(tail, in->at, left);
    const char *end = in->end;
    put_entries(decode, (struct run){.at = tail, .safe = tail + left, .end = tail + left});
    in->at = end - (tail + left - in->at);
}
