/* Idle connections in LIFO order, so that what is not needed ages out. Those above the limit are kept for a moment,
 * too, or those of a peak would be closed and made anew all the time. Round robin by turns, smooth where weights
 * differ. */
#include "upstream/pool.h"

#include "base/alloc.h"
#include "http/client.h"
#include "net/byte_stream.h"
#include "net/shared_stream.h"

#define SWEEP_MS 1000
#define FRESH_MS 10 /* a connection that has idled no longer is used without a look at the socket */

static void on_connected(struct gw__outbound *outbound);
static void on_failed(struct gw__outbound *outbound, int error);
static void on_idle(struct gw__outbound *outbound);
static void on_closed(struct gw__outbound *outbound);
static void on_open(struct gw__outbound *outbound, bool open);

static const struct gw__outbound_owner owner = {
    .on_connected = on_connected,
    .on_failed = on_failed,
    .on_idle = on_idle,
    .on_closed = on_closed,
    .on_open = on_open,
};

/* place: the pointer to it in the list of pools of its instance. */
static void free_pool(struct gw__pool **place)
{
    struct gw__pool *pool = *place;
    *place = pool->next;
    gw__instance_release(pool->instance);
    gw__free(pool);
}

static void close_all(struct gw__link *list)
{
    while (!gw__list_empty(list))
        gw__outbound_close(gw__container_of(list->next, struct gw__outbound, link));
}

static void close_idle(struct gw__pool *pool, struct gw__outbound *outbound)
{
    gw__outbound_close(outbound);
    pool->idle_count--;
}

static void close_older(struct gw__pool *pool, uint64_t since_ms)
{
    while (!gw__list_empty(&pool->idle)) {
        struct gw__outbound *outbound = gw__container_of(pool->idle.prev, struct gw__outbound, link);
        if (outbound->idle_since_ms > since_ms)
            return;
        close_idle(pool, outbound);
    }
}

/* Those above the limit that nobody needed for a while. */
static void close_spare(struct gw__pool *pool, uint64_t now_ms)
{
    while (pool->idle_count > pool->idle_limit) {
        struct gw__outbound *outbound = gw__container_of(pool->idle.prev, struct gw__outbound, link);
        if (outbound->idle_since_ms + SWEEP_MS > now_ms)
            return;
        close_idle(pool, outbound);
    }
}

void gw__upstream_sweep(struct gw__upstream *upstream)
{
    uint64_t now_ms = gw__loop_ms(upstream->loop);
    for (uint32_t i = 0; i < upstream->pool_count; i++) {
        struct gw__pool **place = &upstream->pools[i], *pool;
        while ((pool = *place)) {
            bool removed = atomic_load(&pool->instance->removed);
            close_older(pool, removed                                  ? UINT64_MAX
                              : now_ms > (uint64_t)pool->keep_alive_ms ? now_ms - (uint64_t)pool->keep_alive_ms
                                                                       : 0);
            close_spare(pool, now_ms);
            if (removed && !pool->busy_count)
                free_pool(place);
            else
                place = &pool->next;
        }
    }
}

static bool has_connections(const struct gw__upstream *upstream)
{
    for (uint32_t i = 0; i < upstream->pool_count; i++)
        for (const struct gw__pool *pool = upstream->pools[i]; pool; pool = pool->next)
            if (pool->idle_count || pool->busy_count)
                return true;
    return false;
}

static void handle_sweep(struct gw__timer *timer)
{
    struct gw__upstream *upstream = gw__container_of(timer, struct gw__upstream, sweep);
    gw__upstream_sweep(upstream);
    if (has_connections(upstream))
        gw__timer_set(upstream->loop, timer, gw__loop_ms(upstream->loop) + SWEEP_MS);
}

void gw__upstream_init(struct gw__upstream *upstream, struct gw__loop *loop, struct gw__raw_head *raw)
{
    *upstream = (struct gw__upstream){.loop = loop, .raw = raw};
    gw__timer_init(&upstream->sweep, handle_sweep);
}

