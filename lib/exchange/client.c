/* Hops are collected from the front, the last ones kept, and walked from the back as long as they are trusted. What is
 * no address ends the walk: the hop behind it is the last that is known. */
#include "exchange/client.h"

#include "base/networks.h"
#include "http/hop.h"
#include "http/uri.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { MOST_HOPS = 32 };

struct hop {
    struct gw__str node, proto; /* proto of Forwarded alone */
};

struct hops {
    struct hop items[MOST_HOPS]; /* a ring */
    size_t count;
};

static void add_hop(struct hops *hops, const struct hop *hop)
{
    hops->items[hops->count++ % MOST_HOPS] = *hop;
}

static void collect_list(struct hops *hops, const struct gw__header *field)
{
    for (const char *at = field->value, *end = at + field->value_size; at < end;)
        add_hop(hops, &(struct hop){.node = gw__next_element(&at, end)});
}

/* A token or a quoted string, whose quotes are left out; escapes in it are not undone: no address has any. */
static struct gw__str take_value(const char **at, const char *end)
{
    const char *from = *at;
    if (from < end && *from == '"') {
        const char *to = ++from;
        while (to < end && *to != '"')
            to += *to == '\\' && to + 1 < end ? 2 : 1;
        *at = to < end ? to + 1 : end;
        return (struct gw__str){from, (size_t)(to - from)};
    }
    while (*at < end && !memchr(",; \t", **at, 4))
        ++*at;
    return (struct gw__str){from, (size_t)(*at - from)};
}

/* RFC 7239 section 4: elements between commas, of name=value between semicolons. */
static void collect_forwarded(struct hops *hops, const struct gw__header *field)
{
    const char *at = field->value, *end = at + field->value_size;
    struct hop hop = {0};
    while (at < end) {
        const char *name = at;
        while (at < end && !memchr("=,; \t", *at, 5))
            at++;
        struct gw__str key = {name, (size_t)(at - name)};
        if (at < end && *at == '=') {
            at++;
            struct gw__str value = take_value(&at, end);
            if (gw__str_case_equal(key, GW__STR("for")))
                hop.node = value;
            else if (gw__str_case_equal(key, GW__STR("proto")))
                hop.proto = value;
        }
        if (at < end && *at == ',') {
            add_hop(hops, &hop);
            hop = (struct hop){0};
        }
        if (at < end)
            at++;
    }
    add_hop(hops, &hop);
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80"; *port is ":80" or empty. */
static bool parse_node(struct gw__str node, struct gw__ip *ip, struct gw__str *port)
{
    if (!node.size)
        return false;
    const char *end = node.data + node.size;
    const char *colon = memchr(node.data, ':', node.size);
    *port = (struct gw__str){end, 0};
    if (node.data[0] == '[') {
        const char *close = memchr(node.data, ']', node.size);
        if (!close || (close + 1 < end && close[1] != ':'))
            return false;
        *port = (struct gw__str){close + 1, (size_t)(end - close - 1)};
        node = (struct gw__str){node.data + 1, (size_t)(close - node.data - 1)};
    } else if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1))) {
        *port = (struct gw__str){colon, (size_t)(end - colon)};
        node.size = (size_t)(colon - node.data);
    }
    for (size_t i = 1; i < port->size; i++)
        if (port->data[i] < '0' || port->data[i] > '9')
            return false;
    return port->size != 1 && port->size <= 6 && gw__ip_parse(ip, node.data, node.size);
}

static const char *print_node(struct gw_exchange *ex, const struct gw__ip *ip, struct gw__str port)
{
    char text[INET6_ADDRSTRLEN] = "";
    const struct in6_addr *address = (const struct in6_addr *)ip->bytes;
    bool v4 = IN6_IS_ADDR_V4MAPPED(address);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->bytes + 12 : ip->bytes, text, sizeof text);
    return gw_exchange_print(ex, v4 ? "%s%.*s" : "[%s]%.*s", text, (int)port.size, port.data);
}

static bool peer_is_trusted(const struct gw_exchange *ex, const struct gw__networks *trusted)
{
    struct gw__ip ip;
    struct gw__str port, peer = {ex->stream->peer, strlen(ex->stream->peer)};
    if (gw__str_equal(peer, GW__STR("unix")))
        return gw__networks_have_unix(trusted);
    return parse_node(peer, &ip, &port) && gw__networks_have(trusted, &ip);
}

