/* The peer's address goes behind those that earlier proxies put there, in one field or several, so that each reader can
 * walk back as far as it trusts. What clients made up was dropped when the request came in (exchange/client.h). */
#include "endpoints/forwarding.h"

#include "http/chars.h"
#include "http/uri.h"

/* Text is a constant: of a known size, so no call. */
static inline __attribute__((always_inline)) char *put(char *to, const char *text)
{
    return (char *)memcpy(to, text, strlen(text)) + strlen(text);
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

static char *put_x_forwarded(struct gw_exchange *ex, char *to, struct gw__str ip)
{
    struct gw__str host = ex->request.host;
    if (has(ex, GW__FIELD_X_FORWARDED_FOR))
        extend(ex, GW__FIELD_X_FORWARDED_FOR, ip);
    else
        to = put(gw__copy_short(put(to, "X-Forwarded-For: "), ip.data, ip.size), "\r\n");
    if (!has(ex, GW__FIELD_X_FORWARDED_PROTO))
        to = ex->state.secure ? put(to, "X-Forwarded-Proto: https\r\n") : put(to, "X-Forwarded-Proto: http\r\n");
    if (host.size && !has(ex, GW__FIELD_X_FORWARDED_HOST))
        to = put(gw__copy_short(put(to, "X-Forwarded-Host: "), host.data, host.size), "\r\n");
    return to;
}

/* RFC 7239 section 4: what is no token stands in quotes, IPv6 addresses in brackets too. */
static char *put_forwarded(struct gw_exchange *ex, char *to, struct gw__str ip)
{
    struct gw__str host = ex->request.host;
    bool v6 = memchr(ip.data, ':', ip.size) != NULL, port = host.size && memchr(host.data, ':', host.size);
    char *value = put(to, "Forwarded: "), *at = put(value, "for=");
    at = v6 ? put(at, "\"[") : at;
    at = gw__copy_short(at, ip.data, ip.size);
    at = v6 ? put(at, "]\"") : at;
    if (host.size) {
        at = port ? put(at, ";host=\"") : put(at, ";host=");
        at = gw__copy_short(at, host.data, host.size);
        at = port ? put(at, "\"") : at;
    }
    at = ex->state.secure ? put(at, ";proto=https") : put(at, ";proto=http");
    if (!has(ex, GW__FIELD_FORWARDED))
        return put(at, "\r\n");
    extend(ex, GW__FIELD_FORWARDED, (struct gw__str){value, (size_t)(at - value)});
    return to;
}

void gw__forwarding_add_via(struct gw_exchange *ex, struct gw__head *head)
{
    struct gw__header field = {.value_size = sizeof "1.1 gateway" - 1, .name_size = 3, .id = GW__FIELD_VIA};
    char *line = space_for_lines(ex, sizeof "Via: 1.1 gateway\r\n"); /* which the writer of heads copies as it is */
    if (!line)
        return;
    field.name = line;
    field.value = line + sizeof "Via: " - 1;
    memcpy(line, head->minor ? "Via: 1.1 gateway\r\n" : "Via: 1.0 gateway\r\n", sizeof "Via: 1.1 gateway\r\n");
    if (!gw__fields_append(&head->fields, &ex->arena, &field))
        ex->state.out_of_memory = true;
}

void gw__forwarding_add(struct gw_exchange *ex, const char *service)
{
    enum { TEXT_BYTES = 192 }; /* of all names and what else is constant */
    struct gw__head *head = &ex->request;
    uint8_t forwarded = ((const struct gw__http_site *)ex->stream->site)->options.forwarded;
    struct gw__str ip = peer_ip(ex);
    struct gw__str own_host = head->host.size || !gw__host_valid(gw__str(service)) ? head->host : gw__str(service);
    char *lines = space_for_lines(ex, TEXT_BYTES + 2 * ip.size + 2 * head->host.size + own_host.size), *to = lines;
    if (!lines)
        return;
    if (forwarded == GW__FORWARDED_X || forwarded == GW__FORWARDED_BOTH)
        to = put_x_forwarded(ex, to, ip);
    if (forwarded == GW__FORWARDED_STANDARD || forwarded == GW__FORWARDED_BOTH)
        to = put_forwarded(ex, to, ip);
    to = head->minor ? put(to, "Via: 1.1 gateway\r\n") : put(to, "Via: 1.0 gateway\r\n");
    if (!has(ex, GW__FIELD_HOST)) /* HTTP/1.0 may come without */
        to = put(gw__copy_short(put(to, "Host: "), own_host.data, own_host.size), "\r\n");
    head->own = (struct gw__str){lines, (size_t)(to - lines)};
}
