/* Writer: JSON into a buffer that grows. It sets commas, escapes, and looks after UTF-8; what is nested in what is the
 * caller's business. Nothing reports a failure: look at `lost` and `repaired` in the end. */
#ifndef GW_JSON_WRITER_H
#define GW_JSON_WRITER_H

#include "json/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zero it to begin with. Written is what lies from `begin` to `at`; who has sent it sets `at` back to `begin`. */
struct gw__json_out {
    char *begin, *at, *end;
    bool comma;    /* the next value or key needs one */
    bool lost;     /* memory was out; from then on nothing is written */
    bool repaired; /* a byte that is no UTF-8 became U+FFFD */
    uint8_t base64; /* form of base64, of enum gw__base64_form or-ed: set it before writing */
    uint8_t torn_size;
    char torn[4]; /* the end of a piece: less than a character, or than three bytes of base64 */
};

void gw__json_out_finish(struct gw__json_out *out);
bool gw__json_out_grow(struct gw__json_out *out, size_t size);

/* Room for that many bytes; false when memory is out. */
static inline bool gw__json_out_room(struct gw__json_out *out, size_t size)
{
    return (size_t)(out->end - out->at) >= size || gw__json_out_grow(out, size);
}

static inline void gw__json_put_comma(struct gw__json_out *out)
{
    if (out->comma && gw__json_out_room(out, 1))
        *out->at++ = ',';
}

/* As it is: a value whose JSON is known. */
static inline void gw__json_put_raw(struct gw__json_out *out, const char *text, size_t size)
{
    gw__json_put_comma(out);
    out->comma = true;
    if (gw__json_out_room(out, size))
        out->at = (char *)memcpy(out->at, text, size) + size;
}

/* A key whose JSON is known, with its colon: `"name":`. */
static inline void gw__json_put_raw_key(struct gw__json_out *out, const char *text, size_t size)
{
    gw__json_put_raw(out, text, size);
    out->comma = false;
}

/* '{' or '['. */
static inline void gw__json_put_open(struct gw__json_out *out, char bracket)
{
    gw__json_put_raw(out, &bracket, 1);
    out->comma = false;
}

/* '}' or ']'. */
static inline void gw__json_put_close(struct gw__json_out *out, char bracket)
{
    out->comma = false;
    gw__json_put_raw(out, &bracket, 1);
}

void gw__json_put_key(struct gw__json_out *out, const char *name, size_t size);
/* A key made of any scalar: open, one value, close. A value that has quotes itself is written between
 * gw__json_put_string_begin() and _end() and closed by gw__json_put_colon(). */
void gw__json_put_key_open(struct gw__json_out *out);
void gw__json_put_key_close(struct gw__json_out *out);
void gw__json_put_colon(struct gw__json_out *out);

void gw__json_put_null(struct gw__json_out *out);
void gw__json_put_bool(struct gw__json_out *out, bool value);
void gw__json_put_int64(struct gw__json_out *out, int64_t value);
void gw__json_put_uint64(struct gw__json_out *out, uint64_t value);
/* In the shortest form that is read back as the same double. NaN and the infinite ones become null: false. */
bool gw__json_put_double(struct gw__json_out *out, double value);

/* The text of it at `out`, where GW__DOUBLE_BYTES are; returns its end. */
static inline char *gw__json_print_double(char *out, double value)
{
    if (value - value == 0)
        return out + gw__double_print(out, value);
    memcpy(out, "null", 4);
    return out + 4;
}

/* A string at `out`; returns its end. NULL: it is no UTF-8, or there are not 32 bytes behind the text that can be read,
 * or not eight times as many at `out` as the text has, and 64; `out_end` may lie before `out`. */
char *gw__json_print_string(char *out, const char *out_end, const char *text, size_t size, const char *readable);
void gw__json_put_string(struct gw__json_out *out, const char *text, size_t size);
/* 16 bytes as a string: 00112233-4455-6677-8899-aabbccddeeff. */
void gw__json_put_uuid(struct gw__json_out *out, const char *bytes);
/* Bytes as a string of base64 in the form set. */
void gw__json_put_base64(struct gw__json_out *out, const void *data, size_t size);
/* Either in pieces, cut anywhere. */
void gw__json_put_string_begin(struct gw__json_out *out);
void gw__json_put_string_piece(struct gw__json_out *out, const char *text, size_t size);
void gw__json_put_base64_piece(struct gw__json_out *out, const void *data, size_t size);
void gw__json_put_string_end(struct gw__json_out *out);
void gw__json_put_base64_end(struct gw__json_out *out);

#endif
