/* Heads to bytes. Fields that still lie as they came, "Name: value\r\n" one behind the other, are copied
 * as one piece; nothing outside names, values and the output's exact bytes is touched. */
#include "http/write.h"

#include "http/chars.h"

static const char crlf[] = "\r\n";
static const char version[] = " HTTP/1.1\r\n";

enum { LONGEST_REASON = sizeof "Network Authentication Required" };

static inline struct gw__str reason_of(const struct gw__head *head)
{
    return head->reason.data ? head->reason : gw__str(gw__reason(head->status));
}

size_t gw__head_bytes(const struct gw__head *head)
{
    size_t start = sizeof "HTTP/1.1 200 \r\n" + (head->reason.data ? head->reason.size : LONGEST_REASON);
    start += head->method.size + 1 + head->path.size + 1 + head->query.size + sizeof version;
    return start + head->fields.bytes + head->own.size + 2;
}

char *gw__write_request_line(char *out, const struct gw__head *head)
{
    out = gw__copy_short(out, head->method.data, head->method.size);
    *out++ = ' ';
    out = gw__copy_short(out, head->path.data, head->path.size);
    if (head->has_query) {
        *out++ = '?';
        out = gw__copy_short(out, head->query.data, head->query.size);
    }
    return gw__copy_short(out, version, sizeof version - 1);
}

char *gw__write_status_line(char *out, const struct gw__head *head)
{
    struct gw__str reason = reason_of(head);
    if (head->status == 200 && reason.size == 2 && gw__load16(reason.data) == gw__load16("OK")) /* as nearly all are */
        return (char *)memcpy(out, "HTTP/1.1 200 OK\r\n", 17) + 17;
    unsigned tens = head->status / 10u, hundreds = tens / 10;
    memcpy(out, "HTTP/1.1 000 ", 13);
    out[9] = (char)('0' + hundreds);
    out[10] = (char)('0' + tens - hundreds * 10);
    out[11] = (char)('0' + head->status - tens * 10);
    out = gw__copy_short(out + 13, reason.data, reason.size);
    memcpy(out, crlf, 2);
    return out + 2;
}

char *gw__write_length(char *out, uint64_t length)
{
    out = (char *)memcpy(out, "Content-Length: ", 16) + 16;
    out += gw__format_u64(out, length);
    memcpy(out, crlf, 2);
    return out + 2;
}

char *gw__write_field(char *out, const char *name, size_t name_size, const char *value, size_t value_size)
{
    out = gw__copy_short(out, name, name_size);
    memcpy(out, ": ", 2);
    out = gw__copy_short(out + 2, value, value_size);
    memcpy(out, crlf, 2);
    return out + 2;
}

/* The end of the field's line if it lies in memory as it is to be written, else NULL. The line's end is looked at
 * last, when all before it says that this is a line of a received head. */
static inline const char *line_end(const struct gw__header *field)
{
    const char *colon = field->name + field->name_size;
    const char *end = field->value + field->value_size;
    if (colon + 2 != field->value || gw__load16(colon) != gw__load16(": ") || end[0] != '\r' || end[1] != '\n')
        return NULL;
    return end + 2;
}

char *gw__write_fields(char *out, const struct gw__fields *fields)
{
    const struct gw__header *field = fields->items;
    const char *from = NULL, *to = NULL; /* lines seen but not copied yet */
    for (const struct gw__header *last = field + fields->count; field < last; field++) {
        if (field->hop)
            continue;
        const char *end = line_end(field);
        if (end && field->name == to) {
            to = end;
            continue;
        }
        if (from)
            out = gw__copy_short(out, from, (size_t)(to - from));
        from = end ? field->name : NULL;
        to = end;
        if (!end)
            out = gw__write_field(out, field->name, field->name_size, field->value, field->value_size);
    }
    return from ? gw__copy_short(out, from, (size_t)(to - from)) : out;
}

char *gw__write_chunk_size(char *out, uint64_t size)
{
    unsigned digits = size ? (67u - (unsigned)__builtin_clzll(size)) / 4 : 1;
    for (unsigned i = digits; i-- > 0; size >>= 4)
        out[i] = "0123456789abcdef"[size & 15];
    memcpy(out + digits, crlf, 2);
    return out + digits + 2;
}
