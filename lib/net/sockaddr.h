/* Socket addresses: made from a parsed address, looked up where it names a host, and printed. */
#ifndef GW_NET_SOCKADDR_H
#define GW_NET_SOCKADDR_H

#include "base/address.h"
#include "base/networks.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define GW__ADDRESS_TEXT 128

struct gw__sockaddr {
    union {
        struct sockaddr base;
        struct sockaddr_storage storage;
        struct sockaddr_un local;
    } to;
    socklen_t size;
};

/* A host's name is looked up at once (this blocks: not on a worker) and its first address taken. ":port" is any
 * address for a listener (passive), loopback for an instance. False if the name is not found. */
bool gw__sockaddr_resolve(struct gw__sockaddr *out, const struct gw__address *address, bool passive);
/* "ip:port", "[v6]:port" or "unix:path"; returns its length. */
size_t gw__sockaddr_print(const struct sockaddr *address, socklen_t size, char out[GW__ADDRESS_TEXT]);
bool gw__sockaddr_ip(const struct sockaddr *address, struct gw__ip *out); /* false for a Unix socket */
int gw__sockaddr_port(const struct sockaddr *address); /* -1 for a Unix socket */

#endif
