/* Pools and balancing state of one worker. An endpoint gets a connection of an instance from here that speaks its
 * protocol, and works on a *stream*: one use of it. */
#ifndef GW_UPSTREAM_POOL_H
#define GW_UPSTREAM_POOL_H

#include "http/parse.h"
#include "net/outbound.h"
#include "upstream/service.h"

/* What a connection is used for; a pool has connections of one protocol. */
enum gw__protocol { GW__PROTOCOL_HTTP, GW__PROTOCOL_THRIFT, GW__PROTOCOL_THRIFT_SHARED };

/* Connections of this worker to one instance in one protocol; the most recently used is used next. */
struct gw__pool {
    struct gw__pool *next; /* of the same instance, for another protocol */
    struct gw__upstream *upstream;
    struct gw__instance *instance; /* held */
    struct gw__link idle, busy;
    struct gw__link open; /* in use, and can take one more use; counted among the busy */
    struct gw__outbound *connecting; /* the last one begun of those that several uses can wait for; NULL: none */
    uint32_t idle_count, busy_count, idle_limit;
    int64_t keep_alive_ms;
    uint8_t protocol; /* enum gw__protocol */
};

struct gw__balance {
    uint32_t next;     /* equal weights: plain turns */
    int64_t *current;  /* smooth weighted turns: one for each instance of the snapshot last seen */
    uint32_t count;
};

struct gw__upstream {
    struct gw__loop *loop;
    struct gw__raw_head *raw;
    struct gw__pool **pools; /* by instance index: the first */
    struct gw__balance *balances; /* by service index */
    uint32_t pool_count, balance_count;
    struct gw__timer sweep; /* closes what idles too long */
};

void gw__upstream_init(struct gw__upstream *upstream, struct gw__loop *loop, struct gw__raw_head *raw);
/* Closes all connections and frees the pools. */
void gw__upstream_finish(struct gw__upstream *upstream);
/* Closes idle connections of instances that are in no snapshot any more, and frees their pools. */
void gw__upstream_sweep(struct gw__upstream *upstream);

/* The instance whose turn it is, or NULL if there is none or memory is out. */
struct gw__instance *gw__upstream_pick(struct gw__upstream *upstream, struct gw__service *service);
/* The worker's pool of an instance for a protocol; NULL when out of memory. */
struct gw__pool *gw__upstream_pool(struct gw__upstream *upstream, struct gw__service *service,
                                   struct gw__instance *instance, enum gw__protocol protocol);
/* A connection that is open to one more use, or an idle one, taken out; or NULL. once: what it is for can't be sent a
 * second time, so one that has idled for more than a moment is looked at first, and dropped if the peer has closed it
 * meanwhile. */
struct gw__outbound *gw__pool_take(struct gw__pool *pool, bool once);
/* Begins a new one for `waiter`. NULL with errno. */
struct gw__outbound *gw__pool_connect(struct gw__pool *pool, int64_t timeout_ms, void *waiter);

/* How waiters are told: attempt.c, which may have made them a list. outbound->waiter is NULL when nobody waits any
 * more: then the connection goes to the pool. */
void gw__attempt_connected(struct gw__outbound *outbound);
void gw__attempt_failed(struct gw__outbound *outbound, int error);

#endif
