/* The grammar: which event may come next. Numbers and literals that lie whole in a piece are taken at once; those that
 * touch its end go through byte by byte, and find the same errors at the same places. */
#include "json/reader.h"

#include "base/alloc.h"

void gw__json_init(struct gw__json *json, unsigned depth_limit)
{
    memset(json, 0, offsetof(struct gw__json, objects));
    json->depth_limit = depth_limit < GW__JSON_DEPTH_MAX ? depth_limit : GW__JSON_DEPTH_MAX;
    json->state = GW__JSON_AT_VALUE;
    json->event = GW__JSON_MORE;
}

void gw__json_finish(struct gw__json *json)
{
    gw__free(json->gathered.data);
    json->gathered.data = NULL;
}

void gw__json_feed(struct gw__json *json, const char *data, size_t size, bool last)
{
    json->offset += (uint64_t)(json->end - json->piece);
    json->piece = json->at = data;
    json->end = size ? data + size : data;
    json->last = last;
}

enum gw__json_event gw__json_fail(struct gw__json *json, enum gw__json_error error, const char *expected)
{
    if (error == GW__JSON_SYNTAX && json->at == json->end)
        error = GW__JSON_CUT_OFF;
    if (!json->error) {
        json->error = error;
        json->expected = expected;
        json->state = GW__JSON_FAILED;
        json->error_offset = error == GW__JSON_TOO_LONG ? json->start : gw__json_offset(json);
    }
    return GW__JSON_ERROR;
}

bool gw__json_gather_room(struct gw__json *json, size_t size)
{
    size_t need = json->gathered.size + size, capacity = json->gathered.capacity ? json->gathered.capacity : 128;
    if (need <= json->gathered.capacity)
        return true;
    while (capacity < need)
        capacity *= 2;
    char *data = gw__realloc(json->gathered.data, capacity);
    if (!data) {
        gw__json_fail(json, GW__JSON_NO_MEMORY, "memory");
        return false;
    }
    json->gathered.data = data;
    json->gathered.capacity = capacity;
    return true;
}

bool gw__json_gather(struct gw__json *json, const char *data, size_t size)
{
    if (size > GW__JSON_TEXT_BYTES - json->gathered.size) {
        gw__json_fail(json, GW__JSON_TOO_LONG, "a shorter number");
        return false;
    }
    if (!gw__json_gather_room(json, size + 1))
        return false;
    if (size)
        memcpy(json->gathered.data + json->gathered.size, data, size);
    json->gathered.size += size;
    json->gathered.data[json->gathered.size] = '\0';
    return true;
}

