/* How bytes are framed into messages by RFC 9112, where it leaves a choice the strict one. It looks at framing alone:
 * a gateway may refuse what is whole here, but must not take what is bad, nor see other ends. */
#include "mutations.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct fields {
    bool length, coding, close, stay;
    uint64_t size;
};

static bool is_token(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)data[i]) && !(data[i] && strchr("!#$%&'*+-.^_`|~", data[i])))
            return false;
    return size > 0;
}

static bool is_name(const char *data, size_t size, const char *name)
{
    return size == strlen(name) && strncasecmp(data, name, size) == 0;
}

long line_end(const char *data, size_t size, size_t from)
{
    for (size_t i = from; i < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\r' && i + 1 == size)
            return -1;
        if (c == '\r' && data[i + 1] == '\n')
            return (long)i;
        if ((c < ' ' && c != '\t') || c == 127)
            return -2;
    }
    return -1;
}

static bool take_request_line(struct frame *frame, const char *line, size_t size, bool *old)
{
    const char *end = line + size, *first = memchr(line, ' ', size);
    const char *second = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;
    if (!second || second == first + 1 || end - second != 9 || !is_token(line, (size_t)(first - line)))
        return false;
    size_t method = (size_t)(first - line);
    memcpy(frame->method, line, method < sizeof frame->method ? method : sizeof frame->method - 1);
    *old = memcmp(second, " HTTP/1.0", 9) == 0;
    return *old || memcmp(second, " HTTP/1.1", 9) == 0;
}

static bool take_length(struct fields *fields, const char *value, size_t size)
{
    if (fields->length || size == 0)
        return false;
    fields->length = true;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9' || fields->size >= INT64_MAX / 10)
            return false;
        fields->size = fields->size * 10 + (uint64_t)(value[i] - '0');
    }
    return true;
}

static void trim(const char **data, size_t *size)
{
    while (*size && (**data == ' ' || **data == '\t'))
        ++*data, --*size;
    while (*size && ((*data)[*size - 1] == ' ' || (*data)[*size - 1] == '\t'))
        --*size;
}

static void take_connection(struct fields *fields, const char *value, size_t size)
{
    for (const char *end = value + size; value <= end;) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        const char *item = value, *item_end = comma ? comma : end;
        size_t item_size = (size_t)(item_end - item);
        trim(&item, &item_size);
        fields->close |= is_name(item, item_size, "close");
        fields->stay |= is_name(item, item_size, "keep-alive");
        value = item_end + 1;
    }
}

static bool take_field(struct fields *fields, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    if (!colon || !is_token(line, (size_t)(colon - line)))
        return false;
    const char *value = colon + 1;
    size_t name_size = (size_t)(colon - line), value_size = size - name_size - 1;
    trim(&value, &value_size);
    if (is_name(line, name_size, "content-length"))
        return take_length(fields, value, value_size);
    if (is_name(line, name_size, "transfer-encoding")) {
        if (fields->coding || !is_name(value, value_size, "chunked"))
            return false;
        fields->coding = true;
    }
    if (is_name(line, name_size, "connection"))
        take_connection(fields, value, value_size);
    return true;
}

/* Lines up to the empty one; *at moves behind them. */
static enum frame_kind take_fields(struct fields *fields, const char *data, size_t size, size_t *at)
{
    for (;;) {
        long end = line_end(data, size, *at);
        if (end < 0)
            return end == -1 ? FRAME_MORE : FRAME_BAD_HEAD;
        size_t start = *at;
        *at = (size_t)end + 2;
        if ((size_t)end == start)
            return FRAME_WHOLE;
        if (!take_field(fields, data + start, (size_t)end - start))
            return FRAME_BAD_HEAD;
    }
}

static void hash(struct frame *frame, const char *data, size_t size)
{
    frame->body_size += size;
    for (size_t i = 0; i < size; i++)
        frame->body_hash = (frame->body_hash ^ (unsigned char)data[i]) * 0x100000001b3u;
}

/* Digits, then an extension or nothing; -1 if it is no size. */
static long chunk_size(const char *line, size_t size)
{
    long value = 0;
    size_t digits = 0;
    for (; digits < size && isxdigit((unsigned char)line[digits]); digits++) {
        int c = tolower((unsigned char)line[digits]);
        value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
        if (value > 1 << 30)
            value = 1 << 30; /* more than there ever is */
    }
    return digits > 0 && digits <= 16 && (digits == size || line[digits] == ';') ? value : -1;
}

