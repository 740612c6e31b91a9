/* Context: what the exchanges of one worker share. The server makes it; the exchange needs to know
 * nothing above it. */
#ifndef GW_EXCHANGE_CONTEXT_H
#define GW_EXCHANGE_CONTEXT_H

#include "exchange/chain.h"
#include "http/server.h"
#include "upstream/pool.h"
#include "upstream/callee.h"

struct gw_exchange;
struct gw__context;
struct gw__blocking;

/* A table as one worker sees it. An exchange pins it for its life; a view that is not current any more is let go with
 * its last pin. */
struct gw__view {
    uint64_t pins;
    bool retired;
    const struct gw__chain *entry; /* decorators alone */
    /* The chain of the route that matches, with ex's variables bound; NULL: none. */
    const struct gw__chain *(*route)(const struct gw__view *view, struct gw_exchange *ex);
    /* A service of the table by name, or NULL. It lives as long as the view. */
    const struct gw__callee *(*callee)(const struct gw__view *view, const char *name, size_t size);
    void (*let_go)(struct gw__view *view);
};

/* Written by the worker alone, read by whoever sums up: relaxed atomics, on a cache line of their own. */
struct gw__counters {
    _Atomic uint64_t connections, requests, active, responses[6]; /* by class; 0: none was sent */
    _Atomic uint64_t request_bytes, response_bytes;
    _Atomic uint64_t refusals[GW__REFUSALS]; /* of connections */
} __attribute__((aligned(64)));

static inline void gw__count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* First member of something large that endpoints keep for later exchanges of the worker; a list of those not in use. */
struct gw__spare {
    struct gw__spare *next;
    void (*destroy)(struct gw__spare *spare);
};

struct gw__context {
    struct gw__loop *loop;
    struct gw_server *server;
    struct gw__upstream upstream;
    struct gw__raw_head raw;     /* parsing space */
    struct gw__blocking *blocking;
    struct gw__link exchanges;
    _Atomic uint64_t ids;                /* exchanges so far, and a random part: for gw_exchange_id() */
    uint64_t id_seed;
    struct gw__spare *spares; /* of RPC endpoints */
    uint32_t spare_count;
    int32_t sequence;         /* of the last call that has a number */
    struct gw__counters counters;
};

void gw__context_init(struct gw__context *context, struct gw__loop *loop, struct gw_server *server,
                      struct gw__blocking *blocking);
void gw__context_finish(struct gw__context *context);

/* A listener's site: connections whose exchanges begin on the view that *current points at then. */
struct gw__exchange_site {
    struct gw__http_site http;
    struct gw__context *context;
    struct gw__view **current;
    struct gw__view *fixed; /* in place of *current, never swapped: the admin API's */
};
void gw__exchange_site_init(struct gw__exchange_site *site, struct gw__context *context, struct gw__view **current,
                            const struct gw__limits *limits, const struct gw__timeouts *timeouts);

/* Swaps *current for a new view (NULL: none); the old one is let go when nothing pins it any more. */
void gw__view_swap(struct gw__view **current, struct gw__view *next);
void gw__view_unpin(struct gw__view *view);

/* Threads for hooks that block. Bounded: past `limit` waiting jobs, submitting fails. */
struct gw__job {
    struct gw__mail mail; /* deliver: back on the loop */
    struct gw__job *next;
    struct gw__loop *loop;
    void (*run)(struct gw__job *job);
};
struct gw__blocking *gw__blocking_create(unsigned threads, unsigned limit);
void gw__blocking_destroy(struct gw__blocking *blocking); /* waits for the jobs under way */
bool gw__blocking_submit(struct gw__blocking *blocking, struct gw__job *job);

#endif
