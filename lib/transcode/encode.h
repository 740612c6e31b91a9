/* Encode: the JSON text of a method's arguments, pushed in pieces cut anywhere, to the args struct of Thrift binary, in
 * one pass and without a tree. What is written may be sent only once DONE was returned: then all of it fits the schema.
 * A misfit does not end the pass: the rest is read so that all misfits are told at once.
 *
 * Strict: every misfit is an error, an absent field is its default if it has one. Lenient: as Kitex's generic call
 * reads JSON (numbers truncated, strings taken for numbers, zero values for what is absent, unknown fields passed
 * over). A field given twice, a second field of a union, an element of a set or a key of a map given before are misfits
 * if strict, else written as given. */
#ifndef GW_TRANSCODE_ENCODE_H
#define GW_TRANSCODE_ENCODE_H

#include "base/base64.h"
#include "base/text.h"
#include "json/reader.h"
#include "json/writer.h"
#include "schema/schema.h"
#include "transcode/bits.h"
#include "transcode/from_binary.h"
#include "transcode/rules.h"
#include "wire/thrift.h"

enum { GW__ENCODE_DEPTH = 64, GW__ENCODE_ERRORS = 20, GW__ENCODE_TAIL_BYTES = 176 };

struct gw__encode_frame {
    const struct gw__type *type;
    const struct gw__field *field; /* record: whose value comes or is being read; NULL: an unknown one's */
    char *patch;                   /* container: where the count stands, in front of the first item; NULL: passed on */
    const struct gw__wire_segment *segment; /* container: that has it */
    char *key;                     /* map: the key last written */
    uint32_t count;                /* container: values begun */
    uint32_t expect;               /* record: index of the field that most likely comes next */
    uint32_t bits;                 /* record: where its bits begin; marked: where its marks do */
    uint8_t form;                  /* enum gw__encode_form */
    bool marked;                   /* set or map: where its elements or entries begin is noted */
    uint8_t errors;                /* container: misfits told before it began */
};

enum gw__encode_form {
    GW__ENCODE_PLAIN, /* what the type is */
    GW__ENCODE_PAIRS, /* a map whose keys no JSON object can have: an array of [key, value] */
    GW__ENCODE_PAIR,  /* one of them; `type` is the map */
};

/* All zero: strict, to binary. */
struct gw__encode_options {
    uint8_t encoding; /* enum gw__encoding */
    bool lenient;
    struct gw__json_rules rules;
    bool in_message; /* JSON: the bracket that closes the message is written, too */
    struct gw__wire *plain; /* for encodings whose values are not binary's: where some of these stand as such before.
                             * Borrowed, emptied by init */
};

enum { GW__ENCODE_MARKS = 128 /* more than that many are allocated */ };

/* Where elements of sets and entries of maps under way begin, in bytes of the message, container upon container: of
 * those that can hold large values, which are not to be read once more at each level. */
struct gw__marks {
    uint32_t *items; /* NULL: `few` */
    size_t count, capacity;
    uint32_t few[GW__ENCODE_MARKS];
};

/* Read `errors`, `error_count` and `first`; the rest is for transcode/ alone. */
struct gw__encode {
    const struct gw__method *method; /* if its arguments are a union, they are the result that it is to have */
    struct gw__wire *wire;   /* where binary is written: `target`, or what it is made from, piece after piece */
    struct gw__wire *target;
    size_t mark;             /* bytes that are worth being passed on to the target */
    size_t due;              /* that many in `wire` are to be */
    char *from;              /* the first that was not yet; NULL: that of the first segment */
    size_t gone;             /* bytes that were, and are freed */
    struct gw__encode_options options;
    bool no_memory;
    bool begun; /* something stands in the text */
    struct gw__json_out errors; /* JSON array of {pointer, expected, got, idl}, once BAD was returned */
    unsigned error_count;       /* of those told, at most GW__ENCODE_ERRORS, fewer if they are long */
    size_t last_error;          /* where in `errors` the last of them begins */
    struct gw__text first;      /* the first of them as a sentence */
    uint8_t step;
    unsigned depth;
    const struct gw__type *type; /* of the string that is being read */
    char *patch;                 /* where its length stands */
    uint64_t length;
    struct gw__base64 base64;
    struct gw__bits bits; /* of the fields seen */
    struct gw__marks marks;
    struct gw__from_binary pass; /* to the target, if that is not binary */
    struct gw__encode_frame frames[GW__ENCODE_DEPTH + 2];
    char tail[GW__ENCODE_TAIL_BYTES]; /* a copy of the last bytes of the text, in the middle */
    struct gw__json json;
};

/* Appends to `wire`, in which a message header may stand already. The options are copied (NULL: all zero), everything
 * else is borrowed until finish. */
void gw__encode_init(struct gw__encode *encode, const struct gw__method *method,
                     const struct gw__encode_options *options, struct gw__wire *wire);
void gw__encode_finish(struct gw__encode *encode);

/* The next piece of text; it may be empty, as must be the last if that is not known before. MORE: feed on. BAD: look at
 * no_memory, then at wire->full, then at `errors`. After DONE or BAD feed no more. */
enum gw__wire_status gw__encode_feed(struct gw__encode *encode, const char *text, size_t size, bool last);

#endif
