/* The inside of strings: what is whole in the piece is copied 32 bytes at a time; rare escapes and characters that a
 * cut tears go on byte by byte. Whoever copies has GW__JSON_ROOM bytes before each step, so no step looks at the room
 * again. */
#include "json/reader.h"
#include "json/unescape.h"

/* Inside an escape or a character: what comes next. */
enum { PLAIN, ESCAPE, HEX1, HEX2, HEX3, HEX4, PAIR_BACKSLASH, PAIR_U, CONTINUATION };

/* Past what needs no change: plain bytes and whole characters. */
static inline const char *pass_plain(const char *at, const char *end)
{
    char unused[16];
    while (at < end) {
        if (end - at >= 16) {
            unsigned count = gw__json_copy_block(unused, at);
            at += count;
            if (count == 16)
                continue;
        } else if (!gw__json_special((unsigned char)*at)) {
            at++;
            continue;
        }
        while (at < end && (unsigned char)*at >= 0x80) {
            size_t size = gw__utf8_size(at, (size_t)(end - at));
            if (!size)
                return at;
            at += size;
        }
        if (at < end && gw__json_special((unsigned char)*at))
            return at;
    }
    return at;
}

static enum gw__json_event bad(struct gw__json *json, const char *expected)
{
    return gw__json_fail(json, GW__JSON_SYNTAX, expected);
}

