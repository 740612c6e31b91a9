/* What the files of encode share, and those of decode. */
#ifndef GW_TRANSCODE_INSIDE_H
#define GW_TRANSCODE_INSIDE_H

#include "json/print.h"
#include "transcode/decode.h"
#include "transcode/encode.h"

enum {
    AT_EVENT, /* ask the reader */
    AT_NAME,  /* a record's key that was not the expected one */
    AT_KEY,   /* a map's key */
    AT_TEXT,  /* a string for a scalar */
    AT_COPY,  /* a string for a string */
    AT_RAW,   /* anything for a string */
    AT_BASE64,
    AT_SKIP,
    AT_STOP, /* all is over */
};

#define GW__DEEP "at most 64 levels" /* what is expected of the nesting of an answer */
_Static_assert(GW__THRIFT_DEPTH == 64, "as GW__DEEP says");

static inline struct gw__encode_frame *gw__encode_top(struct gw__encode *encode)
{
    return encode->depth ? &encode->frames[encode->depth - 1] : NULL;
}

/* The field's value comes next; false if it has had one. seen: the bits of the record. */
static inline bool gw__encode_begin_field(struct gw__encode_frame *frame, uint64_t *seen, const struct gw__field *field)
{
    uint64_t *word = &seen[field->index / 64], bit = (uint64_t)1 << field->index % 64;
    bool first = !(*word & bit);
    *word |= bit;
    frame->field = field;
    frame->expect = field->index + 1u;
    return first;
}

/* Fields from index `first` up to `end` are seen. */
static inline void gw__bits_mark(uint64_t *seen, uint32_t first, uint32_t end)
{
    for (uint32_t at = first, next; at < end; at = next) {
        next = (at | 63) + 1 < end ? (at | 63) + 1 : end;
        seen[at / 64] |= ~(uint64_t)0 >> (64 - (next - at)) << at % 64;
    }
}

/* How far the fields from index `first` on have not been seen: where the next seen one or the next word is. */
static inline uint32_t gw__bits_unseen(const uint64_t *seen, uint32_t first, uint32_t count)
{
    uint64_t later = seen[first / 64] >> first % 64;
    uint32_t end = later ? first + (uint32_t)__builtin_ctzll(later) : (first | 63) + 1;
    return end < count ? end : count;
}

static inline bool gw__encode_fits(int64_t value, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;
    return (int64_t)((uint64_t)value << unused) >> unused == value;
}

/* ---- encode.c: the one on top. */
void gw__encode_end_container(struct gw__encode *encode);
/* The text begins with the bracket that the next byte is: that of a record, if the root is one. */
void gw__encode_begin_root(struct gw__encode *encode);

/* What was written in binary has become so much that it is to go over to the target before more is. What is lost stays
 * where it is: it is not whole, and would be forgotten. */
static inline bool gw__encode_is_due(const struct gw__encode *encode)
{
    const struct gw__wire *wire = encode->wire;
    return wire != encode->target && wire->last && !wire->lost
        && wire->before + (size_t)(wire->at - wire->last->bytes) >= encode->due;
}

/* ---- encode_ahead.c: takes as many entries as lie whole in the piece, are just what the schema wants, and are written
 * in the common way; leaves off in front of anything else. Only between two steps. */
void gw__encode_ahead(struct gw__encode *encode);

/* ---- repeat.c: tells what is twice in the set or map on top, which ends here. Where something in it did not fit,
 * nothing is looked for. */
void gw__encode_check_repeats(struct gw__encode *encode);
/* An element or entry of a marked container begins there, in the last segment. */
void gw__encode_mark(struct gw__encode *encode, const char *at);

static inline bool gw__encode_is_marked(const struct gw__encode *encode, const struct gw__type *type)
{
    return type->kind != GW__LIST && type->value->kind >= GW__LIST && !encode->options.lenient;
}

/* ---- misfit.c: told with the pointer to what the first `depth` frames are at, with one more step if `name` is given.
 * `got` may be cut short. */
struct gw__misfit {
    unsigned depth;
    const struct gw__str *name;
    const char *expected;
    struct gw__str nearest; /* NULL: no "nearest: …" behind it */
    struct gw__str got;
    struct gw__origin origin; /* no file: not told */
};
/* The field that the innermost value belongs to, else the method. */
struct gw__origin gw__encode_origin(const struct gw__encode *encode);
/* As an object of JSON. */
void gw__misfit_put(struct gw__json_out *out, const struct gw__text *pointer, const char *expected, struct gw__str got,
                    struct gw__origin origin);
