/* Values as JSON. Strings are copied and looked at sixteen bytes at a time; what is special goes byte by byte. Whatever
 * the input, the output is valid JSON. */
#include "json/writer.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "json/block.h"
#include "json/escape.h"
#include "json/print.h"
#include "json/utf8.h"

enum { FIRST_BYTES = 512, STEP_BYTES = 32 };

void gw__json_out_finish(struct gw__json_out *out)
{
    gw__free(out->begin);
    out->begin = out->at = out->end = NULL;
}

bool gw__json_out_grow(struct gw__json_out *out, size_t size)
{
    size_t used = (size_t)(out->at - out->begin), capacity = (size_t)(out->end - out->begin);
    if (out->lost)
        return false;
    size_t wanted = capacity ? 2 * capacity : FIRST_BYTES;
    if (wanted < used + size)
        wanted = used + size;
    char *begin = size <= SIZE_MAX - used ? gw__realloc(out->begin, wanted) : NULL;
    if (!begin) {
        out->lost = true;
        out->end = out->at; /* so that room is asked for here */
        return false;
    }
    out->begin = begin;
    out->at = begin + used;
    out->end = begin + wanted;
    return true;
}

static inline void put_char(struct gw__json_out *out, char c)
{
    if (gw__json_out_room(out, 1))
        *out->at++ = c;
}

void gw__json_put_colon(struct gw__json_out *out)
{
    put_char(out, ':');
    out->comma = false;
}

void gw__json_put_key_open(struct gw__json_out *out)
{
    gw__json_put_string_begin(out);
    out->comma = false;
}

void gw__json_put_key_close(struct gw__json_out *out)
{
    put_char(out, '"');
    gw__json_put_colon(out);
}

void gw__json_put_key(struct gw__json_out *out, const char *name, size_t size)
{
    gw__json_put_string(out, name, size);
    gw__json_put_colon(out);
}

void gw__json_put_null(struct gw__json_out *out)
{
    gw__json_put_raw(out, "null", 4);
}

void gw__json_put_bool(struct gw__json_out *out, bool value)
{
    gw__json_put_raw(out, value ? "true" : "false", value ? 4 : 5);
}

static void put_integer(struct gw__json_out *out, bool negative, uint64_t magnitude)
{
    gw__json_put_comma(out);
    out->comma = true;
    if (!gw__json_out_room(out, GW__PRINT_BYTES))
        return;
    *out->at = '-';
    out->at = gw__print_u64(out->at + negative, magnitude);
}

