/* Fast path of encode.c: while the text is what the schema expects, key, colon and value of an entry are read at once,
 * without the reader's events. An entry is read whole, or reader and frames are left as they are between two steps of
 * the general path. Nothing is refused here: whatever is unusual is left to the general path, which reports errors. */
#include "json/block.h"
#include "transcode/inside.h"

enum {
    ENTRY_BYTES = 64,                       /* on the wire: of an entry, but for the rest of a string */
    TEXT_BYTES = GW__ENCODE_TAIL_BYTES / 2, /* of text: the like; they are looked at unasked */
    KEY_BYTES = 32,                         /* of these: with quotes and colon */
};

#define INLINE static inline __attribute__((always_inline))

/* Where reader and wire are, in registers. What stands before `at` and `out` is taken. */
struct run {
    const char *at, *safe; /* up to `safe` entries may begin, as TEXT_BYTES are there */
    const char *end;       /* of the text, or where TEXT_BYTES behind it end */
    char *out, *room;      /* behind `room`, more must be made */
    uint64_t *seen;        /* of a record: the bits of its fields */
    uint8_t state;         /* the reader's */
};

enum result {
    LEFT,    /* something unexpected comes */
    WHOLE,   /* taken */
    CHANGED, /* reader, wire and frames have what was taken, the run does not */
};

INLINE void keep(struct gw__encode *encode, const struct run *run)
{
    encode->json.at = run->at;
    encode->json.state = run->state;
    encode->wire->at = run->out;
}

/* ---- values: the text begins at `at`, what is written at *out, which is moved; returned is where the text goes on, or
 * NULL */

INLINE const char *take_double(const char *at, const char *end, char **out)
{
    struct gw__number number;
    double value;
    uint64_t bits;
    const char *behind = gw__number_decimal(at, &value);
    if (!behind) {
        behind = gw__number_scan(&number, at, end);
        if (!behind || number.text.size > GW__JSON_TEXT_BYTES)
            return NULL;
        value = gw__number_double(&number);
        if (value - value != 0)
            return NULL;
    }
    memcpy(&bits, &value, sizeof bits);
    gw__wire_set64(*out, bits);
    *out += 8;
    return behind;
}

INLINE const char *take_bool(const char *at, char **out)
{
    bool yes = memcmp(at, "true", 4) == 0;
    if (!yes && memcmp(at, "false", 5) != 0)
        return NULL;
    *(*out)++ = yes;
    return at + 5 - yes;
}

INLINE const char *take_integer(const struct gw__type *type, const char *at, const char *end, char **out)
{
    struct gw__number number;
    const char *behind = gw__number_short(at, &number.int64);
    if (!behind) {
        behind = gw__number_scan(&number, at, end);
        if (!behind || !number.is_int64)
            return NULL;
    }
    if (!gw__encode_fits(number.int64, type->min_bytes))
        return NULL;
    gw__wire_set64(*out, (uint64_t)number.int64 << (64 - 8 * type->min_bytes));
    *out += type->min_bytes;
    return behind;
}

/* Of less than 16 plain bytes. */
INLINE const char *take_short(const char *at, char **out)
{
    if (*at != '"')
        return NULL;
    unsigned count = gw__json_copy_block(*out + 4, at + 1);
    if (count == 16 || at[1 + count] != '"')
        return NULL;
    gw__wire_set32(*out, count);
    *out += 4 + count;
    return at + count + 2;
}

INLINE const char *take_scalar(const struct gw__type *type, const char *at, const char *end, char **out)
{
    switch (type->kind) {
    case GW__BOOL: return take_bool(at, out);
    case GW__I8:
    case GW__I16:
    case GW__I32:
    case GW__I64:
    case GW__ENUM: return take_integer(type, at, end, out);
    case GW__DOUBLE: return take_double(at, end, out);
    case GW__STRING: return take_short(at, out);
    default: return NULL;
    }
}

/* A string that ends in another piece or segment, or has rare escapes, is left to the general path from there on. No
 * byte from `end` on is looked at. */
static enum result take_string(struct gw__encode *encode, const struct gw__type *type, const char *end)
{
    struct gw__json *json = &encode->json;
    struct gw__wire *wire = encode->wire;
    char *length = wire->at, *text = length + 4;
    const char *at = gw__json_copy_whole(json->at + 1, end, &text, wire->end);
    if (at < end && *at == '"') {
        gw__wire_set32(length, (uint32_t)(text - length - 4));
        wire->at = text;
        json->at = at + 1;
        json->state = GW__JSON_BEHIND_VALUE;
        return WHOLE;
    }
    gw__json_open_string(json, false);
    gw__encode_begin_string(encode, type, AT_COPY);
    json->at = at;
    wire->at = text;
    encode->length = (uint64_t)(text - length - 4);
    gw__encode_copy_string(encode);
    return CHANGED;
}

static enum result take_container(struct gw__encode *encode, const struct gw__type *type)
{
    bool items = type->kind == GW__LIST || type->kind == GW__SET;
    if (*encode->json.at != (items ? '[' : '{') || encode->json.depth == encode->json.depth_limit)
        return LEFT;
    gw__json_open(&encode->json, !items);
    if (gw__kind_is_record(type->kind))
        gw__encode_push_record(encode, type);
    else
        gw__encode_push_items(encode, type);
    return CHANGED;
}

static __attribute__((noinline)) enum result take_large(struct gw__encode *encode, const struct gw__type *type,
                                                        const char *end)
{
    if (type->kind == GW__STRING && *encode->json.at == '"')
        return take_string(encode, type, end);
    return type->kind >= GW__LIST ? take_container(encode, type) : LEFT;
}

