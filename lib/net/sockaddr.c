/* Socket addresses in and out; the one place of net/ that knows families. */
#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool gw__sockaddr_resolve(struct gw__sockaddr *out, const struct gw__address *address, bool passive)
{
    memset(out, 0, sizeof *out);
    if ((passive || address->is_unix || address->host[0]) && gw__address_socket(address, &out->to.storage, &out->size))
        return true;
    char port[8];
    snprintf(port, sizeof port, "%d", address->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    if (getaddrinfo(address->host[0] ? address->host : "127.0.0.1", port, &hints, &found) != 0)
        return false;
    memcpy(&out->to, found->ai_addr, found->ai_addrlen);
    out->size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

bool gw__sockaddr_ip(const struct sockaddr *address, struct gw__ip *out)
{
    *out = (struct gw__ip){.bytes = {[10] = 0xff, [11] = 0xff}};
    if (address->sa_family == AF_INET)
        memcpy(out->bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
    else if (address->sa_family == AF_INET6)
        memcpy(out->bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    return address->sa_family != AF_UNIX;
}

int gw__sockaddr_port(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    if (address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return -1;
}

size_t gw__sockaddr_print(const struct sockaddr *address, socklen_t size, char out[GW__ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "";
    int n;
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, host, sizeof host);
        n = snprintf(out, GW__ADDRESS_TEXT, "%s:%d", host, gw__sockaddr_port(address));
    } else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, host, sizeof host);
        n = snprintf(out, GW__ADDRESS_TEXT, "[%s]:%d", host, gw__sockaddr_port(address));
    } else {
        const struct sockaddr_un *local = (const struct sockaddr_un *)address;
        n = snprintf(out, GW__ADDRESS_TEXT, "unix:%s", size > sizeof local->sun_family ? local->sun_path : "");
    }
    return n < 0 ? 0 : n < GW__ADDRESS_TEXT ? (size_t)n : GW__ADDRESS_TEXT - 1;
}
