/* The peer's address goes behind those that earlier proxies put there, in one field or several, so that each reader can
 * walk back as far as it trusts. What clients made up was dropped when the request came in (exchange/client.h). */
#include "endpoints/forwarding.h"

static void add(struct gw_exchange *ex, struct gw__fields *fields, struct gw__str name, struct gw__str value)
{
    if (!gw__fields_add(fields, &ex->arena, name.data, name.size, value.data, value.size))
        ex->state.out_of_memory = true;
}

/* A bit for each id that is there. */
static uint32_t present(const struct gw__fields *fields)
{
    _Static_assert(GW__FIELD_LAST <= 32, "one bit each");
    uint32_t ids = 0;
    for (const struct gw__header *field = fields->items, *end = field + fields->count; field < end; field++)
        ids |= UINT32_C(1) << field->id;
    return ids;
}

/* The fields of that id and `last` behind them, as one list in the first of them; the others go no further. */
static void extend(struct gw_exchange *ex, enum gw__field_id id, struct gw__str last)
{
    struct gw__fields *fields = &ex->request.fields;
    struct gw__header *end = fields->items + fields->count, *first = NULL;
    size_t size = last.size;
    for (struct gw__header *field = fields->items; field < end; field++)
        size += field->id == id ? field->value_size + 2u : 0;
    char *value = gw__arena_alloc(&ex->arena, size + 1), *to = value;
    if (!value) {
        ex->state.out_of_memory = true;
        return;
    }
    for (struct gw__header *field = fields->items; field < end; field++) {
        if (field->id != id)
            continue;
        to = (char *)memcpy(to, field->value, field->value_size) + field->value_size;
        to = (char *)memcpy(to, ", ", 2) + 2;
        field->hop = first != NULL;
        first = first ? first : field;
    }
    memcpy(to, last.data, last.size);
    value[size] = '\0';
    first->value = value;
    first->value_size = (uint32_t)size;
}

/* The peer's IP address without brackets. */
static struct gw__str peer_ip(const struct gw_exchange *ex)
{
    struct gw__str ip = {ex->stream->peer, ex->stream->peer_ip_size};
    if (gw__str_equal(ip, GW__STR("unix")))
        return GW__STR("unknown");
    if (ip.data[0] == '[')
        return (struct gw__str){ip.data + 1, ip.size - 2};
    return ip;
}

static void add_x_forwarded(struct gw_exchange *ex, uint32_t ids)
{
    struct gw__fields *fields = &ex->request.fields;
    struct gw__str host = ex->request.host;
    if (ids >> GW__FIELD_X_FORWARDED_FOR & 1)
        extend(ex, GW__FIELD_X_FORWARDED_FOR, peer_ip(ex));
    else
        add(ex, fields, GW__STR("X-Forwarded-For"), peer_ip(ex));
    if (!(ids >> GW__FIELD_X_FORWARDED_PROTO & 1))
        add(ex, fields, GW__STR("X-Forwarded-Proto"), ex->state.secure ? GW__STR("https") : GW__STR("http"));
    if (host.size && !(ids >> GW__FIELD_X_FORWARDED_HOST & 1))
        add(ex, fields, GW__STR("X-Forwarded-Host"), host);
}

/* RFC 7239 section 4: what is no token stands in quotes, IPv6 addresses in brackets too. */
static void add_forwarded(struct gw_exchange *ex, uint32_t ids)
{
    struct gw__str ip = peer_ip(ex), host = ex->request.host;
    bool v6 = memchr(ip.data, ':', ip.size) != NULL, port = host.size && memchr(host.data, ':', host.size);
    const char *quote = port ? "\"" : "";
    const char *element =
        gw_exchange_print(ex, "for=%s%.*s%s%s%s%.*s%s;proto=%s", v6 ? "\"[" : "", (int)ip.size, ip.data,
                          v6 ? "]\"" : "", host.size ? ";host=" : "", quote, (int)host.size, host.size ? host.data : "",
                          quote, ex->state.secure ? "https" : "http");
    if (!element)
        return;
    if (ids >> GW__FIELD_FORWARDED & 1)
        extend(ex, GW__FIELD_FORWARDED, gw__str(element));
    else
        add(ex, &ex->request.fields, GW__STR("Forwarded"), gw__str(element));
}

void gw__forwarding_add_via(struct gw_exchange *ex, struct gw__head *head)
{
    add(ex, &head->fields, GW__STR("Via"), head->minor ? GW__STR("1.1 gateway") : GW__STR("1.0 gateway"));
}

void gw__forwarding_add(struct gw_exchange *ex)
{
    const struct gw__http_site *site = ex->stream->site;
    uint32_t ids = present(&ex->request.fields);
    uint8_t forwarded = site->options.forwarded;
    if (forwarded == GW__FORWARDED_X || forwarded == GW__FORWARDED_BOTH)
        add_x_forwarded(ex, ids);
    if (forwarded == GW__FORWARDED_STANDARD || forwarded == GW__FORWARDED_BOTH)
        add_forwarded(ex, ids);
    gw__forwarding_add_via(ex, &ex->request);
    if (!(ids >> GW__FIELD_HOST & 1)) /* HTTP/1.0 may come without */
        add(ex, &ex->request.fields, GW__STR("Host"), ex->request.host);
}
