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

static bool connect_to(struct gw__attempt *attempt, struct gw__pool *pool)
{
    int64_t timeout_ms = atomic_load_explicit(&attempt->service->connect_ms, memory_order_relaxed);
    attempt->client = gw__pool_connect(pool, timeout_ms, attempt);
    if (!attempt->client)
        attempt->error = errno;
    return attempt->client != NULL;
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
            return failed(attempt, attempt->error == ETIMEDOUT ? GW__ATTEMPT_TIMEOUT : GW__ATTEMPT_REFUSED);
        struct gw__instance *instance = choose(attempt, snapshot);
        struct gw__pool *pool = instance ? gw__upstream_pool(attempt->upstream, attempt->service, instance) : NULL;
        if (!pool)
            return failed(attempt, GW__ATTEMPT_MEMORY);
        set_instance(attempt, instance);
        attempt->client = gw__pool_take(pool);
        if (attempt->client)
            return GW__ATTEMPT_READY;
        if (connect_to(attempt, pool))
            return GW__ATTEMPT_WAITING;
        if (attempt->error == ENOMEM)
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
    struct gw__pool *pool = gw__upstream_pool(attempt->upstream, attempt->service, attempt->instance);
    if (pool && connect_to(attempt, pool))
        return GW__ATTEMPT_WAITING;
    return try_next(attempt);
}

void gw__attempt_finish(struct gw__attempt *attempt)
{
    if (attempt->client)
        attempt->client->waiter = NULL;
    attempt->client = NULL;
    if (attempt->instance)
        gw__instance_release(attempt->instance);
    attempt->instance = NULL;
}

void gw__attempt_connected(struct gw__client *client)
{
    struct gw__attempt *attempt = client->waiter;
    client->waiter = NULL;
    attempt->on_ready(attempt);
}

void gw__attempt_failed(struct gw__client *client, int error)
{
    struct gw__attempt *attempt = client->waiter;
    client->waiter = NULL;
    attempt->client = NULL;
    attempt->error = error;
    enum gw__attempt_result result = try_next(attempt);
    if (result == GW__ATTEMPT_READY)
        attempt->on_ready(attempt);
    else if (result == GW__ATTEMPT_FAILED)
        attempt->on_failed(attempt);
}
