/* HTTP/1.1 client side: a connection to an instance, request after request. Who owns it (a pool) is told
 * when it connects, idles and closes; who uses it sees a client stream. */
#ifndef GW_HTTP_CLIENT_H
#define GW_HTTP_CLIENT_H

#include "http/stream.h"
#include "http/message.h"
#include "net/conn.h"

struct gw__client;

struct gw__client_owner {
    void (*on_connected)(struct gw__client *client);
    void (*on_failed)(struct gw__client *client, int error); /* to connect; it is freed behind this */
    void (*on_idle)(struct gw__client *client);              /* a use is over and the connection good */
    void (*on_closed)(struct gw__client *client);            /* idle or in use: it is freed behind this */
};

struct gw__client {
    struct gw__conn conn;
    struct gw__client_stream stream;
    struct gw__link link; /* the owner's */
    struct gw__timer timer;
    const struct gw__client_owner *owner;
    void *pool;           /* the owner's */
    void *waiter;         /* who waits for the connection */
    struct gw__raw_head *raw;
    struct gw__kept in;
    struct gw__body_reader body;
    struct gw__outgoing out;
    const struct gw__head *request;
    int64_t request_length;
    uint64_t idle_since_ms;
    struct gw__task task;
    uint8_t state, interims;
    bool keep_alive, head_request, request_done, answered;
    bool pooled; /* the owner's */
    bool extra; /* bytes stood behind the answer: not to be used again */
};

/* Begins to connect within timeout_ms; on_connected or on_failed follows, not from inside. NULL with errno if it
 * can't. */
struct gw__client *gw__client_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                      int64_t timeout_ms, struct gw__raw_head *raw,
                                      const struct gw__client_owner *owner, void *pool);
/* Uses a connected, idle client for one request. */
struct gw__client_stream *gw__client_use(struct gw__client *client, const struct gw__client_handler *handler,
                                         void *user, struct gw__head *head, struct gw__arena *arena);
/* Closes and frees later; the owner isn't called. */
void gw__client_close(struct gw__client *client);

#endif
