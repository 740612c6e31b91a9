/* What the files of encode share. */
#ifndef GW_TRANSCODE_INSIDE_H
#define GW_TRANSCODE_INSIDE_H

#include "transcode/encode.h"

static inline struct gw__encode_frame *gw__encode_top(struct gw__encode *encode)
{
    return encode->depth ? &encode->frames[encode->depth - 1] : NULL;
}

/* ---- misfit.c: told with the pointer to what the first `depth` frames are at, with one more step if `name` is given.
 * `got` may be cut short. */
struct gw__misfit {
    unsigned depth;
    const struct gw__str *name;
    const char *expected, *nearest; /* NULL: no "nearest: …" behind it */
    struct gw__str got;
    const struct gw__origin *origin;
};
void gw__encode_misfit(struct gw__encode *encode, const struct gw__misfit *misfit);
/* A value of another type, of which the reader has told the event. */
void gw__encode_wrong(struct gw__encode *encode, const char *expected, enum gw__json_event event);
void gw__encode_wrong_text(struct gw__encode *encode, const char *expected, struct gw__str text);
void gw__encode_absent(struct gw__encode *encode, const struct gw__field *field);
void gw__encode_twice(struct gw__encode *encode, const struct gw__field *field);
void gw__encode_unknown(struct gw__encode *encode, const struct gw__record *record, struct gw__str name);
void gw__encode_syntax(struct gw__encode *encode);

/* ---- scalar.c: number, true or false for a scalar other than a string; false after telling the misfit. */
bool gw__encode_scalar(struct gw__encode *encode, const struct gw__type *type, enum gw__json_event event);
/* A string for one. */
bool gw__encode_scalar_text(struct gw__encode *encode, const struct gw__type *type, struct gw__str text);
/* A map's key, in one piece on the wire; NULL if it does not fit, and after memory was out. */
char *gw__encode_map_key(struct gw__encode *encode, const struct gw__type *type, struct gw__str text);

/* ---- absent.c */
void gw__encode_field(struct gw__wire *wire, const struct gw__field *field);
void gw__encode_zero(struct gw__wire *wire, const struct gw__type *type);
void gw__encode_value(struct gw__wire *wire, const struct gw__value *value);
/* Writes or tells of all that is absent from the record on top, whose bits are known, and ends it. */
void gw__encode_end_record(struct gw__encode *encode);

#endif