static enum frame_kind take_chunks(struct frame *frame, const char *data, size_t size, size_t *at)
{
    for (;;) {
        long end = line_end(data, size, *at);
        if (end < 0)
            return end == -1 ? FRAME_MORE : FRAME_BAD_BODY;
        long chunk = chunk_size(data + *at, (size_t)end - *at);
        if (chunk < 0)
            return FRAME_BAD_BODY;
        *at = (size_t)end + 2;
        if (chunk == 0)
            break;
        if ((size_t)chunk + 1 > size - *at)
            return FRAME_MORE;
        hash(frame, data + *at, (size_t)chunk);
        *at += (size_t)chunk;
        if (data[*at] != '\r' || (*at + 1 < size && data[*at + 1] != '\n'))
            return FRAME_BAD_BODY;
        if (*at + 1 == size)
            return FRAME_MORE;
        *at += 2;
    }
    for (;;) { /* the trailers say nothing about framing */
        long end = line_end(data, size, *at);
        if (end < 0)
            return end == -1 ? FRAME_MORE : FRAME_BAD_BODY;
        const char *line = data + *at, *colon = memchr(line, ':', (size_t)end - *at);
        bool empty = (size_t)end == *at;
        if (!empty && (!colon || !is_token(line, (size_t)(colon - line))))
            return FRAME_BAD_BODY;
        *at = (size_t)end + 2;
        if (empty)
            return FRAME_WHOLE;
    }
}

/* What stands behind the start line. */
static void take_rest(struct frame *frame, struct fields *fields, const char *data, size_t size, size_t *at, bool old)
{
    if (fields->coding && (fields->length || old)) {
        frame->kind = FRAME_BAD_HEAD;
    } else if (fields->coding) {
        frame->kind = take_chunks(frame, data, size, at);
    } else if (fields->size > size - *at) {
        frame->kind = FRAME_MORE;
    } else {
        hash(frame, data + *at, (size_t)fields->size);
        *at += (size_t)fields->size;
    }
    frame->size = *at;
}

static bool take_status_line(struct frame *frame, const char *line, size_t size, bool *old)
{
    *old = size >= 12 && memcmp(line, "HTTP/1.0 ", 9) == 0;
    if (size < 12 || (!*old && memcmp(line, "HTTP/1.1 ", 9) != 0) || (size > 12 && line[12] != ' '))
        return false;
    for (int i = 9; i < 12; i++)
        if (line[i] < '0' || line[i] > '9')
            return false;
    frame->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0';
    return frame->status >= 100 && frame->status < 600 && frame->status != 101;
}

struct frame frame_answer(const char *data, size_t size, bool to_head)
{
    struct frame frame = {.body_hash = 0xcbf29ce484222325u};
    struct fields fields;
    bool old = false;
    size_t at = 0;
    do {
        long end = line_end(data, size, at);
        frame.kind = end == -1 ? FRAME_MORE : FRAME_BAD_HEAD;
        if (end < 0 || !take_status_line(&frame, data + at, (size_t)end - at, &old))
            return frame;
        at = (size_t)end + 2;
        fields = (struct fields){0};
        frame.kind = take_fields(&fields, data, size, &at);
        if (frame.kind != FRAME_WHOLE)
            return frame;
    } while (frame.status < 200);
    frame.keep_alive = !fields.close && (!old || fields.stay);
    bool bodyless = to_head || frame.status == 204 || frame.status == 304;
    if (bodyless && !(fields.coding && (fields.length || old)))
        fields = (struct fields){0};
    frame.until_close = !bodyless && !fields.coding && !fields.length;
    frame.chunked = fields.coding;
    if (frame.until_close)
        fields.size = size - at;
    take_rest(&frame, &fields, data, size, &at, old);
    return frame;
}

struct frame frame_request(const char *data, size_t size)
{
    struct frame frame = {.kind = FRAME_BAD_HEAD, .body_hash = 0xcbf29ce484222325u};
    struct fields fields = {0};
    bool old = false;
    size_t at = 0;
    while (size - at >= 2 && data[at] == '\r' && data[at + 1] == '\n')
        at += 2;
    long end = line_end(data, size, at);
    if (end == -1)
        frame.kind = FRAME_MORE;
    if (end < 0 || !take_request_line(&frame, data + at, (size_t)end - at, &old))
        return frame;
    at = (size_t)end + 2;
    frame.kind = take_fields(&fields, data, size, &at);
    if (frame.kind != FRAME_WHOLE)
        return frame;
    frame.keep_alive = !fields.close && (!old || fields.stay);
    frame.chunked = fields.coding;
    take_rest(&frame, &fields, data, size, &at, old);
    return frame;
}
