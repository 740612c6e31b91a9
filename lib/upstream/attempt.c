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
        attempt->outbound = gw__pool_take(pool, attempt->once);
        if (attempt->outbound)
            return GW__ATTEMPT_READY;
        if (connect_to(attempt, pool))
            return GW__ATTEMPT_WAITING;
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
    if (pool && connect_to(attempt, pool))
        return GW__ATTEMPT_WAITING;
    return try_next(attempt);
}

void gw__attempt_finish(struct gw__attempt *attempt)
{
    if (attempt->outbound)
        attempt->outbound->waiter = NULL;
    attempt->outbound = NULL;
    if (attempt->instance)
        gw__instance_release(attempt->instance);
    attempt->instance = NULL;
}

void gw__attempt_connected(struct gw__outbound *outbound)
{
    struct gw__attempt *attempt = outbound->waiter;
    outbound->waiter = NULL;
    attempt->on_ready(attempt);
}

void gw__attempt_failed(struct gw__outbound *outbound, int error)
{
    struct gw__attempt *attempt = outbound->waiter;
    outbound->waiter = NULL;
    attempt->outbound = NULL;
    attempt->error = error;
    enum gw__attempt_result result = try_next(attempt);
    if (result == GW__ATTEMPT_READY)
        attempt->on_ready(attempt);
    else if (result == GW__ATTEMPT_FAILED)
        attempt->on_failed(attempt);
}
