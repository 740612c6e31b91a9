/* Reader: a strict tokenizer of JSON (RFC 8259) that is pushed its text in pieces, cut anywhere, and is asked for one
 * event after the other. It builds nothing and, but for keys, numbers and texts that a cut or an escape tears,
 * allocates nothing. Strings are not events: who asks for one says where it shall go, so it is copied once. */
#ifndef GW_JSON_READER_H
#define GW_JSON_READER_H

#include "base/text.h"
#include "json/number.h"

#include <stddef.h>

enum {
    GW__JSON_DEPTH_MAX = 1024,
    GW__JSON_ROOM = 16,          /* what a copy wants of free bytes to go on */
    GW__JSON_TEXT_BYTES = 65536, /* the longest number, and string that gw__json_text() gives */
};

enum gw__json_event {
    GW__JSON_ERROR, /* see `error`; stays */
    GW__JSON_MORE,  /* the piece is used up: feed the next, then call the same function again */
    GW__JSON_FULL,  /* (copies) less than GW__JSON_ROOM is left: make room, then call again */
    GW__JSON_DONE,  /* (copies, text, skip) complete */
    GW__JSON_END,   /* the text has ended well */
    GW__JSON_OBJECT,
    GW__JSON_OBJECT_END,
    GW__JSON_ARRAY,
    GW__JSON_ARRAY_END,
    GW__JSON_KEY,    /* its quote was read: take it, as a string; what is not taken is passed over */
    GW__JSON_STRING, /* likewise */
    GW__JSON_NUMBER, /* see `number`, valid until the next call */
    GW__JSON_TRUE,
    GW__JSON_FALSE,
    GW__JSON_NULL,
    GW__JSON_WORD, /* see `words`; what was gathered, valid until the next call */
};

enum gw__json_error {
    GW__JSON_NO_ERROR,
    GW__JSON_SYNTAX,
    GW__JSON_CUT_OFF, /* the text ends too early */
    GW__JSON_BAD_UTF8,
    GW__JSON_TOO_DEEP,
    GW__JSON_TOO_LONG,
    GW__JSON_NO_MEMORY,
};

/* Read-only but for the functions here, `controls` and `words`. */
struct gw__json {
    const char *at, *end, *piece; /* what is left of the piece; its beginning */
    struct gw__number number;
    unsigned depth, depth_limit;
    enum gw__json_event event; /* the last one */
    enum gw__json_error error;
    const char *expected;  /* of an error: "a string" */
    uint64_t error_offset; /* in bytes from the beginning of the text */
    uint64_t offset;       /* of the piece */
    uint64_t start;        /* of the string or number that is being read */
    bool last;             /* no piece will follow */
    bool controls;         /* to be set behind gw__json_init(): strings may have control characters as they are */
    bool words;            /* likewise: letters without quotes, a '-' before them or not, are GW__JSON_WORD */
    bool in_object, is_key, discard, skipping;
    uint8_t state, step;   /* of the grammar; inside a string, a number or a literal */
    uint8_t utf8[3];       /* what may follow in a character that a cut tore */
    uint16_t unit, high;   /* of \uXXXX: so far; its first half */
    unsigned floor;        /* the depth at which skipping ends */
    struct {
        char *data;
        size_t size, capacity;
    } gathered; /* a torn number or text */
    uint64_t objects[GW__JSON_DEPTH_MAX / 64]; /* a bit for each open container */
};

/* depth_limit: at most GW__JSON_DEPTH_MAX; a scalar alone has depth 0. */
void gw__json_init(struct gw__json *json, unsigned depth_limit);
void gw__json_finish(struct gw__json *json);

/* The next piece, which must stay until the reader asks for more (or `at` is its end). `last`: the text ends with it;
 * it may be empty. */
void gw__json_feed(struct gw__json *json, const char *data, size_t size, bool last);

enum gw__json_event gw__json_next(struct gw__json *json);

/* After GW__JSON_KEY or GW__JSON_STRING, any of these; each again after GW__JSON_MORE: */

/* The string unescaped, in one piece: where it lies if it can be, else gathered; valid until the next call. */
enum gw__json_event gw__json_text(struct gw__json *json, struct gw__str *text);
/* Copies the string unescaped to *out, which is moved, while it is scanned. Less is written than the text has bytes,
 * but up to `end` everything may be overwritten. */
enum gw__json_event gw__json_copy(struct gw__json *json, char **out, char *end);

/* Passes over the value of which the last event was the beginning; after GW__JSON_KEY, the rest of the key and its
 * value. What is passed over is checked like anything else. */
enum gw__json_event gw__json_skip(struct gw__json *json);
/* After GW__JSON_OBJECT, GW__JSON_ARRAY or GW__JSON_STRING: copies the whole value as it is written. */
enum gw__json_event gw__json_copy_raw(struct gw__json *json, char **out, char *end);

/* Where the reader is: bytes from the beginning of the text. */
static inline uint64_t gw__json_offset(const struct gw__json *json)
{
    return json->offset + (uint64_t)(json->at - json->piece);
}

/* Adds a step to a JSON pointer (RFC 6901): "/a~1b", "/12". */
void gw__json_pointer_name(struct gw__text *pointer, const char *name, size_t size);
void gw__json_pointer_index(struct gw__text *pointer, uint64_t index);

/* The rest is for json/ alone. */

enum gw__json_state {
    GW__JSON_AT_VALUE,
    GW__JSON_AT_FIRST_VALUE,
    GW__JSON_AT_KEY,
    GW__JSON_AT_FIRST_KEY,
    GW__JSON_AT_COLON,
    GW__JSON_BEHIND_VALUE,
    GW__JSON_AT_END,
    GW__JSON_IN_STRING, /* from here on, inside something */
    GW__JSON_IN_NUMBER,
    GW__JSON_IN_LITERAL,
    GW__JSON_IN_WORD,
    GW__JSON_FAILED,
};

enum gw__json_event gw__json_fail(struct gw__json *json, enum gw__json_error error, const char *expected);
/* Past the bracket that the next byte is. */
enum gw__json_event gw__json_open(struct gw__json *json, bool object);
enum gw__json_event gw__json_close(struct gw__json *json);
/* Passes over the rest of a string. */
enum gw__json_event gw__json_pass_string(struct gw__json *json);
/* Adds to `gathered` within GW__JSON_TEXT_BYTES, makes room for more; false after failing. */
bool gw__json_gather(struct gw__json *json, const char *data, size_t size);
bool gw__json_gather_room(struct gw__json *json, size_t size);

static inline void gw__json_value_ended(struct gw__json *json)
{
    json->state = json->depth ? GW__JSON_BEHIND_VALUE : GW__JSON_AT_END;
}

static inline void gw__json_string_ended(struct gw__json *json)
{
    if (json->is_key)
        json->state = GW__JSON_AT_COLON;
    else
        gw__json_value_ended(json);
}

/* Past the quote that the next byte is. */
static inline enum gw__json_event gw__json_open_string(struct gw__json *json, bool is_key)
{
    json->start = gw__json_offset(json);
    json->at++;
    json->state = GW__JSON_IN_STRING;
    json->step = 0;
    json->is_key = is_key;
    json->gathered.size = 0;
    return is_key ? GW__JSON_KEY : GW__JSON_STRING;
}

#endif