static void walk(struct gw_exchange *ex, const struct hops *hops, const struct gw__networks *trusted)
{
    size_t most = hops->count < MOST_HOPS ? hops->count : MOST_HOPS;
    const char *client = NULL;
    struct gw__str proto = {0};
    for (size_t i = 0; i < most; i++) {
        const struct hop *hop = &hops->items[(hops->count - 1 - i) % MOST_HOPS];
        struct gw__ip ip;
        struct gw__str port;
        if (!parse_node(hop->node, &ip, &port))
            break;
        proto = hop->proto;
        client = print_node(ex, &ip, port);
        if (!gw__networks_have(trusted, &ip))
            break;
    }
    if (client)
        ex->text.client = client;
    if (proto.size)
        ex->state.secure = gw__str_case_equal(proto, GW__STR("https"));
}

static bool is_proto(struct gw__str text)
{
    return gw__str_case_equal(text, GW__STR("https")) || gw__str_case_equal(text, GW__STR("http"));
}

/* Of a trusted peer: the one valid field of that id stays, or none. */
static const struct gw__header *check_single(struct gw_exchange *ex, enum gw__field_id id,
                                             bool (*valid)(struct gw__str text))
{
    struct gw__fields *fields = &ex->request.fields;
    const struct gw__header *field = gw__fields_find_id(fields, id);
    if (!field)
        return NULL;
    bool good = valid((struct gw__str){field->value, field->value_size});
    for (const struct gw__header *other = field + 1; other < fields->items + fields->count; other++)
        good = good && other->id != id;
    if (good)
        return field;
    gw__fields_remove(fields, field->name, field->name_size);
    return NULL;
}

static void believe(struct gw_exchange *ex, const struct gw__http_options *options)
{
    bool standard = options->forwarded == GW__FORWARDED_STANDARD;
    struct hops hops;
    hops.count = 0;
    ex->state.peer_trusted = true;
    for (uint16_t i = 0; i < ex->request.fields.count; i++) {
        const struct gw__header *field = &ex->request.fields.items[i];
        if (standard && field->id == GW__FIELD_FORWARDED)
            collect_forwarded(&hops, field);
        else if (!standard && field->id == GW__FIELD_X_FORWARDED_FOR)
            collect_list(&hops, field);
    }
    walk(ex, &hops, options->trusted);
    if (options->forwarded == GW__FORWARDED_PASS || standard)
        return;
    const struct gw__header *proto = check_single(ex, GW__FIELD_X_FORWARDED_PROTO, is_proto);
    if (proto)
        ex->state.secure = proto->value_size == 5;
    check_single(ex, GW__FIELD_X_FORWARDED_HOST, gw__host_valid);
}

static inline bool is_x_forwarded(const struct gw__header *field)
{
    if (field->id)
        return field->id >= GW__FIELD_X_FORWARDED_FOR && field->id <= GW__FIELD_X_FORWARDED_HOST;
    return field->name_size > 12 && (field->name[0] | 0x20) == 'x' && gw__case_equal(field->name, "x-forwarded-", 12);
}

/* What the peer may not say, or what no one will write on. */
static void drop(struct gw_exchange *ex, bool keep_x, bool keep_standard)
{
    const uint32_t ids = 1u << GW__FIELD_FORWARDED | 1u << GW__FIELD_X_FORWARDED_FOR |
                         1u << GW__FIELD_X_FORWARDED_PROTO | 1u << GW__FIELD_X_FORWARDED_HOST |
                         1u << GW__FIELD_OTHER; /* X-Forwarded-* of other names */
    struct gw__fields *fields = &ex->request.fields;
    if (!(fields->ids & ids))
        return;
    struct gw__header *to = fields->items, *end = to + fields->count;
    for (const struct gw__header *field = to; field < end; field++) {
        if ((field->id == GW__FIELD_FORWARDED && !keep_standard) || (!keep_x && is_x_forwarded(field)))
            continue;
        if (to != field)
            *to = *field;
        to++;
    }
    fields->count = (uint16_t)(to - fields->items);
}

void gw__client_identify(struct gw_exchange *ex)
{
    const struct gw__http_options *options = &((const struct gw__http_site *)ex->stream->site)->options;
    uint8_t forwarded = options->forwarded;
    if (options->trusted && peer_is_trusted(ex, options->trusted))
        believe(ex, options);
    if (forwarded == GW__FORWARDED_PASS)
        return;
    bool trusted = ex->state.peer_trusted, both = forwarded == GW__FORWARDED_BOTH;
    drop(ex, trusted && (both || forwarded == GW__FORWARDED_X),
         trusted && (both || forwarded == GW__FORWARDED_STANDARD));
}