void gw__upstream_finish(struct gw__upstream *upstream)
{
    if (!upstream->loop)
        return;
    gw__timer_stop(&upstream->sweep);
    for (uint32_t i = 0; i < upstream->pool_count; i++)
        while (upstream->pools[i]) {
            close_all(&upstream->pools[i]->idle);
            close_all(&upstream->pools[i]->busy);
            close_all(&upstream->pools[i]->open);
            free_pool(&upstream->pools[i]);
        }
    for (uint32_t i = 0; i < upstream->balance_count; i++)
        gw__free(upstream->balances[i].current);
    gw__free(upstream->pools);
    gw__free(upstream->balances);
    upstream->pools = NULL;
    upstream->balances = NULL;
    upstream->pool_count = upstream->balance_count = 0;
}

/* Makes an array by index long enough; the new part is zeroed. */
static bool reach(void **array, uint32_t *count, uint32_t index, size_t item)
{
    if (index < *count)
        return true;
    uint32_t wanted = index < 8 ? 8 : index * 2;
    char *grown = gw__realloc(*array, wanted * item);
    if (!grown)
        return false;
    memset(grown + *count * item, 0, (wanted - *count) * item);
    *array = grown;
    *count = wanted;
    return true;
}

static uint32_t smooth_turn(struct gw__balance *balance, const struct gw__snapshot *snapshot)
{
    if (balance->count != snapshot->count) {
        int64_t *current = gw__calloc(snapshot->count, sizeof *current);
        if (!current)
            return balance->next++ % snapshot->count;
        gw__free(balance->current);
        balance->current = current;
        balance->count = snapshot->count;
    }
    uint32_t best = 0;
    for (uint32_t i = 0; i < snapshot->count; i++) {
        balance->current[i] += snapshot->instances[i]->weight;
        if (balance->current[i] > balance->current[best])
            best = i;
    }
    balance->current[best] -= snapshot->total_weight;
    return best;
}

struct gw__instance *gw__upstream_pick(struct gw__upstream *upstream, struct gw__service *service)
{
    const struct gw__snapshot *snapshot = atomic_load_explicit(&service->snapshot, memory_order_acquire);
    if (!snapshot || !snapshot->count ||
        !reach((void **)&upstream->balances, &upstream->balance_count, service->index, sizeof *upstream->balances))
        return NULL;
    struct gw__balance *balance = &upstream->balances[service->index];
    uint32_t turn = snapshot->equal ? balance->next++ % snapshot->count : smooth_turn(balance, snapshot);
    return snapshot->instances[turn];
}

static struct gw__pool *make_pool(struct gw__upstream *upstream, struct gw__instance *instance,
                                  enum gw__protocol protocol)
{
    struct gw__pool *pool = gw__calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->upstream = upstream;
    pool->instance = instance;
    pool->protocol = (uint8_t)protocol;
    gw__instance_hold(instance);
    gw__list_init(&pool->idle);
    gw__list_init(&pool->busy);
    gw__list_init(&pool->open);
    pool->next = upstream->pools[instance->index];
    return upstream->pools[instance->index] = pool;
}

struct gw__pool *gw__upstream_pool(struct gw__upstream *upstream, struct gw__service *service,
                                   struct gw__instance *instance, enum gw__protocol protocol)
{
    if (!reach((void **)&upstream->pools, &upstream->pool_count, instance->index, sizeof *upstream->pools))
        return NULL;
    struct gw__pool *pool = upstream->pools[instance->index];
    while (pool && pool->protocol != protocol)
        pool = pool->next;
    if (!pool)
        pool = make_pool(upstream, instance, protocol);
    if (!pool)
        return NULL;
    pool->idle_limit = (uint32_t)atomic_load_explicit(&service->pool_idle, memory_order_relaxed);
    pool->keep_alive_ms = atomic_load_explicit(&service->pool_keep_alive_ms, memory_order_relaxed);
    if (!gw__timer_pending(&upstream->sweep))
        gw__timer_set(upstream->loop, &upstream->sweep, gw__loop_ms(upstream->loop) + SWEEP_MS);
    return pool;
}