/* The value at run->at, at `out` on the wire. */
INLINE enum result take_value(struct gw__encode *encode, const struct gw__type *type, struct run *run, char *out)
{
    const char *at = take_scalar(type, run->at, run->end, &out);
    if (!at) {
        keep(encode, run);
        encode->wire->at = out;
        enum result result = take_large(encode, type, run->end);
        if (result != WHOLE)
            return result;
        at = encode->json.at;
        out = encode->wire->at;
    }
    run->at = at;
    run->out = out;
    run->state = GW__JSON_BEHIND_VALUE;
    return WHOLE;
}

/* ---- entries: with the comma in front of them */

INLINE const char *pass_comma(const struct run *run)
{
    const char *at = run->at;
    if (run->state == GW__JSON_BEHIND_VALUE && *at++ != ',')
        return NULL;
    return at + (*at == ' ');
}

/* The field that the text names; *at: where the text goes on behind the colon. */
INLINE const struct gw__field *find_field(const struct gw__record *record, uint32_t expect, const char **at)
{
    const struct gw__field *field = &record->fields[expect];
    if (expect < record->count && field->key_size <= KEY_BYTES
        && gw__json_same_key(*at, field->key, field->key_size)) {
        *at += field->key_size;
        return field;
    }
    char name[20], *behind = name;
    const char *colon = take_short(*at, &behind);
    if (!colon || *colon != ':')
        return NULL;
    *at = colon + 1;
    return gw__record_by_name(record, name + 4, (size_t)(behind - name - 4));
}

INLINE enum result take_field(struct gw__encode *encode, struct gw__encode_frame *frame, struct run *run)
{
    const char *at = pass_comma(run);
    const struct gw__field *field = at ? find_field(frame->type->record, frame->expect, &at) : NULL;
    if (!field || !gw__encode_begin_field(frame, run->seen, field))
        return LEFT;
    run->at = at + (*at == ' ');
    run->state = GW__JSON_AT_VALUE;
    char *out = run->out;
    *out = (char)field->type->thrift;
    gw__wire_set16(out + 1, (uint16_t)field->id);
    return take_value(encode, field->type, run, out + 3);
}

INLINE enum result take_counted(struct gw__encode *encode, struct gw__encode_frame *frame, struct run *run)
{
    frame->count++;
    enum result result = take_value(encode, frame->type->value, run, run->out);
    frame->count -= result == LEFT; /* it is counted with its event */
    return result;
}

INLINE enum result take_pair(struct gw__encode *encode, struct gw__encode_frame *frame, struct run *run)
{
    const char *at = pass_comma(run);
    char *out = run->out;
    at = at && frame->type->key->kind == GW__STRING ? take_short(at, &out) : NULL;
    if (!at || *at != ':')
        return LEFT;
    frame->key = run->out;
    run->at = at + 1 + (at[1] == ' ');
    run->out = out;
    run->state = GW__JSON_AT_VALUE;
    return take_counted(encode, frame, run);
}

INLINE enum result take_item(struct gw__encode *encode, struct gw__encode_frame *frame, struct run *run)
{
    const char *at = pass_comma(run);
    if (!at)
        return LEFT;
    if (run->state == GW__JSON_BEHIND_VALUE) /* there was a comma: no end may come now */
        run->state = GW__JSON_AT_VALUE;
    run->at = at;
    return take_counted(encode, frame, run);
}

/* ---- containers */

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

/* Entries of the container on top, and of those that open and close on the way. */
static void take_entries(struct gw__encode *encode, struct run run)
{
    struct gw__json *json = &encode->json;
    struct gw__wire *wire = encode->wire;
    while (encode->depth && encode->step == AT_EVENT && !encode->no_memory && gw__wire_room(wire, ENTRY_BYTES)) {
        struct gw__encode_frame *frame = gw__encode_top(encode);
        bool record = gw__kind_is_record(frame->type->kind), map = frame->type->kind == GW__MAP;
        char close = record || map ? '}' : ']';
        enum result result = WHOLE;
        run.at = json->at;
        run.out = wire->at;
        run.room = wire->end - ENTRY_BYTES;
        run.seen = encode->bits.words + frame->bits;
        run.state = json->state;
        if (run.state != GW__JSON_BEHIND_VALUE
            && run.state != (record || map ? GW__JSON_AT_FIRST_KEY : GW__JSON_AT_FIRST_VALUE))
            return;
        while (result == WHOLE && run.at <= run.safe && run.out <= run.room && *run.at != close) {
            if (record)
                result = take_field(encode, frame, &run);
            else
                result = map ? take_pair(encode, frame, &run) : take_item(encode, frame, &run);
        }
        if (result == CHANGED)
            continue;
        keep(encode, &run);
        if (result == LEFT || run.at > run.safe)
            return;
        if (run.out <= run.room) {
            gw__json_close(json);
            gw__encode_end_container(encode);
        }
    }
}

void gw__encode_ahead(struct gw__encode *encode)
{
    struct gw__json *json = &encode->json;
    if (json->end - json->at >= TEXT_BYTES)
        take_entries(encode, (struct run){.safe = json->end - TEXT_BYTES, .end = json->end});
    if (!json->last || json->end - json->at >= TEXT_BYTES || json->at == json->end || encode->step != AT_EVENT)
        return;
    if (json->piece != encode->tail)
        make_tail(encode);
    take_entries(encode, (struct run){.safe = json->end - 1, .end = json->end - 1 + TEXT_BYTES});
}