void gw__json_put_int64(struct gw__json_out *out, int64_t value)
{
    put_integer(out, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void gw__json_put_uint64(struct gw__json_out *out, uint64_t value)
{
    put_integer(out, false, value);
}

bool gw__json_put_double(struct gw__json_out *out, double value)
{
    gw__json_put_comma(out);
    out->comma = true;
    if (gw__json_out_room(out, GW__DOUBLE_BYTES))
        out->at = gw__json_print_double(out->at, value);
    return value - value == 0;
}

/* The text, shorter than a character, is the beginning of one. */
static bool is_beginning(const char *text, size_t size)
{
    struct gw__utf8 next = gw__utf8_lead((unsigned char)text[0]);
    if (next.need < size || (size > 1 && !gw__utf8_fits(next, (unsigned char)text[1])))
        return false;
    return size < 3 || ((unsigned char)text[2] & 0xc0) == 0x80;
}

static void put_replacement(struct gw__json_out *out)
{
    out->at = (char *)memcpy(out->at, "\xef\xbf\xbd", 3) + 3;
    out->repaired = true;
}

/* One character that is not plain; STEP_BYTES are there. Returns the bytes taken. */
static size_t put_special(struct gw__json_out *out, const char *text, size_t size)
{
    unsigned char c = (unsigned char)*text;
    if (c < 0x80) {
        out->at = gw__json_print_escape(out->at, c);
        return 1;
    }
    size_t whole = gw__utf8_size(text, size);
    if (whole) {
        for (size_t i = 0; i < whole; i++)
            *out->at++ = text[i];
        return whole;
    }
    if (size < 4 && is_beginning(text, size)) {
        memcpy(out->torn, text, size);
        out->torn_size = (uint8_t)size;
        return size;
    }
    put_replacement(out);
    return 1;
}

/* As many bytes as are plain, at most 16; STEP_BYTES are there. */
static inline size_t put_plain(char *out, const char *text, size_t size)
{
    if (size >= 16)
        return gw__json_copy_block(out, text);
    if (gw__json_copy_short(out, text, size))
        return size;
    size_t count = 0;
    for (; !gw__json_special((unsigned char)text[count]); count++)
        out[count] = text[count];
    return count;
}

/* Out of line, so that short plain strings need no more than they must. */
static __attribute__((noinline)) void put_text(struct gw__json_out *out, const char *text, size_t size)
{
    const char *end = text + size;
    while (text < end && gw__json_out_room(out, STEP_BYTES)) {
        char *at = out->at;
        size_t count;
        do {
            count = put_plain(at, text, (size_t)(end - text));
            at += count;
            text += count;
            for (; count == 16 && end - text >= GW__JSON_STRIDE && out->end - at >= GW__JSON_STRIDE + STEP_BYTES
                   && gw__json_copy_stride(at, text); at += GW__JSON_STRIDE)
                text += GW__JSON_STRIDE;
        } while (count == 16 && text < end && out->end - at >= STEP_BYTES);
        out->at = at;
        while (text < end && gw__json_special((unsigned char)*text) && gw__json_out_room(out, STEP_BYTES))
            text += put_special(out, text, (size_t)(end - text));
    }
}

/* Goes on with the character that the last piece ended in; returns the bytes taken. A byte at a time, so that it is
 * broken at the same byte as in one piece. */
static size_t put_torn(struct gw__json_out *out, const char *text, size_t size)
{
    for (size_t taken = 0; taken < size; taken++) {
        out->torn[out->torn_size] = text[taken];
        size_t have = out->torn_size + 1u, whole = gw__utf8_size(out->torn, have);
        if (whole == have || !is_beginning(out->torn, have)) {
            out->torn_size = 0;
            if (!gw__json_out_room(out, STEP_BYTES))
                return size;
            for (size_t i = 0; i < whole; i++)
                *out->at++ = out->torn[i];
            for (size_t i = 0; !whole && i + 1 < have; i++)
                put_replacement(out);
            return taken + (whole != 0);
        }
        out->torn_size = (uint8_t)have;
    }
    return size;
}

void gw__json_put_string_begin(struct gw__json_out *out)
{
    gw__json_put_raw(out, "\"", 1);
    out->torn_size = 0;
}

void gw__json_put_string_piece(struct gw__json_out *out, const char *text, size_t size)
{
    size_t taken = out->torn_size ? put_torn(out, text, size) : 0;
    put_text(out, text + taken, size - taken);
}

void gw__json_put_string_end(struct gw__json_out *out)
{
    for (; out->torn_size > 0 && gw__json_out_room(out, STEP_BYTES); out->torn_size--)
        put_replacement(out);
    put_char(out, '"');
}

void gw__json_put_string(struct gw__json_out *out, const char *text, size_t size)
{
    gw__json_put_comma(out);
    out->comma = true;
    if (!gw__json_out_room(out, size < SIZE_MAX - STEP_BYTES ? size + STEP_BYTES : size))
        return;
    *out->at++ = '"';
    if (size < 16 && gw__json_copy_short(out->at, text, size)) {
        out->at += size;
        *out->at++ = '"';
        return;
    }
    out->torn_size = 0;
    put_text(out, text, size);
    gw__json_put_string_end(out);
}

void gw__json_put_uuid(struct gw__json_out *out, const char *bytes)
{
    static const char hex[] = "0123456789abcdef";
    char text[36], *at = text;
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[(unsigned char)bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    gw__json_put_string(out, text, sizeof text);
}

static void put_groups(struct gw__json_out *out, const void *data, size_t size)
{
    if (size / 3 < SIZE_MAX / 8 && gw__json_out_room(out, size / 3 * 4 + 4))
        out->at += gw__base64_encode(out->at, data, size, out->base64);
}

void gw__json_put_base64_piece(struct gw__json_out *out, const void *data, size_t size)
{
    const char *bytes = data;
    for (; out->torn_size > 0 && size > 0; size--) {
        out->torn[out->torn_size++] = *bytes++;
        if (out->torn_size == 3) {
            put_groups(out, out->torn, 3);
            out->torn_size = 0;
        }
    }
    put_groups(out, bytes, size / 3 * 3);
    if (size % 3)
        memcpy(out->torn, bytes + size / 3 * 3, size % 3);
    out->torn_size = (uint8_t)(out->torn_size + size % 3);
}

void gw__json_put_base64_end(struct gw__json_out *out)
{
    put_groups(out, out->torn, out->torn_size);
    out->torn_size = 0;
    put_char(out, '"');
}

void gw__json_put_base64(struct gw__json_out *out, const void *data, size_t size)
{
    gw__json_put_string_begin(out);
    put_groups(out, data, size);
    put_char(out, '"');
}
