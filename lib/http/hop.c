/* Which fields go no further: by name, because Connection says so, or because they stand in a trailer. */
#include "http/hop.h"

static bool is_one_of(const char *name, size_t size, const char *const *names)
{
    for (; *names; names++)
        if (strlen(*names) == size && gw__case_equal(*names, name, size))
            return true;
    return false;
}

/* RFC 9110 section 7.6.1: options name hop-by-hop fields only. These are for all recipients, or we and the upstream
 * decide by them, so a client can't have them removed by naming them. */
static bool is_end_to_end(const char *name, size_t size)
{
    switch (gw__field_id(name, size)) {
    case GW__FIELD_HOST:
    case GW__FIELD_AUTHORIZATION:
    case GW__FIELD_CACHE_CONTROL:
    case GW__FIELD_COOKIE:
    case GW__FIELD_SET_COOKIE:
    case GW__FIELD_DATE:
    case GW__FIELD_FORWARDED:
    case GW__FIELD_MAX_FORWARDS:
    case GW__FIELD_VIA: return true;
    default:
        return (size > 8 && gw__case_equal(name, "content-", 8)) ||
               (size > 12 && gw__case_equal(name, "x-forwarded-", 12)) ||
               is_one_of(name, size, (const char *const[]){"location", "origin", "range", NULL});
    }
}

static void mark_hop(struct gw__raw_head *raw, const char *data, struct gw__str name)
{
    if (is_end_to_end(name.data, name.size))
        return;
    for (unsigned i = 0; i < raw->count; i++) {
        struct gw__raw_field *field = &raw->fields[i];
        if (field->name_size == name.size && gw__case_equal(data + field->name, name.data, name.size))
            field->hop = true;
    }
}

void gw__raw_mark_named(struct gw__raw_head *raw, const char *data)
{
    for (unsigned i = 0; i < raw->count; i++) {
        const struct gw__raw_field *field = &raw->fields[i];
        const char *at = data + field->value, *end = at + field->value_size;
        while (field->id == GW__FIELD_CONNECTION && at < end)
            mark_hop(raw, data, gw__next_element(&at, end));
    }
}

/* RFC 9110 section 6.5.1: what decides about framing, routing, access, caching or reading of the message has come too
 * late in a trailer, and a recipient that merges it would be fooled. */
static bool is_forbidden_in_trailer(const char *name, size_t size)
{
    static const char *const names[] = {
        "proxy-authorization",
        "proxy-authenticate",
        "www-authenticate",
        "age",
        "expires",
        "retry-after",
        "vary",
        "pragma",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "if-range",
        NULL,
    };
    enum gw__field_id id = gw__field_id(name, size);
    return (id != GW__FIELD_OTHER && id != GW__FIELD_ETAG) || is_end_to_end(name, size) || is_one_of(name, size, names);
}

void gw__raw_mark_trailers(struct gw__raw_head *raw, const char *data)
{
    for (unsigned i = 0; i < raw->count; i++) {
        struct gw__raw_field *field = &raw->fields[i];
        field->hop = is_forbidden_in_trailer(data + field->name, field->name_size);
    }
}