void gw__encode_misfit(struct gw__encode *encode, const struct gw__misfit *misfit);
bool gw__encode_is_full(const struct gw__encode *encode); /* no more misfits are told */
/* Of the value that the frames are at. */
void gw__encode_wrong_as(struct gw__encode *encode, const char *expected, struct gw__str got);
/* A value of another type, of which the reader has told the event. */
void gw__encode_wrong(struct gw__encode *encode, const char *expected, enum gw__json_event event);
void gw__encode_wrong_text(struct gw__encode *encode, const char *expected, struct gw__str text);
void gw__encode_absent(struct gw__encode *encode, const struct gw__field *field, const char *expected);
void gw__encode_twice(struct gw__encode *encode, const struct gw__field *field);
/* The field of a union that has `first` already. */
void gw__encode_second(struct gw__encode *encode, const struct gw__field *field, const struct gw__field *first);
void gw__encode_unknown(struct gw__encode *encode, const struct gw__record *record, struct gw__str name);
void gw__encode_syntax(struct gw__encode *encode);

/* ---- scalar.c: number, true or false for a scalar other than a string; false after telling the misfit. */
bool gw__encode_scalar(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event);
/* A type whose values may be strings in JSON, other than text. */
bool gw__encode_takes_text(const struct gw__encode *encode, const struct gw__type *type);
/* A string for one. */
bool gw__encode_scalar_text(struct gw__encode *encode, const struct gw__type *type, struct gw__str text);
/* A map's key, in one piece on the wire; NULL if it does not fit, and after memory was out. */
char *gw__encode_map_key(struct gw__encode *encode, const struct gw__type *type, struct gw__str text);

/* ---- absent.c */
void gw__encode_field(struct gw__wire *wire, const struct gw__field *field);
void gw__encode_zero(struct gw__wire *wire, const struct gw__type *type);
/* Writes or tells of all that is absent from the record on top, whose bits are known, and ends it. */
void gw__encode_end_record(struct gw__encode *encode);

/* A map with such keys is an array of [key, value] in JSON. */
static inline bool gw__type_is_pairs(const struct gw__type *type)
{
    return type->kind == GW__MAP && type->key->kind >= GW__LIST;
}

static inline bool gw__double_is_finite(const char *bytes)
{
    return (gw__wire_get16(bytes) & 0x7ff0) != 0x7ff0;
}

/* The word for one that is not, which no JSON number is. */
static inline const char *gw__double_word(const char *bytes)
{
    uint64_t bits = gw__wire_get64(bytes);
    return bits << 12 ? "NaN" : bits >> 63 ? "-Infinity" : "Infinity";
}

static inline uint8_t gw__base64_form(const struct gw__json_rules *rules)
{
    return rules->binary == GW__BINARY_BASE64URL ? GW__BASE64_URL | GW__BASE64_BARE : GW__BASE64_PADDED;
}

/* ---- decode.c: a string or binary. */
void gw__decode_put_text(struct gw__json_out *out, const struct gw__type *type, const char *text, size_t size);

/* ---- decode_ahead.c: takes as many entries as lie whole in the piece and are just what the schema says; leaves off in
 * front of anything else. Only at AT_NEXT; the same after it, perhaps with `why`. */
void gw__decode_ahead(struct gw__decode *decode);

enum { GW__DECODE_SCALAR_BYTES = 32 };


/* An i64 is a string in JSON. */
static inline bool gw__decode_is_text(const struct gw__decode *decode, const struct gw__type *type, int64_t value)
{
    const int64_t most = ((int64_t)1 << GW__SAFE_BITS) - 1;
    uint8_t rule = decode->options.rules.int64;
    return type->as_text || rule == GW__INT64_STRING || (rule == GW__INT64_AUTO && (value > most || value < -most));
}

/* A value of fixed size but a UUID, an enum as its number, as JSON; returns its end. Up to GW__DECODE_SCALAR_BYTES are
 * overwritten. */
static inline char *gw__decode_print_scalar(const struct gw__type *type, const char *bytes, char *out)
{
    uint64_t bits;
    double number;
    switch (type->kind) {
    case GW__BOOL:
        memcpy(out, *bytes == 1 ? "true\0\0\0" : "false\0\0", 8);
        return out + 5 - (*bytes == 1);
    case GW__I8: return gw__print_i64(out, (int8_t)*bytes);
    case GW__I16: return gw__print_i64(out, (int16_t)gw__wire_get16(bytes));
    case GW__I32:
    case GW__ENUM: return gw__print_i64(out, (int32_t)gw__wire_get32(bytes));
    case GW__I64: return gw__print_i64(out, (int64_t)gw__wire_get64(bytes));
    default:
        bits = gw__wire_get64(bytes);
        memcpy(&number, &bits, sizeof number);
        return gw__json_print_double(out, number);
    }
}

#endif
