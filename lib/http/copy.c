/* Parsed heads into an arena: the bytes once, then pointers into them. The copy keeps the lines as they came, which
 * write.c makes use of. */
#include "http/names.h"
#include "http/parse.h"
#include "http/uri.h"

/* value_size, name_size, id and hop lie alike in both: one word. */
enum { rest_bytes = sizeof(struct gw__raw_field) - offsetof(struct gw__raw_field, value_size) };
_Static_assert(rest_bytes == 8, "one word");
_Static_assert(sizeof(struct gw__header) - offsetof(struct gw__header, value_size) == rest_bytes, "the same in both");
_Static_assert(offsetof(struct gw__header, hop) - offsetof(struct gw__header, value_size) ==
                   offsetof(struct gw__raw_field, hop) - offsetof(struct gw__raw_field, value_size),
               "the same in both");

/* What both kinds of heads have, in one piece: the fields, then the bytes. Returns these. */
static inline char *copy_head(struct gw__head *head, const struct gw__raw_head *raw, const char *data,
                              struct gw__arena *arena, unsigned spare)
{
    unsigned capacity = raw->count + spare;
    if (capacity > GW__MAX_FIELDS)
        capacity = GW__MAX_FIELDS;
    struct gw__header *to = gw__arena_alloc(arena, capacity * sizeof *to + raw->size);
    if (!to)
        return NULL;
    head->fields = (struct gw__fields){
        .items = to,
        .count = raw->count,
        .capacity = (uint16_t)capacity,
        .ids = raw->ids,
        .bytes = raw->size + raw->count, /* a blank behind each colon may be new */
    };
    char *copy = memcpy(to + capacity, data, raw->size);
    const struct gw__raw_field *from = raw->fields;
    for (const struct gw__raw_field *end = from + raw->count; from < end; from++, to++) {
        to->name = copy + from->name;
        to->value = copy + from->value;
        memcpy(&to->value_size, &from->value_size, rest_bytes);
    }
    head->minor = raw->minor;
    head->keep_alive = raw->keep_alive;
    head->chunked = raw->chunked;
    head->content_length = raw->content_length;
    return copy;
}

static enum gw__parse_result refuse(struct gw__parse_error *error, int status, const char *reason)
{
    *error = (struct gw__parse_error){status, reason};
    return GW__PARSE_BAD;
}

/* RFC 9112 section 3.2.2: an authority in the target replaces Host, also in what is passed on. */
static void set_host(struct gw__head *head, struct gw__str authority)
{
    for (unsigned i = 0; i < head->fields.count; i++) {
        struct gw__header *field = &head->fields.items[i];
        if (field->id != GW__FIELD_HOST)
            continue;
        if (authority.size > 0)
            gw__fields_set_value(&head->fields, field, authority);
        head->host = (struct gw__str){field->value, field->value_size};
        return;
    }
    head->host = authority; /* HTTP/1.0 */
}

static enum gw__parse_result set_target(struct gw__head *head, struct gw__str text, bool merge_slashes,
                                        struct gw__arena *arena, struct gw__parse_error *error)
{
    struct gw__target target;
    if (head->method_id == GW__METHOD_CONNECT)
        return refuse(error, 501, "CONNECT is not done here");
    if (!gw__target_split(text, &target))
        return refuse(error, 400, "the request target is invalid");
    head->path = target.path;
    head->query = target.query;
    head->has_query = target.has_query;
    if (head->method_id == GW__METHOD_OPTIONS && target.path.data[0] == '/' && target.authority.size > 0 &&
        !target.has_query && target.authority.data + target.authority.size == text.data + text.size)
        head->path = GW__STR("*"); /* RFC 9112 section 3.2.4 */
    if (head->path.data[0] == '*' && head->method_id != GW__METHOD_OPTIONS)
        return refuse(error, 400, "the target * is for OPTIONS only");
    if (merge_slashes)
        target.path.size = head->path.size = gw__path_merge_slashes((char *)target.path.data, target.path.size);
    if (!target.plain)
        head->path = gw__path_normalise(target.path, arena);
    if (!head->path.data)
        return refuse(error, 503, "out of memory");
    if (target.authority.size > 0) /* a copy: terminating it must not touch the path behind it */
        target.authority.data = gw__arena_copy(arena, target.authority.data, target.authority.size);
    if (target.authority.size > 0 && !target.authority.data)
        return refuse(error, 503, "out of memory");
    set_host(head, target.authority);
    return GW__PARSE_OK;
}

enum gw__parse_result gw__head_from_request(struct gw__head *head, const struct gw__raw_head *raw, const char *data,
                                            struct gw__arena *arena, unsigned spare, bool merge_slashes,
                                            struct gw__parse_error *error)
{
    char *copy = copy_head(head, raw, data, arena, spare);
    if (!copy)
        return refuse(error, 503, "out of memory");
    head->method = (struct gw__str){copy + raw->method, raw->method_size};
    head->method_id = raw->method_id;
    head->expect_continue = raw->expect_continue;
    head->has_body = raw->chunked || raw->content_length > 0;
    if (!raw->chunked && raw->content_length < 0)
        head->content_length = 0;
    return set_target(head, (struct gw__str){copy + raw->target, raw->target_size}, merge_slashes, arena, error);
}

void gw__head_from_refused(struct gw__head *head, struct gw__str data, size_t line_bytes, bool merge_slashes,
                           struct gw__arena *arena)
{
    const char *at = data.data, *end = at + data.size;
    while (at < end && (*at == '\r' || *at == '\n'))
        at++;
    size_t size = (size_t)(end - at), method = gw__chars_span(at, size, GW__CHAR_TOKEN);
    if (!method || method == size || at[method] != ' ' || method >= line_bytes)
        return;
    const char *target = at + method + 1, *line_end = memchr(target, '\n', (size_t)(end - target));
    size = line_end && (size_t)(line_end - at) <= line_bytes ? (size_t)(line_end - at) : method + 1;
    char *copy = gw__arena_copy(arena, at, size);
    if (!copy)
        return;
    struct gw__str rest = {copy + method + 1, size - method - 1};
    const char *blank = rest.size ? memchr(rest.data, ' ', rest.size) : NULL;
    struct gw__parse_error ignored;
    head->method = (struct gw__str){copy, method};
    head->method_id = gw__method_id(copy, method);
    if (!blank)
        return;
    head->minor = rest.data + rest.size - blank >= 9 && memcmp(blank, " HTTP/1.0", 9) != 0;
    rest.size = (size_t)(blank - rest.data);
    if (set_target(head, rest, merge_slashes, arena, &ignored) != GW__PARSE_OK)
        head->path = head->query = (struct gw__str){0};
}

bool gw__head_from_response(struct gw__head *head, const struct gw__raw_head *raw, const char *data,
                            struct gw__arena *arena, unsigned spare)
{
    char *copy = copy_head(head, raw, data, arena, spare);
    if (!copy)
        return false;
    head->status = raw->status;
    head->reason = (struct gw__str){copy + raw->reason, raw->reason_size};
    return true;
}
