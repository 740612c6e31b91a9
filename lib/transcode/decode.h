/* Decode: values of Thrift, in any encoding, pushed in pieces cut anywhere, to JSON, in one pass and without a tree.
 * What has been written may be sent and taken away after every piece. Fields that the schema does not know, or knows as
 * another type, are passed over; a required one missing, a field given twice, a list of another type, a union with no
 * field or with two are BAD. Bytes of a string that are no UTF-8 become U+FFFD (`repaired` of the writer); in JSON they
 * are BAD.
 *
 * Of a result struct only the one field that is set is written: its bare JSON. `outcome` is that field (id 0 is
 * success, others are exceptions), known as soon as its JSON begins, and NULL for void. */
#ifndef GW_TRANSCODE_DECODE_H
#define GW_TRANSCODE_DECODE_H

#include "base/text.h"
#include "base/base64.h"
#include "json/writer.h"
#include "schema/schema.h"
#include "transcode/bits.h"
#include "transcode/rules.h"
#include "wire/to_binary.h"

enum { GW__DECODE_DEPTH = GW__THRIFT_DEPTH + 1 /* a result around it */, GW__DECODE_GOT_BYTES = 48 };

struct gw__decode_frame {
    const struct gw__type *type;
    uint64_t left; /* container: values to come; of a map, keys and values. Record: which field likely comes next */
    uint32_t bits; /* record: where its bits begin */
    bool passed;   /* record: a field of it was passed over */
    bool in_pair;  /* map whose keys JSON can't have: the bracket of a pair is open */
};

/* All zero: from binary, enums as numbers. */
struct gw__decode_options {
    uint8_t encoding; /* enum gw__encoding */
    bool in_message;  /* JSON: the bracket that closes the message follows, and belongs to it */
    struct gw__json_rules rules;
    bool lenient;    /* unions are like structs: any number of fields */
    bool enum_names; /* else numbers; of unknown ones always */
    bool any;        /* a result need not be set although it is not void */
};

/* Read `outcome` and `why`; the rest is for decode.c alone. */
struct gw__decode {
    const struct gw__field *outcome;
    const char *why; /* of BAD: what is wrong, for logs */
    const char *expected;           /* of BAD, if known: in place of what there should be what; */
    char got[GW__DECODE_GOT_BYTES]; /* empty: `why` says it */
    const struct gw__field *absent; /* the field that should be there, in what was reached */
    bool no_memory;
    bool is_result, is_key;
    struct gw__decode_options options;
    struct gw__json_out *out;
    uint8_t step, wire_type;
    unsigned depth;
    const struct gw__type *type; /* of the value that comes next or is being read */
    uint32_t bytes; /* of a string to come */
    bool chunk;     /* another chunk of it follows that one */
    struct gw__base64 base64;
    struct gw__bits bits; /* of the fields seen */
    struct gw__decode_frame frames[GW__DECODE_DEPTH];
    struct gw__thrift_in in;
    struct gw__thrift_skip skip;
    struct gw__to_binary to_binary; /* other encodings */
};

/* A method's result; appends to `out`. Everything is borrowed until finish. */
void gw__decode_init_result(struct gw__decode *decode, const struct gw__record *result,
                            const struct gw__decode_options *options, struct gw__json_out *out);
/* A value of any type, a struct as an object. */
void gw__decode_init_value(struct gw__decode *decode, const struct gw__type *type,
                           const struct gw__decode_options *options, struct gw__json_out *out);
void gw__decode_finish(struct gw__decode *decode);

/* The next bytes. DONE: the first *taken of them belonged to it. MORE: all of them did. */
enum gw__wire_status gw__decode_feed(struct gw__decode *decode, const char *data, size_t size, size_t *taken);

/* After BAD, and if nothing of what was written has been taken away: what does not fit, as an array with one object
 * {pointer, expected, got, idl} like the errors of encode, and as a sentence. text: what was written, the result alone.
 * Both are appended to; false: memory was out. */
bool gw__decode_tell(const struct gw__decode *decode, const char *text, size_t size, struct gw__json_out *errors,
                     struct gw__text *sentence);

#endif
