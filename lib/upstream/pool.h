/* Pools and balancing state of one worker. Endpoints get a *stream* of an instance from here, never a
 * connection. */
#ifndef GW_UPSTREAM_POOL_H
#define GW_UPSTREAM_POOL_H

#include "http/client.h"
#include "upstream/service.h"

/* Connections of this worker to one instance; the most recently used is used next. */
struct gw__pool {
    struct gw__upstream *upstream;
    struct gw__instance *instance; /* held */
    struct gw__link idle, busy;
    uint32_t idle_count, busy_count, idle_limit;
    int64_t keep_alive_ms;
};

struct gw__balance {
    uint32_t next;     /* equal weights: plain turns */
    int64_t *current;  /* smooth weighted turns: one for each instance of the snapshot last seen */
    uint32_t count;
};

struct gw__upstream {
    struct gw__loop *loop;
    struct gw__raw_head *raw;
    struct gw__pool **pools; /* by instance index */
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
/* The worker's pool of an instance; NULL when out of memory. */
struct gw__pool *gw__upstream_pool(struct gw__upstream *upstream, struct gw__service *service,
                                   struct gw__instance *instance);
/* An idle connection, taken out, or NULL. */
struct gw__client *gw__pool_take(struct gw__pool *pool);
/* Begins a new one for `waiter`, see gw__client_waiter. NULL with errno. */
struct gw__client *gw__pool_connect(struct gw__pool *pool, int64_t timeout_ms, void *waiter);

/* How waiters are told, set once: attempt.c. client->waiter is NULL when nobody waits any more: then the
 * connection goes to the pool. */
void gw__attempt_connected(struct gw__client *client);
void gw__attempt_failed(struct gw__client *client, int error);

#endif
