/* HTTP/1.1 client side: a connection to an instance, request after request. Who uses it sees a client
 * stream. */
#ifndef GW_HTTP_CLIENT_H
#define GW_HTTP_CLIENT_H

#include "http/stream.h"
#include "http/message.h"
#include "net/outbound.h"

struct gw__client {
    struct gw__outbound base;
    struct gw__client_stream stream;
    struct gw__raw_head *raw;
    struct gw__kept in;
    struct gw__body_reader body;
    struct gw__outgoing out;
    const struct gw__head *request;
    int64_t request_length;
    uint32_t parsed; /* of a head, in vain */
    uint8_t phase, interims;
    bool keep_alive, head_request, request_done;
    bool extra; /* bytes stood behind the answer: not to be used again */
};

/* As gw__outbound_connect(). */
struct gw__outbound *gw__client_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                        int64_t timeout_ms, struct gw__raw_head *raw,
                                        const struct gw__outbound_owner *owner, void *pool);
/* Uses a connected, idle connection that gw__client_connect() made for one request. */
struct gw__client_stream *gw__client_use(struct gw__outbound *outbound, const struct gw__client_handler *handler,
                                         void *user, struct gw__head *head, struct gw__arena *arena);

#endif
