/* The peer's address goes behind those that earlier proxies put there, in one field or several, so that each reader can
 * walk back as far as it trusts. What clients made up was dropped when the request came in (exchange/client.h). */
#include "endpoints/forwarding.h"

#include "http/chars.h"

/* Fields of ours are written as lines, one behind the other, at *at: the writer of heads copies these as one piece. */
static inline __attribute__((always_inline)) void add(struct gw_exchange *ex, struct gw__fields *fields, char **at,
                                                      enum gw__field_id id, struct gw__str name, struct gw__str value)
{
    struct gw__header field = {
        .name = *at,
        .value = *at + name.size + 2,
        .value_size = (uint32_t)value.size,
        .name_size = (uint16_t)name.size,
        .id = (uint8_t)id,
    };
    memcpy(*at, name.data, name.size);
    memcpy(*at + name.size, ": ", 2);
    char *end = gw__copy_short(*at + name.size + 2, value.data, value.size);
    *at = (char *)memcpy(end, "\r\n", 2) + 2;
    if (!gw__fields_append(fields, &ex->arena, &field))
        ex->state.out_of_memory = true;
}

static char *space_for_lines(struct gw_exchange *ex, size_t size)
{
    char *lines = gw__arena_alloc(&ex->arena, size);
    if (!lines)
        ex->state.out_of_memory = true;
    return lines;
}

static bool has(const struct gw_exchange *ex, enum gw__field_id id)
{
    return gw__fields_find_id(&ex->request.fields, id);
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
    gw__fields_set_value(fields, first, (struct gw__str){value, size});
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

static void add_x_forwarded(struct gw_exchange *ex, char **at)
{
    struct gw__fields *fields = &ex->request.fields;
    struct gw__str host = ex->request.host;
    if (has(ex, GW__FIELD_X_FORWARDED_FOR))
        extend(ex, GW__FIELD_X_FORWARDED_FOR, peer_ip(ex));
    else
        add(ex, fields, at, GW__FIELD_X_FORWARDED_FOR, GW__STR("X-Forwarded-For"), peer_ip(ex));
    if (!has(ex, GW__FIELD_X_FORWARDED_PROTO))
        add(ex, fields, at, GW__FIELD_X_FORWARDED_PROTO, GW__STR("X-Forwarded-Proto"),
            ex->state.secure ? GW__STR("https") : GW__STR("http"));
    if (host.size && !has(ex, GW__FIELD_X_FORWARDED_HOST))
        add(ex, fields, at, GW__FIELD_X_FORWARDED_HOST, GW__STR("X-Forwarded-Host"), host);
}

/* RFC 7239 section 4: what is no token stands in quotes, IPv6 addresses in brackets too. */
static void add_forwarded(struct gw_exchange *ex)
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
    struct gw__str value = gw__str(element);
    if (has(ex, GW__FIELD_FORWARDED)) {
        extend(ex, GW__FIELD_FORWARDED, value);
        return;
    }
    char *at = space_for_lines(ex, sizeof "Forwarded: \r\n" + value.size);
    if (at)
        add(ex, &ex->request.fields, &at, GW__FIELD_FORWARDED, GW__STR("Forwarded"), value);
}

static void add_via(struct gw_exchange *ex, struct gw__head *head, char **at)
{
    struct gw__str value = head->minor ? GW__STR("1.1 gateway") : GW__STR("1.0 gateway");
    add(ex, &head->fields, at, GW__FIELD_VIA, GW__STR("Via"), value);
}

void gw__forwarding_add_via(struct gw_exchange *ex, struct gw__head *head)
{
    char *at = space_for_lines(ex, sizeof "Via: 1.1 gateway\r\n");
    if (at)
        add_via(ex, head, &at);
}

void gw__forwarding_add(struct gw_exchange *ex)
{
    enum { NAME_BYTES = 128 }; /* of all, with the scheme, Via and line ends */
    const struct gw__http_site *site = ex->stream->site;
    struct gw__str host = ex->request.host;
    uint8_t forwarded = site->options.forwarded;
    char *at = space_for_lines(ex, NAME_BYTES + peer_ip(ex).size + 2 * host.size);
    if (!at)
        return;
    if (forwarded == GW__FORWARDED_X || forwarded == GW__FORWARDED_BOTH)
        add_x_forwarded(ex, &at);
    if (forwarded == GW__FORWARDED_STANDARD || forwarded == GW__FORWARDED_BOTH)
        add_forwarded(ex);
    add_via(ex, &ex->request, &at);
    if (!has(ex, GW__FIELD_HOST)) /* HTTP/1.0 may come without */
        add(ex, &ex->request.fields, &at, GW__FIELD_HOST, GW__STR("Host"), host);
}
