/* Fast path of decode.c: while the bytes are what the schema expects, header, key and value of a field are converted at
 * once. An entry is converted whole, or not at all. Nothing is refused here: whatever is unusual, or not whole in the
 * piece, is left to the general path, which reports errors. */
#include "json/block.h"
#include "transcode/inside.h"

enum {
    KEY_BYTES = 64,                                 /* a longer one is left to the general path */
    ENTRY_BYTES = 1 + KEY_BYTES + 1 + GW__DECODE_SCALAR_BYTES + 4, /* of JSON: an entry but for a longer string */
};

#define INLINE static inline __attribute__((always_inline))

/* Where input and output are, in registers. What stands before `at` and `out` is done. */
struct run {
    const char *at, *end;
    char *out, *room; /* behind `room`, more must be made */
    bool comma;       /* of the writer */
};

enum result {
    LEFT,    /* nothing of the entry was taken */
    WHOLE,   /* it was */
    CHANGED, /* input, output and frames have what was taken, the run does not */
};

INLINE void keep(struct gw__decode *decode, const struct run *run)
{
    decode->in.at = run->at;
    decode->out->at = run->out;
    decode->out->comma = run->comma;
}

/* Sixteen bytes at a time, as both have room for. */
INLINE char *put_key(char *out, const struct gw__field *field)
{
    memcpy(out, field->key, 16);
    for (uint32_t i = 16; i < field->key_size; i += 16)
        memcpy(out + i, field->key + i, 16);
    return out + field->key_size;
}

/* Of less than 16 bytes that need no escape, at `out`; NULL if it is none. */
INLINE char *put_short(char *out, const char *text, uint32_t size, const char *end)
{
    if (size >= 16)
        return NULL;
    *out++ = '"';
    if (end - text >= 16 ? gw__json_copy_block(out, text) < size : !gw__json_copy_short(out, text, size))
        return NULL;
    out[size] = '"';
    return out + size + 1;
}

/* A string of the type, whole in the piece behind run->at, at `out`. */
INLINE enum result put_string(struct gw__decode *decode, const struct gw__type *type, struct run *run, const char *at,
                              char *out)
{
    uint32_t size = gw__wire_get32(at);
    at += 4;
    if (size > (size_t)(run->end - at))
        return LEFT;
    run->at = at + size;
    run->out = type->kind == GW__STRING ? put_short(out, at, size, run->end) : NULL;
    run->comma = true;
    if (run->out)
        return WHOLE;
    run->out = out;
    run->comma = false;
    keep(decode, run);
    gw__decode_put_text(decode->out, type, at, size);
    if (!gw__json_out_room(decode->out, ENTRY_BYTES))
        return CHANGED;
    run->out = decode->out->at;
    run->room = decode->out->end - ENTRY_BYTES;
    run->comma = true;
    return WHOLE;
}

static __attribute__((noinline)) enum result put_container(struct gw__decode *decode, const struct gw__type *type)
{
    const char *bytes = decode->in.at;
    decode->type = type;
    if (gw__kind_is_record(type->kind)) {
        gw__decode_begin_record(decode);
    } else {
        decode->in.at += type->min_bytes;
        gw__decode_begin_items(decode, bytes);
    }
    return CHANGED;
}

/* The value at `at`, whose least bytes are there. */
INLINE enum result put_value(struct gw__decode *decode, const struct gw__type *type, struct run *run, const char *at,
                             char *out)
{
    switch (type->kind) {
    case GW__UUID: return LEFT;
    case GW__I64:
        if (gw__decode_is_text(decode, type, (int64_t)gw__wire_get64(at))) {
            *out = '"';
            out = gw__decode_print_scalar(type, at, out + 1);
            *out++ = '"';
            run->out = out;
            run->at = at + 8;
            run->comma = true;
            return WHOLE;
        }
        break;
    case GW__DOUBLE:
        if (decode->options.rules.nan > GW__NAN_NULL && !gw__double_is_finite(at))
            return LEFT;
        break;
    case GW__ENUM:
        if (decode->options.enum_names)
            return LEFT;
        break;
    case GW__STRING:
    case GW__BINARY: return put_string(decode, type, run, at, out);
    default: break;
    }
    if (type->kind >= GW__LIST) {
        run->at = at;
        run->out = out;
        run->comma = false;
        keep(decode, run);
        return put_container(decode, type);
    }
    run->out = gw__decode_print_scalar(type, at, out);
    run->at = at + type->min_bytes;
    run->comma = true;
    return WHOLE;
}

