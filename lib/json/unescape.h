/* The inside of a string that lies whole in its text, 32 bytes at a time: up to the next escape each block is copied as
 * it is, and its characters over 0x7f are looked at together. Whatever is rare is left to the reader. */
#ifndef GW_JSON_UNESCAPE_H
#define GW_JSON_UNESCAPE_H

#include "json/characters.h"

/* Past blocks of which nothing is special, as long as there are text and room for them. */
static inline const char *gw__json_copy_strides(const char *at, const char *text_end, char **to, const char *end)
{
    while (text_end - at >= GW__JSON_STRIDE && end - *to >= GW__JSON_STRIDE && gw__json_copy_stride(*to, at)) {
        at += GW__JSON_STRIDE;
        *to += GW__JSON_STRIDE;
    }
    return at;
}

/* Copies what of a string needs no more than this text, as long as there are GW__JSON_PAIR bytes of room; returns where
 * it stopped: at the string's end, or at what the reader knows how to take. */
static inline const char *gw__json_copy_whole(const char *at, const char *text_end, char **out, const char *end)
{
    char rest[GW__JSON_PAIR], *to = *out;
    const char *far = at + GW__JSON_STRIDE;
    while (at < text_end && end - to >= GW__JSON_PAIR) {
        const char *text = at, *behind = text_end;
        if (*at == '\\') {
            char simple = text_end - at >= 2 ? gw__json_escaped(at[1]) : 0;
            if (!simple)
                break;
            *to++ = simple;
            at += 2;
            continue;
        }
        if (__builtin_expect(text_end - at < GW__JSON_PAIR, 0)) {
            memset(rest, 0, sizeof rest); /* behind the text, control bytes: they are special */
            text = memcpy(rest, at, (size_t)(text_end - at));
            behind = rest + (text_end - at);
        }
        uint64_t high = gw__json_high_pair(text), marks = gw__json_copy_pair(to, text) & ~high;
        unsigned count = (unsigned)__builtin_ctzll(marks), whole = count;
        if (high & gw__json_first_bits(count))
            whole = gw__json_whole_pair(text, behind, count, &high);
        at += whole;
        to += whole;
        if (whole < count) {
            if (whole)
                continue;
            break;
        }
        if (count < GW__JSON_PAIR && text[count] != '\\')
            break;
        if (at >= far)
            at = gw__json_copy_strides(at, text_end, &to, end);
    }
    *out = to;
    return at;
}

#endif
