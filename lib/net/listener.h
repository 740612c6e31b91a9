/* Listener: a listening socket on a loop; hands over accepted sockets. */
#ifndef GW_NET_LISTENER_H
#define GW_NET_LISTENER_H

#include "net/sockaddr.h"
#include "net/loop.h"

struct gw__listener {
    struct gw__loop *loop;
    struct event event;
    struct gw__timer retry; /* accepting again after descriptors ran out */
    int fd;
    bool active, held;
    bool unreserved; /* stops accepting where the reserve of descriptors begins */
    /* Takes fd (non-blocking, close-on-exec). address is valid during the call. */
    void (*on_accept)(struct gw__listener *listener, int fd, const struct sockaddr *address, socklen_t size);
};

/* A bound, listening socket; TCP with SO_REUSEPORT, so that each worker binds its own to the same address. A Unix
 * socket's stale file is replaced when nobody listens there. -1 with errno. */
int gw__listener_bind(const struct gw__sockaddr *address);

/* True if somebody listens at a TCP address: SO_REUSEPORT alone would let two processes share it unnoticed. */
bool gw__listener_is_taken(const struct gw__sockaddr *address);

/* Accepts from fd, which stays the caller's, until stopped. */
int gw__listener_start(struct gw__listener *listener, struct gw__loop *loop, int fd);
void gw__listener_stop(struct gw__listener *listener);
/* Leaves connections waiting in the kernel's queue, until held no more. Nothing if it does not accept. */
void gw__listener_hold(struct gw__listener *listener, bool held);

#endif