static int hex_value(char c)
{
    if ((unsigned char)(c - '0') < 10)
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* All four digits are there. A surrogate must have its other half: UTF-8 can't hold one alone. */
static bool take_unit(struct gw__json *json, char **out)
{
    uint32_t unit = json->unit;
    bool low = unit >= 0xdc00 && unit < 0xe000;
    if (low != (json->high != 0))
        return false;
    if (low)
        unit = 0x10000 + ((uint32_t)(json->high - 0xd800) << 10) + (unit - 0xdc00);
    if (unit >= 0xd800 && unit < 0xdc00) {
        json->high = (uint16_t)unit;
        json->step = PAIR_BACKSLASH;
        return true;
    }
    *out += gw__utf8_put(*out, unit);
    json->high = 0;
    json->step = PLAIN;
    return true;
}

/* One byte of an escape. */
static bool step_escape(struct gw__json *json, char c, char **out)
{
    int digit;
    switch (json->step) {
    case ESCAPE:
        json->unit = json->high = 0;
        json->step = c == 'u' ? HEX1 : PLAIN;
        if (c == 'u')
            return true;
        **out = gw__json_escaped(c);
        return *(*out)++ != 0;
    case PAIR_BACKSLASH: json->step = PAIR_U; return c == '\\';
    case PAIR_U:
        json->step = HEX1;
        json->unit = 0;
        return c == 'u';
    default:
        digit = hex_value(c);
        json->unit = (uint16_t)(json->unit << 4 | digit);
        return digit >= 0 && (json->step++ < HEX4 || take_unit(json, out));
    }
}

static const char *expected_in_escape(unsigned step, char c)
{
    if (step == ESCAPE)
        return "an escape";
    if (step >= PAIR_BACKSLASH)
        return "the second half of a surrogate pair";
    return step == HEX4 && hex_value(c) >= 0 ? "no half of a surrogate pair alone" : "four hex digits";
}

/* One byte of what a cut may tear. */
static bool step_on(struct gw__json *json, char **out)
{
    unsigned step = json->step;
    char c = *json->at;
    if (step != CONTINUATION) {
        if (!step_escape(json, c, out)) {
            bad(json, expected_in_escape(step, c));
            return false;
        }
        json->at++;
        return true;
    }
    struct gw__utf8 next = {json->utf8[0], json->utf8[1], json->utf8[2]};
    if (!gw__utf8_fits(next, (unsigned char)c)) {
        gw__json_fail(json, GW__JSON_BAD_UTF8, "UTF-8");
        return false;
    }
    memcpy(json->utf8, (uint8_t[]){(uint8_t)(next.need - 1), 0x80, 0xbf}, 3);
    json->step = next.need > 1 ? CONTINUATION : PLAIN;
    *(*out)++ = c;
    json->at++;
    return true;
}

/* A byte over 0x7f, and those over 0x7f that follow while there is room. */
static bool take_character(struct gw__json *json, char **out)
{
    size_t size = gw__utf8_size(json->at, (size_t)(json->end - json->at));
    if (size) {
        for (size_t i = 0; i < size; i++)
            *(*out)++ = *json->at++;
        return true;
    }
    struct gw__utf8 next = gw__utf8_lead((unsigned char)*json->at);
    if (!next.need) {
        gw__json_fail(json, GW__JSON_BAD_UTF8, "UTF-8");
        return false;
    }
    memcpy(json->utf8, (uint8_t[]){next.need, next.low, next.high}, 3);
    json->step = CONTINUATION;
    *(*out)++ = *json->at++;
    return true;
}

/* A byte that is not plain, and not the end of the string. */
static inline bool take_special(struct gw__json *json, char **out)
{
    unsigned char c = (unsigned char)*json->at;
    if (c >= 0x80)
        return take_character(json, out);
    if (c < 0x20 && json->controls) {
        *(*out)++ = *json->at++;
        return true;
    }
    if (c != '\\') {
        bad(json, "no control character");
        return false;
    }
    char simple = json->end - json->at >= 2 ? gw__json_escaped(json->at[1]) : 0;
    if (simple) {
        *(*out)++ = simple;
        json->at += 2;
    } else {
        json->step = ESCAPE;
        json->at++;
    }
    return true;
}

/* Copies until the string or the piece ends or less than GW__JSON_ROOM is left. */
static enum gw__json_event copy(struct gw__json *json, char **out, char *end)
{
    if (json->step == PLAIN)
        json->at = gw__json_copy_whole(json->at, json->end, out, end);
    while (end - *out >= GW__JSON_ROOM) {
        if (json->at == json->end)
            return json->last ? gw__json_fail(json, GW__JSON_CUT_OFF, "the end of a string") : GW__JSON_MORE;
        if (json->step != PLAIN) {
            if (!step_on(json, out))
                return GW__JSON_ERROR;
            continue;
        }
        size_t left = (size_t)(json->end - json->at);
        unsigned count = left < 16 ? gw__json_copy_last(*out, json->at, left) : gw__json_copy_block(*out, json->at);
        json->at += count;
        *out += count;
        if (count == 16 || count == left || end - *out < GW__JSON_ROOM)
            continue;
        if (*json->at == '"') {
            json->at++;
            gw__json_string_ended(json);
            return GW__JSON_DONE;
        }
        if (!take_special(json, out))
            return GW__JSON_ERROR;
    }
    return GW__JSON_FULL;
}

/* Most strings end within the first block: those at once. Their size, or -1. */
static inline int copy_short(struct gw__json *json, char *out)
{
    if (json->end - json->at < 16 || json->step != PLAIN)
        return -1;
    unsigned count = gw__json_copy_block(out, json->at);
    if (count == 16 || json->at[count] != '"')
        return -1;
    json->at += count + 1;
    gw__json_string_ended(json);
    return (int)count;
}

enum gw__json_event gw__json_copy(struct gw__json *json, char **out, char *end)
{
    if (json->error)
        return GW__JSON_ERROR;
    int size = end - *out >= GW__JSON_ROOM ? copy_short(json, *out) : -1;
    if (size < 0)
        return copy(json, out, end);
    *out += size;
    return GW__JSON_DONE;
}

/* What can't be passed over as it is goes through the same steps as a copy, to a place where nobody looks. */
enum gw__json_event gw__json_pass_string(struct gw__json *json)
{
    enum gw__json_event event;
    do {
        if (json->step == PLAIN) {
            json->at = pass_plain(json->at, json->end);
            if (json->at < json->end && *json->at == '"') {
                json->at++;
                gw__json_string_ended(json);
                return GW__JSON_DONE;
            }
        }
        char unused[2 * GW__JSON_ROOM], *out = unused;
        event = copy(json, &out, unused + sizeof unused);
    } while (event == GW__JSON_FULL);
    return event;
}

static enum gw__json_event too_long(struct gw__json *json)
{
    return gw__json_fail(json, GW__JSON_TOO_LONG, "a shorter string");
}

static enum gw__json_event gather_text(struct gw__json *json, struct gw__str *text)
{
    enum gw__json_event event;
    do {
        if (!gw__json_gather_room(json, 2 * GW__JSON_ROOM))
            return GW__JSON_ERROR;
        char *out = json->gathered.data + json->gathered.size, *end = json->gathered.data + json->gathered.capacity;
        event = copy(json, &out, end);
        json->gathered.size = (size_t)(out - json->gathered.data);
        if (json->gathered.size > GW__JSON_TEXT_BYTES && event != GW__JSON_ERROR)
            return too_long(json);
    } while (event == GW__JSON_FULL);
    *text = (struct gw__str){json->gathered.data, json->gathered.size};
    return event;
}

enum gw__json_event gw__json_text(struct gw__json *json, struct gw__str *text)
{
    if (json->error)
        return GW__JSON_ERROR;
    if (json->gathered.size == 0 && json->step == PLAIN) {
        char unused[16];
        const char *begin = json->at;
        int size = copy_short(json, unused);
        if (size >= 0) {
            *text = (struct gw__str){begin, (size_t)size};
            return GW__JSON_DONE;
        }
        const char *end = pass_plain(json->at, json->end);
        if (end < json->end && *end == '"') {
            *text = (struct gw__str){json->at, (size_t)(end - json->at)};
            if (text->size > GW__JSON_TEXT_BYTES)
                return too_long(json);
            json->at = end + 1;
            gw__json_string_ended(json);
            return GW__JSON_DONE;
        }
    }
    return gather_text(json, text);
}
