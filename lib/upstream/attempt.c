/* One instance after the other until one connects; each at most once in an attempt. */
#include "upstream/attempt.h"

#include <errno.h>

static enum gw__attempt_result failed(struct gw__attempt *attempt, enum gw__attempt_failure failure)
{
    attempt->failure = failure;
    return GW__ATTEMPT_FAILED;
}

static void set_instance(struct gw__attempt *attempt, struct gw__instance *instance)
{
    gw__instance_hold(instance);
    if (attempt->instance)
        gw__instance_release(attempt->instance);
    attempt->instance = instance;
}

static struct gw__pool *pool_of(struct gw__attempt *attempt, struct gw__instance *instance)
{
    return gw__upstream_pool(attempt->upstream, attempt->service, instance, attempt->protocol);
}

static bool connect_to(struct gw__attempt *attempt, struct gw__pool *pool)
{
    int64_t timeout_ms = atomic_load_explicit(&attempt->service->connect_ms, memory_order_relaxed);
    attempt->outbound = gw__pool_connect(pool, timeout_ms, attempt);
    if (!attempt->outbound)
        attempt->error = errno;
    return attempt->outbound != NULL;
}

/* Waits for a connection that others wait for already, if it will have room. */
static bool join(struct gw__attempt *attempt, struct gw__pool *pool)
{
    struct gw__attempt *last = pool->connecting ? pool->connecting->waiter : NULL;
    unsigned count = 1;
    for (; last && last->next; last = last->next)
        count++;
    if (!last || count >= attempt->share)
        return false;
    attempt->outbound = pool->connecting;
    last->next = attempt;
    return true;
}

static enum gw__attempt_result try_pool(struct gw__attempt *attempt, struct gw__pool *pool)
{
    attempt->outbound = gw__pool_take(pool, attempt->once);
    if (attempt->outbound)
        return GW__ATTEMPT_READY;
    return join(attempt, pool) || connect_to(attempt, pool) ? GW__ATTEMPT_WAITING : GW__ATTEMPT_FAILED;
}

/* What no other instance would change. */
static bool is_own_lack(int error)
{
    return error == ENOMEM || error == ENOBUFS || error == EMFILE || error == ENFILE;
}

/* The one whose turn it is; after a failure the one that stands behind it, whatever others did to the turns. */
static struct gw__instance *choose(struct gw__attempt *attempt, const struct gw__snapshot *snapshot)
{
    for (uint32_t i = 0; attempt->instance && i < snapshot->count; i++)
        if (snapshot->instances[i] == attempt->instance)
            return snapshot->instances[(i + 1) % snapshot->count];
    return gw__upstream_pick(attempt->upstream, attempt->service);
}

static enum gw__attempt_result try_next(struct gw__attempt *attempt)
{
    for (;;) {
        const struct gw__snapshot *snapshot = atomic_load_explicit(&attempt->service->snapshot, memory_order_acquire);
        uint32_t count = snapshot ? snapshot->count : 0;
        if (!count)
            return failed(attempt, GW__ATTEMPT_NO_INSTANCE);
        if (attempt->tries++ >= count)
            return failed(attempt, attempt->error == ETIMEDOUT   ? GW__ATTEMPT_TIMEOUT
                                   : is_own_lack(attempt->error) ? GW__ATTEMPT_MEMORY
                                                                 : GW__ATTEMPT_REFUSED);
        struct gw__instance *instance = choose(attempt, snapshot);
        struct gw__pool *pool = instance ? pool_of(attempt, instance) : NULL;
        if (!pool)
            return failed(attempt, GW__ATTEMPT_MEMORY);
        set_instance(attempt, instance);
        enum gw__attempt_result result = try_pool(attempt, pool);
        if (result != GW__ATTEMPT_FAILED)
            return result;
        if (is_own_lack(attempt->error))
            return failed(attempt, GW__ATTEMPT_MEMORY);
    }
}

enum gw__attempt_result gw__attempt_start(struct gw__attempt *attempt)
{
    attempt->tries = 0;
    attempt->error = 0;
    return try_next(attempt);
}

enum gw__attempt_result gw__attempt_again(struct gw__attempt *attempt)
{
    struct gw__pool *pool = pool_of(attempt, attempt->instance);
    if (pool && (join(attempt, pool) || connect_to(attempt, pool)))
        return GW__ATTEMPT_WAITING;
    return try_next(attempt);
}

static void stop_waiting(struct gw__attempt *attempt)
{
    struct gw__outbound *outbound = attempt->outbound;
    struct gw__attempt *before = outbound->waiter;
    if (before == attempt)
        outbound->waiter = attempt->next;
    while (before && before->next != attempt)
        before = before->next;
    if (before)
        before->next = attempt->next;
    attempt->next = NULL;
    attempt->outbound = NULL;
}

void gw__attempt_finish(struct gw__attempt *attempt)
{
    if (attempt->outbound)
        stop_waiting(attempt);
    if (attempt->instance)
        gw__instance_release(attempt->instance);
    attempt->instance = NULL;
}

static void tell(struct gw__attempt *attempt, enum gw__attempt_result result)
{
    if (result == GW__ATTEMPT_READY)
        attempt->on_ready(attempt);
    else if (result == GW__ATTEMPT_FAILED)
        attempt->on_failed(attempt);
}

/* Those behind the first take what the pool has then: its use may have ended already, or have closed the connection. */
void gw__attempt_connected(struct gw__outbound *outbound)
{
    struct gw__attempt *attempt = outbound->waiter;
    outbound->waiter = attempt->next;
    attempt->next = NULL;
    attempt->on_ready(attempt);
    while ((attempt = outbound->waiter)) {
        stop_waiting(attempt);
        struct gw__pool *pool = pool_of(attempt, attempt->instance);
        enum gw__attempt_result result = pool ? try_pool(attempt, pool) : GW__ATTEMPT_FAILED;
        tell(attempt, result == GW__ATTEMPT_FAILED ? try_next(attempt) : result);
    }
}

void gw__attempt_failed(struct gw__outbound *outbound, int error)
{
    struct gw__attempt *attempt;
    while ((attempt = outbound->waiter)) {
        stop_waiting(attempt);
        attempt->error = error;
        tell(attempt, try_next(attempt));
    }
}
