/* Doubling growth; the byte behind the last is always a terminator. */
#include "base/text.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool reserve(struct gw__text *text, size_t more)
{
    if (text->lost || more > SIZE_MAX / 4 - text->size) {
        text->lost = true;
        return false;
    }
    size_t need = text->size + more + 1;
    if (need <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    char *data = gw__realloc(text->data, capacity);
    if (!data) {
        text->lost = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void gw__text_add(struct gw__text *text, const char *data, size_t size)
{
    if (!reserve(text, size))
        return;
    if (size)
        memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void gw__text_puts(struct gw__text *text, const char *string)
{
    gw__text_add(text, string, strlen(string));
}

void gw__text_vprint(struct gw__text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0 || !reserve(text, (size_t)size)) {
        text->lost = true;
        return;
    }
    vsnprintf(text->data + text->size, (size_t)size + 1, format, args);
    text->size += (size_t)size;
}

void gw__text_print(struct gw__text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gw__text_vprint(text, format, args);
    va_end(args);
}

/* Length of the UTF-8 sequence at s (RFC 3629), 0 if it is none. The terminator ends any of them. */
static size_t utf8_size(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    size_t size = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return size;
}

void gw__text_json(struct gw__text *text, const char *string)
{
    gw__text_add(text, "\"", 1);
    while (*string) {
        unsigned char c = (unsigned char)*string;
        size_t size = utf8_size((const unsigned char *)string);
        if (c == '"' || c == '\\')
            gw__text_print(text, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            gw__text_print(text, "\\u%04x", c);
        else if (size)
            gw__text_add(text, string, size);
        else
            gw__text_puts(text, "\xEF\xBF\xBD");
        string += size ? size : 1;
    }
    gw__text_add(text, "\"", 1);
}

char *gw__text_take(struct gw__text *text)
{
    gw__text_add(text, "", 0);
    char *data = text->lost ? NULL : text->data;
    if (!data)
        gw__free(text->data);
    *text = (struct gw__text){0};
    return data;
}

void gw__text_finish(struct gw__text *text)
{
    gw__free(text->data);
    *text = (struct gw__text){0};
}
