/* HTTP/1.1 server side: a connection that was accepted, request after request. */
#ifndef GW_HTTP_SERVER_H
#define GW_HTTP_SERVER_H

#include "base/settings.h"
#include "http/peers.h"
#include "http/stream.h"
#include "net/loop.h"

#include <sys/socket.h>

/* Why a connection that was accepted is not served. */
enum gw__refusal {
    GW__REFUSED_LIMIT,  /* limits.connections: closed */
    GW__REFUSED_CLIENT, /* limits.client_connections: 429 */
    GW__REFUSED_MEMORY, /* closed */
    GW__REFUSALS
};

/* What connections of one listener share on one worker. Zero it, then fill it in. */
struct gw__http_site {
    struct gw__loop *loop;
    const struct gw__server_handler *handler;
    void *user;
    struct gw__limits limits;
    struct gw__timeouts timeouts;
    struct gw__http_options options;
    struct gw__raw_head *raw;     /* the worker's parsing space */
    struct gw__link connections;  /* list head, initialised by the owner */
    size_t connection_count;
    struct gw__peers peers;       /* whose they are; finished by the owner */
    _Atomic uint64_t *gauge;      /* connections of the worker, for others to read */
    _Atomic uint64_t *refusals;   /* by enum gw__refusal, likewise */
    uint8_t pressure;             /* stage of overload: 1: answers say close; 2: 503 to new requests */
    bool draining;                /* answers say close, idle connections are closed */
};

/* Takes an accepted socket; closes it when out of memory or over limits.connections, refuses it with 429 over
 * limits.client_connections. */
void gw__http_accept(struct gw__http_site *site, int fd, const struct sockaddr *address, socklen_t size);
/* Sets draining and closes what is idle. */
void gw__http_drain(struct gw__http_site *site);
/* Closes connections that wait for their next request. */
void gw__http_close_idle(struct gw__http_site *site);
/* Cuts all; their exchanges end. */
void gw__http_cut(struct gw__http_site *site);

#endif
