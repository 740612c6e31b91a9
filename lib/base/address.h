/* Address: "host:port", "[v6]:port", ":port" or "unix:/path", taken apart. */
#ifndef GW_BASE_ADDRESS_H
#define GW_BASE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct gw__address {
    bool is_unix;
    int port;
    char host[256]; /* "" for ":port"; a v6 address without brackets */
    char path[108]; /* of a Unix socket, terminated; as long as sun_path */
};

/* NULL, or a static sentence that says what is wrong with the text (which may be NULL). */
const char *gw__address_parse(const char *text, struct gw__address *out);
/* The socket address of a numeric host, of ":port" (any v4 address) or of a path. False for a host's name. */
bool gw__address_socket(const struct gw__address *address, struct sockaddr_storage *out, socklen_t *size);
/* True if both say the same place; hosts are compared without case. */
bool gw__address_equal(const struct gw__address *a, const struct gw__address *b);

#endif