INLINE enum result put_field(struct gw__decode *decode, struct gw__decode_frame *frame, struct run *run)
{
    const char *at = run->at;
    char *out = run->out;
    if (run->end - at < 3)
        return LEFT;
    const struct gw__field *field = gw__record_by_id(frame->type->record, (int16_t)gw__wire_get16(at + 1));
    if (!field || field->type->thrift != (uint8_t)*at || field->key_size > KEY_BYTES
        || run->end - at < 3 + field->type->min_bytes)
        return LEFT;
    uint64_t *word = &decode->bits.words[frame->bits + field->index / 64], bit = (uint64_t)1 << field->index % 64;
    if (*word & bit)
        return LEFT;
    *out = ',';
    *word |= bit;
    enum result result = put_value(decode, field->type, run, at + 3, put_key(out + run->comma, field));
    if (result == LEFT)
        *word &= ~bit;
    return result;
}

INLINE enum result put_item(struct gw__decode *decode, struct gw__decode_frame *frame, struct run *run)
{
    if (run->end - run->at < frame->type->value->min_bytes)
        return LEFT;
    *run->out = ',';
    frame->left--;
    enum result result = put_value(decode, frame->type->value, run, run->at, run->out + run->comma);
    frame->left += result == LEFT;
    return result;
}

/* A key alone: its value is an entry of its own. */
INLINE enum result put_key_of_map(struct gw__decode *decode, struct gw__decode_frame *frame, struct run *run)
{
    const struct gw__type *type = frame->type->key;
    if (type->kind != GW__STRING || run->end - run->at < 4)
        return LEFT;
    *run->out = ',';
    enum result result = put_string(decode, type, run, run->at, run->out + run->comma);
    if (result != WHOLE)
        return result;
    *run->out++ = ':';
    run->comma = false;
    frame->left--;
    return WHOLE;
}

/* The container on top ends here. */
INLINE bool ends(const struct gw__decode_frame *frame, const struct run *run, bool record)
{
    return record ? run->at < run->end && *run->at == GW__THRIFT_STOP : frame->left == 0;
}

static __attribute__((noinline)) void end_container(struct gw__decode *decode, bool record)
{
    if (!record) {
        gw__decode_end_items(decode);
        return;
    }
    decode->in.at++;
    gw__decode_end_record(decode);
}

/* Entries of the container on top, and of those that open and close on the way. */
static void put_entries(struct gw__decode *decode, struct run run)
{
    struct gw__json_out *out = decode->out;
    while (decode->depth > decode->is_result && !decode->why && gw__json_out_room(out, ENTRY_BYTES)) {
        struct gw__decode_frame *frame = &decode->frames[decode->depth - 1];
        bool record = gw__kind_is_record(frame->type->kind), map = frame->type->kind == GW__MAP;
        enum result result = WHOLE;
        if (map && gw__type_is_pairs(frame->type))
            return;
        run.at = decode->in.at;
        run.out = out->at;
        run.room = out->end - ENTRY_BYTES;
        run.comma = out->comma;
        while (result == WHOLE && run.out <= run.room && !ends(frame, &run, record)) {
            if (record)
                result = put_field(decode, frame, &run);
            else if (map && frame->left % 2 == 0)
                result = put_key_of_map(decode, frame, &run);
            else
                result = put_item(decode, frame, &run);
        }
        if (result == CHANGED)
            continue;
        keep(decode, &run);
        if (result == LEFT)
            return;
        if (run.out <= run.room)
            end_container(decode, record);
    }
}

void gw__decode_ahead(struct gw__decode *decode)
{
    put_entries(decode, (struct run){.end = decode->in.end});
}
