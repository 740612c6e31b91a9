/* Fields of a head: ids, look-up, adding and removing; character classes; reason phrases. Strings are
 * never copied here: who adds a field sees to it that they live as long as the head. */
#include "http/head.h"

#include "http/chars.h"
#include "http/names.h"

#define VALUE GW__CHAR_VALUE
#define QUERY (GW__CHAR_QUERY | VALUE)
#define ESCAPE (GW__CHAR_PATH | QUERY)
#define PATH (GW__CHAR_PLAIN | ESCAPE)
#define UNRESERVED (GW__CHAR_TOKEN | GW__CHAR_HOST | PATH)

const uint8_t gw__char_class[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = GW__CHAR_TOKEN | PATH,
    ['"'] = VALUE,
    ['#'] = GW__CHAR_TOKEN | VALUE,
    ['$'] = GW__CHAR_TOKEN | PATH,
    ['%'] = GW__CHAR_TOKEN | ESCAPE,
    ['&' ... '\''] = GW__CHAR_TOKEN | PATH,
    ['(' ... ')'] = PATH,
    ['*' ... '+'] = GW__CHAR_TOKEN | PATH,
    [','] = PATH,
    ['-'] = UNRESERVED,
    ['.'] = GW__CHAR_TOKEN | GW__CHAR_HOST | ESCAPE,
    ['/'] = PATH,
    ['0' ... '9'] = UNRESERVED | GW__CHAR_DIGIT,
    [':' ... ';'] = PATH,
    ['<'] = VALUE,
    ['='] = PATH,
    ['>'] = VALUE,
    ['?'] = QUERY,
    ['@'] = PATH,
    ['A' ... 'Z'] = UNRESERVED,
    ['[' ... ']'] = QUERY,
    ['^'] = GW__CHAR_TOKEN | QUERY,
    ['_'] = UNRESERVED,
    ['`'] = GW__CHAR_TOKEN | QUERY,
    ['a' ... 'z'] = UNRESERVED,
    ['{'] = QUERY,
    ['|'] = GW__CHAR_TOKEN | QUERY,
    ['}'] = QUERY,
    ['~'] = UNRESERVED,
    [0x80 ... 0xff] = VALUE,
};

enum gw__field_id gw__field_id(const char *name, size_t size)
{
    return gw__field_id_inline(name, size);
}

const struct gw__header *gw__fields_search_id(const struct gw__fields *fields, enum gw__field_id id)
{
    for (unsigned i = 0; i < fields->count; i++)
        if (fields->items[i].id == id)
            return &fields->items[i];
    return NULL;
}

struct gw__header *gw__fields_find(const struct gw__fields *fields, const char *name, size_t size, size_t from)
{
    for (size_t i = from; i < fields->count; i++) {
        struct gw__header *field = &fields->items[i];
        if (field->name_size == size && gw__case_equal(field->name, name, size))
            return field;
    }
    return NULL;
}

bool gw__fields_grow(struct gw__fields *fields, struct gw__arena *arena)
{
    unsigned capacity = fields->capacity < 8 ? 16 : fields->capacity * 2u;
    if (capacity > GW__MOST_FIELDS)
        capacity = GW__MOST_FIELDS;
    if (fields->count >= capacity)
        return false;
    struct gw__header *items = gw__arena_alloc(arena, capacity * sizeof *items);
    if (!items)
        return false;
    if (fields->count)
        memcpy(items, fields->items, fields->count * sizeof *items);
    fields->items = items;
    fields->capacity = (uint16_t)capacity;
    return true;
}

bool gw__fields_add(struct gw__fields *fields, struct gw__arena *arena, const char *name, size_t name_size,
                    const char *value, size_t value_size)
{
    if (name_size > UINT16_MAX || value_size > UINT32_MAX)
        return false;
    enum gw__field_id id = gw__field_id_inline(name, name_size);
    struct gw__header field = {
        .name = name,
        .value = value,
        .value_size = (uint32_t)value_size,
        .name_size = (uint16_t)name_size,
        .id = (uint8_t)id,
        .hop = gw__field_id_is_hop(id),
    };
    return gw__fields_append(fields, arena, &field);
}

size_t gw__fields_remove(struct gw__fields *fields, const char *name, size_t size)
{
    const struct gw__header *first = gw__fields_find(fields, name, size, 0);
    if (!first)
        return 0;
    unsigned kept = (unsigned)(first - fields->items), count = fields->count;
    for (unsigned i = kept + 1; i < count; i++) {
        struct gw__header *field = &fields->items[i];
        if (field->name_size == size && gw__case_equal(field->name, name, size))
            continue;
        fields->items[kept++] = *field;
    }
    fields->count = (uint16_t)kept;
    return count - kept;
}

bool gw__is_token(const char *text, size_t size)
{
    return size > 0 && gw__chars_are(text, size, GW__CHAR_TOKEN);
}

bool gw__is_field_value(const char *text, size_t size)
{
    return gw__chars_are(text, size, VALUE);
}

static const struct {
    int status;
    const char *text;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

const char *gw__reason(int status)
{
    if (status == 200)
        return "OK";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}
