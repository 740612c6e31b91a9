/* Texts of addresses. Nothing is looked up: names stay names. */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

static const char *parse_unix(const char *path, struct gw__address *out)
{
    if (!*path)
        return "the path of the socket is missing";
    size_t size = strlen(path);
    if (size >= sizeof out->path)
        return "the path of a Unix socket has at most 107 bytes";
    out->is_unix = true;
    memcpy(out->path, path, size + 1);
    return NULL;
}

static const char *parse_port(const char *text, int *out)
{
    size_t size = strlen(text);
    int port = 0;
    if (!size || size > 5 || strspn(text, "0123456789") != size)
        return "the port must be a number from 0 to 65535";
    for (; *text; text++)
        port = port * 10 + (*text - '0');
    if (port > 65535)
        return "the port must be a number from 0 to 65535";
    *out = port;
    return NULL;
}

static const char *parse_host(const char *text, size_t size, struct gw__address *out)
{
    bool bracketed = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (bracketed) {
        text++;
        size -= 2;
    }
    if (size >= sizeof out->host)
        return "the host's name is too long";
    memcpy(out->host, text, size);
    out->host[size] = '\0';
    struct in6_addr v6;
    if (bracketed)
        return inet_pton(AF_INET6, out->host, &v6) == 1 ? NULL : "there must be an IPv6 address in the brackets";
    if (strchr(out->host, ':'))
        return "an IPv6 address stands in brackets: \"[::1]:8080\"";
    return strspn(out->host, letters) == size ? NULL : "the host has a character that no host has";
}

const char *gw__address_parse(const char *text, struct gw__address *out)
{
    memset(out, 0, sizeof *out);
    if (!text || !*text)
        return "it is empty";
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, out);
    const char *colon = strrchr(text, ':');
    if (!colon || strchr(colon, ']'))
        return "the port is missing";
    const char *error = parse_host(text, (size_t)(colon - text), out);
    return error ? error : parse_port(colon + 1, &out->port);
}

bool gw__address_socket(const struct gw__address *address, struct sockaddr_storage *out, socklen_t *size)
{
    struct sockaddr_un *local = (struct sockaddr_un *)out;
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (address->is_unix) {
        local->sun_family = AF_UNIX;
        memcpy(local->sun_path, address->path, sizeof local->sun_path);
        *size = sizeof *local;
    } else if (!*address->host || inet_pton(AF_INET, address->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((in_port_t)address->port);
        *size = sizeof *v4;
    } else if (inet_pton(AF_INET6, address->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((in_port_t)address->port);
        *size = sizeof *v6;
    } else {
        return false;
    }
    return true;
}

bool gw__address_equal(const struct gw__address *a, const struct gw__address *b)
{
    if (a->is_unix || b->is_unix)
        return a->is_unix && b->is_unix && strcmp(a->path, b->path) == 0;
    return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}