static void become_busy(struct gw__pool *pool, struct gw__outbound *outbound)
{
    gw__list_remove(&outbound->link);
    gw__list_insert(&pool->busy, &outbound->link);
    pool->busy_count++;
    outbound->pooled = false;
}

/* What is sent on it once is likely to arrive. */
static bool is_good(const struct gw__pool *pool, const struct gw__outbound *outbound)
{
    bool fresh = gw__loop_ms(pool->upstream->loop) <= outbound->idle_since_ms + FRESH_MS;
    return fresh || gw__conn_is_quiet(&outbound->conn);
}

struct gw__outbound *gw__pool_take(struct gw__pool *pool, bool once)
{
    if (!gw__list_empty(&pool->open)) { /* one of them is enough to look at: what has come may be an answer as well */
        struct gw__outbound *outbound = gw__container_of(pool->open.next, struct gw__outbound, link);
        if (!once || is_good(pool, outbound))
            return outbound;
    }
    while (!gw__list_empty(&pool->idle)) {
        struct gw__outbound *outbound = gw__container_of(pool->idle.next, struct gw__outbound, link);
        if (once && !is_good(pool, outbound)) {
            close_idle(pool, outbound);
            continue;
        }
        pool->idle_count--;
        become_busy(pool, outbound);
        return outbound;
    }
    return NULL;
}

struct gw__outbound *gw__pool_connect(struct gw__pool *pool, int64_t timeout_ms, void *waiter)
{
    const struct gw__sockaddr *address = &pool->instance->address;
    struct gw__upstream *upstream = pool->upstream;
    struct gw__loop *loop = upstream->loop;
    const struct sockaddr *to = &address->to.base;
    struct gw__outbound *outbound =
        pool->protocol == GW__PROTOCOL_HTTP
            ? gw__client_connect(loop, to, address->size, timeout_ms, upstream->raw, &owner, pool)
        : pool->protocol == GW__PROTOCOL_THRIFT
            ? gw__byte_stream_connect(loop, to, address->size, timeout_ms, &owner, pool)
            : gw__shared_stream_connect(loop, to, address->size, timeout_ms, &owner, pool);
    if (outbound) {
        outbound->waiter = waiter;
        become_busy(pool, outbound);
        if (pool->protocol == GW__PROTOCOL_THRIFT_SHARED)
            pool->connecting = outbound;
    }
    return outbound;
}

static void connect_ended(struct gw__pool *pool, const struct gw__outbound *outbound)
{
    if (pool->connecting == outbound)
        pool->connecting = NULL;
}

static void on_connected(struct gw__outbound *outbound)
{
    connect_ended(outbound->pool, outbound);
    if (outbound->waiter)
        gw__attempt_connected(outbound);
    else
        on_idle(outbound);
}

static void on_failed(struct gw__outbound *outbound, int error)
{
    struct gw__pool *pool = outbound->pool;
    connect_ended(pool, outbound);
    pool->busy_count--;
    if (outbound->waiter)
        gw__attempt_failed(outbound, error);
}

static void on_idle(struct gw__outbound *outbound)
{
    struct gw__pool *pool = outbound->pool;
    pool->busy_count--;
    outbound->idle_since_ms = gw__loop_ms(pool->upstream->loop);
    if (!pool->idle_limit || atomic_load_explicit(&pool->instance->removed, memory_order_relaxed)) {
        gw__outbound_close(outbound);
        return;
    }
    gw__list_remove(&outbound->link);
    gw__list_insert(&pool->idle, &outbound->link);
    pool->idle_count++;
    outbound->pooled = true;
}

static void on_closed(struct gw__outbound *outbound)
{
    struct gw__pool *pool = outbound->pool;
    if (outbound->pooled)
        pool->idle_count--;
    else
        pool->busy_count--;
}

static void on_open(struct gw__outbound *outbound, bool open)
{
    struct gw__pool *pool = outbound->pool;
    gw__list_remove(&outbound->link);
    gw__list_insert(open ? &pool->open : &pool->busy, &outbound->link);
    outbound->idle_since_ms = gw__loop_ms(pool->upstream->loop);
}
