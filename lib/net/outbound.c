/* The part of a connection's life that no protocol changes. Its read event stays armed while it idles: that is how a
 * close by the peer is noticed, at no cost. It is freed by its task, never inside one of its own callbacks. */
#include "net/outbound.h"

#include "base/alloc.h"

#include <errno.h>

static struct gw__outbound *of_conn(struct gw__conn *conn)
{
    return gw__container_of(conn, struct gw__outbound, conn);
}

void gw__outbound_close(struct gw__outbound *outbound)
{
    if (outbound->state == GW__OUTBOUND_CLOSED)
        return;
    outbound->state = GW__OUTBOUND_CLOSED;
    gw__conn_close(&outbound->conn);
    gw__timer_stop(&outbound->timer);
    gw__list_remove(&outbound->link);
    if (outbound->protocol->on_close)
        outbound->protocol->on_close(outbound);
    gw__loop_defer(outbound->conn.loop, &outbound->task);
}

void gw__outbound_close_and_tell(struct gw__outbound *outbound)
{
    if (outbound->state == GW__OUTBOUND_CLOSED)
        return;
    gw__outbound_close(outbound);
    outbound->owner->on_closed(outbound);
}

void gw__outbound_finish(struct gw__outbound *outbound, bool good)
{
    const struct gw__conn *conn = &outbound->conn;
    if (outbound->state != GW__OUTBOUND_IN_USE)
        return;
    if (!good || gw__conn_blocked(conn) || conn->ended || conn->error) {
        gw__outbound_close_and_tell(outbound);
        return;
    }
    outbound->state = GW__OUTBOUND_IDLE;
    outbound->answered = true;
    gw__conn_resume(&outbound->conn);
    outbound->owner->on_idle(outbound);
}

void gw__outbound_connected(struct gw__conn *conn)
{
    struct gw__outbound *outbound = of_conn(conn);
    gw__timer_stop(&outbound->timer);
    outbound->state = GW__OUTBOUND_IDLE;
    outbound->owner->on_connected(outbound);
}

static void fail_to_connect(struct gw__outbound *outbound, int error)
{
    outbound->owner->on_failed(outbound, error);
    gw__outbound_close(outbound);
}

void gw__outbound_ended(struct gw__conn *conn, int error)
{
    struct gw__outbound *outbound = of_conn(conn);
    if (outbound->state == GW__OUTBOUND_CONNECTING)
        fail_to_connect(outbound, error ? error : ECONNRESET);
    else if (outbound->state == GW__OUTBOUND_IDLE)
        gw__outbound_close_and_tell(outbound);
    else
        outbound->protocol->on_end(outbound, error);
}

static void handle_connect_timeout(struct gw__timer *timer)
{
    fail_to_connect(gw__container_of(timer, struct gw__outbound, timer), ETIMEDOUT);
}

static void run_task(struct gw__task *task)
{
    struct gw__outbound *outbound = gw__container_of(task, struct gw__outbound, task);
    if (outbound->state == GW__OUTBOUND_CLOSED)
        gw__free(outbound);
    else if (outbound->protocol->on_task)
        outbound->protocol->on_task(outbound);
}

struct gw__outbound *gw__outbound_connect(const struct gw__outbound_protocol *protocol, struct gw__loop *loop,
                                          const struct sockaddr *address, socklen_t size, int64_t timeout_ms,
                                          const struct gw__outbound_owner *owner, void *pool)
{
    struct gw__outbound *outbound = gw__calloc(1, protocol->size);
    if (!outbound || gw__conn_connect(&outbound->conn, loop, address, size, &protocol->ops) < 0) {
        gw__free(outbound);
        return NULL;
    }
    outbound->protocol = protocol;
    outbound->owner = owner;
    outbound->pool = pool;
    outbound->task.run = run_task;
    gw__list_init(&outbound->link);
    gw__timer_init(&outbound->timer, handle_connect_timeout);
    gw__timer_set(loop, &outbound->timer, gw__loop_ms(loop) + (uint64_t)timeout_ms);
    return outbound;
}
