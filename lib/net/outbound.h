/* Outbound connection: what connections to instances share whichever protocol they speak: they connect within a time,
 * are idle, in use, closed. A protocol's struct begins with it; the protocol says what happens while it is in use. Its
 * owner (a pool) is told when it connects, idles and closes; whoever waits for it stands in `waiter`. */
#ifndef GW_NET_OUTBOUND_H
#define GW_NET_OUTBOUND_H

#include "net/conn.h"

struct gw__outbound;

enum gw__outbound_state { GW__OUTBOUND_CONNECTING, GW__OUTBOUND_IDLE, GW__OUTBOUND_IN_USE, GW__OUTBOUND_CLOSED };

struct gw__outbound_owner {
    void (*on_connected)(struct gw__outbound *outbound);
    void (*on_failed)(struct gw__outbound *outbound, int error); /* to connect; it is freed behind this */
    void (*on_idle)(struct gw__outbound *outbound);              /* a use has ended, and it can be used again */
    void (*on_closed)(struct gw__outbound *outbound);            /* idle or in use: it is freed behind this */
    /* In use, and it can take one more use, or none any more; for protocols that share a connection. */
    void (*on_open)(struct gw__outbound *outbound, bool open);
};

struct gw__outbound_protocol {
    size_t size;             /* of the struct that begins with a gw__outbound */
    struct gw__conn_ops ops; /* on_connected and on_end: gw__outbound_connected() and gw__outbound_ended() */
    void (*on_end)(struct gw__outbound *outbound, int error); /* as of a connection, while it is in use */
    void (*on_task)(struct gw__outbound *outbound);           /* outbound->task runs, which the protocol has queued */
    void (*on_close)(struct gw__outbound *outbound);          /* it closes: lets go of what the protocol holds */
};

struct gw__outbound {
    struct gw__conn conn;
    struct gw__link link; /* the owner's */
    struct gw__timer timer;
    struct gw__task task;
    const struct gw__outbound_protocol *protocol;
    const struct gw__outbound_owner *owner;
    void *pool;   /* the owner's */
    void *waiter; /* who waits for the connection */
    uint64_t idle_since_ms; /* the owner's */
    uint8_t state; /* enum gw__outbound_state */
    bool answered; /* a use of it has ended well before */
    bool pooled;   /* the owner's */
};

/* Begins to connect within timeout_ms; on_connected or on_failed follows, not from inside. NULL with errno if it
 * can't. All else in the protocol's struct is zeroed. */
struct gw__outbound *gw__outbound_connect(const struct gw__outbound_protocol *protocol, struct gw__loop *loop,
                                          const struct sockaddr *address, socklen_t size, int64_t timeout_ms,
                                          const struct gw__outbound_owner *owner, void *pool);
/* A use is over: idle again if it is `good`, if nothing is left to be written and the peer still there, else closed;
 * the owner is told. */
void gw__outbound_finish(struct gw__outbound *outbound, bool good);
/* Closes an idle connection on which something unexpected came or that the peer closed; the owner is told. */
void gw__outbound_close_and_tell(struct gw__outbound *outbound);
/* Closes and frees later; the owner isn't told. */
void gw__outbound_close(struct gw__outbound *outbound);

/* For the protocol's ops. */
void gw__outbound_connected(struct gw__conn *conn);
void gw__outbound_ended(struct gw__conn *conn, int error);

#endif