enum gw__json_event gw__json_open(struct gw__json *json, bool object)
{
    if (json->depth == json->depth_limit)
        return gw__json_fail(json, GW__JSON_TOO_DEEP, "less nesting");
    uint64_t bit = (uint64_t)1 << json->depth % 64;
    uint64_t *word = &json->objects[json->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    json->in_object = object;
    json->depth++;
    json->at++;
    json->state = object ? GW__JSON_AT_FIRST_KEY : GW__JSON_AT_FIRST_VALUE;
    return object ? GW__JSON_OBJECT : GW__JSON_ARRAY;
}

enum gw__json_event gw__json_close(struct gw__json *json)
{
    enum gw__json_event event = json->in_object ? GW__JSON_OBJECT_END : GW__JSON_ARRAY_END;
    unsigned above = --json->depth - 1;
    if (json->depth > 0)
        json->in_object = json->objects[above / 64] >> above % 64 & 1;
    json->at++;
    gw__json_value_ended(json);
    return event;
}

static const struct {
    const char *text;
    uint8_t size;
    enum gw__json_event event;
    const char *expected;
} literals[] = {
    {"true", 4, GW__JSON_TRUE, "true"},
    {"false", 5, GW__JSON_FALSE, "false"},
    {"null", 4, GW__JSON_NULL, "null"},
};

/* unit: which literal; step: how much of it has been read. */
static enum gw__json_event go_on_literal(struct gw__json *json)
{
    unsigned which = json->unit;
    for (; json->step < literals[which].size; json->step++, json->at++) {
        if (json->at == json->end && !json->last)
            return GW__JSON_MORE;
        if (json->at == json->end || *json->at != literals[which].text[json->step])
            return gw__json_fail(json, GW__JSON_SYNTAX, literals[which].expected);
    }
    gw__json_value_ended(json);
    return literals[which].event;
}

static inline enum gw__json_event open_literal(struct gw__json *json, unsigned which)
{
    size_t size = literals[which].size;
    if ((size_t)(json->end - json->at) >= size && memcmp(json->at, literals[which].text, size) == 0) {
        json->at += size;
        gw__json_value_ended(json);
        return literals[which].event;
    }
    json->state = GW__JSON_IN_LITERAL;
    json->unit = (uint16_t)which;
    json->step = 0;
    return go_on_literal(json);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum gw__json_event go_on_word(struct gw__json *json)
{
    const char *begin = json->at;
    while (json->at < json->end && is_letter(*json->at))
        json->at++;
    if (!gw__json_gather(json, begin, (size_t)(json->at - begin)))
        return GW__JSON_ERROR;
    if (json->at == json->end && !json->last)
        return GW__JSON_MORE;
    gw__json_value_ended(json);
    return GW__JSON_WORD;
}

/* Behind what has been gathered. */
static enum gw__json_event open_word(struct gw__json *json)
{
    json->state = GW__JSON_IN_WORD;
    return go_on_word(json);
}

/* Where in a number a byte has led to. */
enum { BEGIN, SIGN, ZERO, WHOLE, POINT, FRACTION, MARK, MARK_SIGN, EXPONENT, STOP };

static bool may_end(unsigned step)
{
    return step == ZERO || step == WHOLE || step == FRACTION || step == EXPONENT;
}

static unsigned after_digit(unsigned step, char digit)
{
    static const uint8_t next[] = {WHOLE, WHOLE, STOP, WHOLE, FRACTION, FRACTION, EXPONENT, EXPONENT, EXPONENT};
    return digit == '0' && step <= SIGN ? ZERO : next[step];
}

static unsigned after(unsigned step, char c)
{
    if ((unsigned char)(c - '0') < 10)
        return after_digit(step, c);
    if (c == '-' && step == BEGIN)
        return SIGN;
    if (c == '.' && (step == ZERO || step == WHOLE))
        return POINT;
    if ((c == 'e' || c == 'E') && (step == ZERO || step == WHOLE || step == FRACTION))
        return MARK;
    return (c == '-' || c == '+') && step == MARK ? MARK_SIGN : STOP;
}

static enum gw__json_event go_on_number(struct gw__json *json)
{
    const char *begin = json->at;
    unsigned next = STOP;
    for (; json->at < json->end && (next = after(json->step, *json->at)) != STOP; json->at++)
        json->step = (uint8_t)next;
    if (!json->discard && !gw__json_gather(json, begin, (size_t)(json->at - begin)))
        return GW__JSON_ERROR;
    if (json->at == json->end && !json->last)
        return GW__JSON_MORE;
    if (json->words && json->step == SIGN && json->at < json->end && is_letter(*json->at))
        return open_word(json);
    if (!may_end(json->step))
        return gw__json_fail(json, GW__JSON_SYNTAX, "a digit");
    if (!json->discard)
        gw__number_scan(&json->number, json->gathered.data, json->gathered.data + json->gathered.size + 1);
    gw__json_value_ended(json);
    return GW__JSON_NUMBER;
}

static inline enum gw__json_event open_number(struct gw__json *json)
{
    json->start = gw__json_offset(json);
    const char *end = gw__number_scan(&json->number, json->at, json->end);
    if (end && end - json->at <= GW__JSON_TEXT_BYTES) {
        json->at = end;
        gw__json_value_ended(json);
        return GW__JSON_NUMBER;
    }
    json->state = GW__JSON_IN_NUMBER;
    json->step = BEGIN;
    json->gathered.size = 0;
    return go_on_number(json);
}

static inline enum gw__json_event open_value(struct gw__json *json, char c)
{
    if (json->words && is_letter(c)) {
        json->start = gw__json_offset(json);
        json->gathered.size = 0;
        return open_word(json);
    }
    switch (c) {
    case '"': return gw__json_open_string(json, false);
    case '{': return gw__json_open(json, true);
    case '[': return gw__json_open(json, false);
    case 't': return open_literal(json, 0);
    case 'f': return open_literal(json, 1);
    case 'n': return open_literal(json, 2);
    case '-':
    case '0' ... '9': return open_number(json);
    default: return gw__json_fail(json, GW__JSON_SYNTAX, "a value");
    }
}

static const char *expected_at(const struct gw__json *json)
{
    switch (json->state) {
    case GW__JSON_AT_FIRST_VALUE: return "a value or ']'";
    case GW__JSON_AT_KEY: return "a name in quotes";
    case GW__JSON_AT_FIRST_KEY: return "a name in quotes or '}'";
    case GW__JSON_AT_COLON: return "':'";
    case GW__JSON_BEHIND_VALUE: return json->in_object ? "',' or '}'" : "',' or ']'";
    case GW__JSON_AT_END: return "nothing more";
    default: return "a value";
    }
}

static enum gw__json_event at_end_of_piece(struct gw__json *json)
{
    if (!json->last)
        return GW__JSON_MORE;
    return json->state == GW__JSON_AT_END ? GW__JSON_END : gw__json_fail(json, GW__JSON_CUT_OFF, expected_at(json));
}

/* Past white space; what stands there, -1 at the end of the piece. */
static inline int peek(struct gw__json *json)
{
    const char *at = json->at;
    while (at < json->end && (unsigned char)*at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    json->at = at;
    return at < json->end ? (unsigned char)*at : -1;
}

/* Between tokens. */
static inline enum gw__json_event next_token(struct gw__json *json)
{
    int c = peek(json);
    if (c == ',' && json->state == GW__JSON_BEHIND_VALUE) {
        json->state = json->in_object ? GW__JSON_AT_KEY : GW__JSON_AT_VALUE;
        json->at++;
        c = peek(json);
    } else if (c == ':' && json->state == GW__JSON_AT_COLON) {
        json->state = GW__JSON_AT_VALUE;
        json->at++;
        c = peek(json);
    }
    if (c < 0)
        return at_end_of_piece(json);
    switch (json->state) {
    case GW__JSON_AT_VALUE: return open_value(json, (char)c);
    case GW__JSON_AT_KEY:
    case GW__JSON_AT_FIRST_KEY:
        if (c == '"')
            return gw__json_open_string(json, true);
        if (c == '}' && json->state == GW__JSON_AT_FIRST_KEY)
            return gw__json_close(json);
        break;
    case GW__JSON_AT_FIRST_VALUE: return c == ']' ? gw__json_close(json) : open_value(json, (char)c);
    case GW__JSON_BEHIND_VALUE:
        if (c == (json->in_object ? '}' : ']'))
            return gw__json_close(json);
        break;
    default: break;
    }
    return gw__json_fail(json, GW__JSON_SYNTAX, expected_at(json));
}

/* Goes on inside what the last piece ended in, or the consumer did not take. */
static __attribute__((noinline)) enum gw__json_event resume(struct gw__json *json)
{
    if (json->state == GW__JSON_IN_NUMBER)
        return go_on_number(json);
    if (json->state == GW__JSON_IN_LITERAL)
        return go_on_literal(json);
    if (json->state == GW__JSON_IN_WORD)
        return go_on_word(json);
    if (json->state != GW__JSON_IN_STRING)
        return GW__JSON_ERROR;
    enum gw__json_event event = gw__json_pass_string(json);
    return event == GW__JSON_DONE ? next_token(json) : event;
}

static inline enum gw__json_event advance(struct gw__json *json)
{
    return json->state >= GW__JSON_IN_STRING ? resume(json) : next_token(json);
}

enum gw__json_event gw__json_next(struct gw__json *json)
{
    json->skipping = json->discard = false;
    enum gw__json_event event = advance(json);
    if (event != GW__JSON_MORE)
        json->event = event;
    return event;
}

static inline bool skipped(const struct gw__json *json)
{
    return json->depth == json->floor
        && (json->state == GW__JSON_BEHIND_VALUE || json->state == GW__JSON_AT_END);
}

/* A string is not passed over by asking for what follows: it may be all that is to be skipped. */
static enum gw__json_event skip_on(struct gw__json *json)
{
    while (!skipped(json)) {
        bool string = json->state == GW__JSON_IN_STRING;
        enum gw__json_event event = string ? gw__json_pass_string(json) : advance(json);
        if (event == GW__JSON_ERROR || event == GW__JSON_MORE)
            return event;
    }
    return GW__JSON_DONE;
}

static void skip_from_here(struct gw__json *json)
{
    bool container = json->event == GW__JSON_OBJECT || json->event == GW__JSON_ARRAY;
    json->floor = json->depth - container;
    json->skipping = json->discard = true;
}

enum gw__json_event gw__json_skip(struct gw__json *json)
{
    if (json->error)
        return GW__JSON_ERROR;
    if (!json->skipping)
        skip_from_here(json);
    return skip_on(json);
}

enum gw__json_event gw__json_copy_raw(struct gw__json *json, char **out, char *end)
{
    if (json->error)
        return GW__JSON_ERROR;
    if (end - *out < GW__JSON_ROOM)
        return GW__JSON_FULL;
    if (!json->skipping) {
        skip_from_here(json);
        *(*out)++ = json->event == GW__JSON_OBJECT ? '{' : json->event == GW__JSON_ARRAY ? '[' : '"';
    }
    const char *from = json->at, *piece_end = json->end;
    bool last = json->last, cut = end - *out < piece_end - from;
    if (cut) {
        json->end = from + (end - *out);
        json->last = false;
    }
    enum gw__json_event event = skip_on(json);
    if (json->at > from)
        *out = (char *)memcpy(*out, from, (size_t)(json->at - from)) + (json->at - from);
    json->end = piece_end;
    json->last = last;
    return event == GW__JSON_MORE && cut ? GW__JSON_FULL : event;
}

void gw__json_pointer_name(struct gw__text *pointer, const char *name, size_t size)
{
    gw__text_add(pointer, "/", 1);
    for (const char *at = name, *end = name + size; at < end;) {
        const char *plain = at;
        while (at < end && *at != '~' && *at != '/')
            at++;
        gw__text_add(pointer, plain, (size_t)(at - plain));
        if (at < end)
            gw__text_add(pointer, *at++ == '~' ? "~0" : "~1", 2);
    }
}

void gw__json_pointer_index(struct gw__text *pointer, uint64_t index)
{
    char digits[21] = "/";
    gw__text_add(pointer, digits, 1 + gw__format_u64(digits + 1, index));
}
