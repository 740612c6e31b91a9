/* Frames of several uses on one connection. `count` says how many uses there are, also while they are told one after
 * the other of something and stand in another list meanwhile: a handler may end its own use, and so any of them the
 * connection. */
#include "net/shared_stream.h"

#include <errno.h>

enum {
    PATIENCE_MS = 1000,      /* how long one use, being paused, may keep the others waiting in all */
    DROPPED_BYTES = 1 << 20, /* of a longer frame that nobody wants the connection is closed, if it is not in use */
};

static struct gw__shared_stream *of_outbound(struct gw__outbound *outbound)
{
    return gw__container_of(outbound, struct gw__shared_stream, base);
}

static struct gw__shared_stream *of_conn(struct gw__conn *conn)
{
    return gw__container_of(conn, struct gw__shared_stream, base.conn);
}

/* Tells the owner whether there is room for one more. */
static void tell_open(struct gw__shared_stream *stream)
{
    bool open = !stream->drains && !stream->silent && !stream->pauser &&
                stream->count + stream->abandoned_count < stream->limit;
    if (stream->base.state == GW__OUTBOUND_IN_USE)
        stream->base.owner->on_open(&stream->base, open);
}

/* Calls one handler of all uses there are now. */
static void tell_all(struct gw__shared_stream *stream, bool end, int error)
{
    struct gw__link todo;
    gw__list_init(&todo);
    while (!gw__list_empty(&stream->uses)) {
        struct gw__link *link = stream->uses.prev;
        gw__list_remove(link);
        gw__list_insert(&todo, link);
    }
    while (!gw__list_empty(&todo)) {
        struct gw__shared_use *use = gw__container_of(todo.next, struct gw__shared_use, link);
        gw__list_remove(&use->link);
        gw__list_append(&stream->uses, &use->link);
        if (end)
            use->handler->on_end(use, error);
        else
            use->handler->on_room(use);
    }
}

/* Nothing more comes of it. */
static void fail(struct gw__shared_stream *stream, int error)
{
    stream->drains = stream->failed = true;
    stream->receiver = NULL;
    if (stream->base.state != GW__OUTBOUND_IN_USE) {
        gw__outbound_close_and_tell(&stream->base);
        return;
    }
    tell_open(stream);
    gw__conn_pause(&stream->base.conn);
    tell_all(stream, true, error);
}

/* ---- receiving ---- */

static struct gw__shared_use *find_use(const struct gw__shared_stream *stream, uint32_t id)
{
    for (struct gw__link *link = stream->uses.next; link != &stream->uses; link = link->next) {
        struct gw__shared_use *use = gw__container_of(link, struct gw__shared_use, link);
        if (use->id == id)
            return use;
    }
    return NULL;
}

static bool forget_abandoned(struct gw__shared_stream *stream, uint32_t id)
{
    for (uint8_t i = 0; i < stream->abandoned_count; i++)
        if (stream->abandoned[i] == id) {
            stream->abandoned[i] = stream->abandoned[--stream->abandoned_count];
            return true;
        }
    return false;
}

/* False: it has failed. */
static bool begin_frame(struct gw__shared_stream *stream, uint64_t size, uint32_t id)
{
    stream->receiver = find_use(stream, id);
    stream->left = size;
    if (stream->receiver) {
        stream->receiver->begun = true;
        return true;
    }
    bool expected = forget_abandoned(stream, id) || stream->forgets;
    tell_open(stream);
    if (expected && (stream->count || size <= DROPPED_BYTES))
        return true;
    fail(stream, EBADMSG);
    return false;
}

static void pass(struct gw__shared_stream *stream, const char *data, size_t size)
{
    stream->left -= size;
    if (stream->receiver)
        stream->receiver->handler->on_data(stream->receiver, data, size);
    if (!stream->left)
        stream->receiver = NULL;
}

/* What comes is no frame with an id: it can only be for the one use that there is. */
static bool begin_bytes(struct gw__shared_stream *stream)
{
    stream->drains = true;
    tell_open(stream);
    if (stream->count != 1 || stream->abandoned_count) {
        fail(stream, EBADMSG);
        return false;
    }
    stream->receiver = gw__container_of(stream->uses.next, struct gw__shared_use, link);
    stream->receiver->begun = true;
    stream->left = UINT64_MAX;
    return true;
}

/* The bytes a frame begins with, if need be together with those held. False: more must come, or it has failed. */
static bool take_head(struct gw__shared_stream *stream, const char **data, const char *end)
{
    uint64_t size;
    uint32_t id;
    size_t count = (size_t)(end - *data), room = sizeof stream->head - stream->head_size;
    bool held = stream->head_size || count < room;
    if (held) {
        count = count < room ? count : room;
        memcpy(stream->head + stream->head_size, *data, count);
        stream->head_size = (uint8_t)(stream->head_size + count);
        *data += count;
    }
    int known = stream->handler->frame(held ? stream->head : *data, held ? stream->head_size : count, &size, &id);
    if (known == 0 || (known > 0 ? !begin_frame(stream, size, id) : !begin_bytes(stream)))
        return false;
    size_t head = stream->head_size;
    stream->head_size = 0;
    if (head)
        pass(stream, stream->head, head);
    return true;
}

static void note_heard(struct gw__shared_stream *stream)
{
    stream->heard++;
    if (!stream->silent)
        return;
    stream->silent = false;
    tell_open(stream);
}

static void on_data(struct gw__conn *conn, const char *data, size_t size)
{
    struct gw__shared_stream *stream = of_conn(conn);
    const char *end = data + size;
    note_heard(stream);
    while (data < end && stream->base.state != GW__OUTBOUND_CLOSED && !stream->failed) {
        bool idle = stream->base.state != GW__OUTBOUND_IN_USE;
        if (idle && !stream->left && !stream->abandoned_count && !stream->forgets) {
            gw__outbound_close_and_tell(&stream->base);
            return;
        }
        if (!stream->left && !take_head(stream, &data, end))
            return;
        size_t count = (size_t)(end - data);
        count = count < stream->left ? count : (size_t)stream->left;
        if (count && stream->base.state != GW__OUTBOUND_CLOSED)
            pass(stream, data, count);
        data += count;
    }
}

static void on_room(struct gw__conn *conn)
{
    struct gw__shared_stream *stream = of_conn(conn);
    if (stream->base.state == GW__OUTBOUND_IN_USE)
        tell_all(stream, false, 0);
}

static void on_end(struct gw__outbound *outbound, int error)
{
    fail(of_outbound(outbound), error);
}

static void on_close(struct gw__outbound *outbound)
{
    gw__timer_stop(&of_outbound(outbound)->patience);
}

/* ---- pausing ---- */

static void on_patience(struct gw__timer *timer)
{
    struct gw__shared_stream *stream = gw__container_of(timer, struct gw__shared_stream, patience);
    if (stream->pauser && stream->count > 1)
        stream->pauser->handler->on_late(stream->pauser);
}

void gw__shared_pause(struct gw__shared_use *use)
{
    struct gw__shared_stream *stream = use->stream;
    if (stream->receiver != use || stream->pauser || !stream->left) /* of a frame that is here nothing more comes */
        return;
    stream->pauser = use;
    stream->paused_ms = gw__loop_ms(stream->base.conn.loop);
    gw__conn_pause(&stream->base.conn);
    tell_open(stream);
    uint32_t left = use->waited_ms < PATIENCE_MS ? PATIENCE_MS - use->waited_ms : 1;
    if (stream->count > 1)
        gw__timer_set(stream->base.conn.loop, &stream->patience, stream->paused_ms + left);
}

void gw__shared_resume(struct gw__shared_use *use)
{
    struct gw__shared_stream *stream = use->stream;
    if (stream->pauser != use)
        return;
    if (stream->count > 1)
        use->waited_ms += (uint32_t)(gw__loop_ms(stream->base.conn.loop) - stream->paused_ms);
    stream->pauser = NULL;
    gw__timer_stop(&stream->patience);
    tell_open(stream);
    gw__conn_resume(&stream->base.conn);
}

/* ---- uses ---- */

static const struct gw__outbound_protocol protocol = {
    .size = sizeof(struct gw__shared_stream),
    .ops = {.reads_after_break = true,
            .on_connected = gw__outbound_connected,
            .on_data = on_data,
            .on_end = gw__outbound_ended,
            .on_room = on_room},
    .on_end = on_end,
    .on_close = on_close,
};

struct gw__outbound *gw__shared_stream_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                               int64_t timeout_ms, const struct gw__outbound_owner *owner, void *pool)
{
    struct gw__outbound *outbound = gw__outbound_connect(&protocol, loop, address, size, timeout_ms, owner, pool);
    if (outbound) {
        gw__list_init(&of_outbound(outbound)->uses);
        gw__timer_init(&of_outbound(outbound)->patience, on_patience);
    }
    return outbound;
}

void gw__shared_stream_use(struct gw__outbound *outbound, struct gw__shared_use *use, uint32_t limit)
{
    struct gw__shared_stream *stream = of_outbound(outbound);
    use->stream = stream;
    use->heard = stream->heard;
    use->waited_ms = 0;
    use->begun = false;
    use->reused = outbound->answered;
    outbound->state = GW__OUTBOUND_IN_USE;
    stream->handler = use->handler;
    stream->limit = (uint8_t)limit;
    stream->count++;
    gw__list_append(&stream->uses, &use->link);
    tell_open(stream);
}

bool gw__shared_send(struct gw__shared_use *use, const struct iovec *pieces, int count)
{
    return gw__conn_send(&use->stream->base.conn, pieces, count);
}

bool gw__shared_is_broken(const struct gw__shared_use *use)
{
    return use->stream->base.conn.error || use->stream->base.conn.ended;
}

void gw__shared_expire(struct gw__shared_use *use)
{
    struct gw__shared_stream *stream = use->stream;
    stream->silent = stream->silent || use->heard == stream->heard;
}

void gw__shared_finish(struct gw__shared_use *use, bool answered, bool good)
{
    struct gw__shared_stream *stream = use->stream;
    gw__list_remove(&use->link);
    stream->count--;
    stream->drains = stream->drains || !good;
    stream->base.answered = stream->base.answered || (answered && use->begun);
    if (stream->receiver == use)
        stream->receiver = NULL; /* what is left of the frame is dropped */
    if (!use->begun && answered)
        stream->forgets = true;
    else if (!use->begun)
        stream->abandoned[stream->abandoned_count++] = use->id;
    gw__shared_resume(use);
    if (stream->count) {
        tell_open(stream);
        return;
    }
    bool keep = !stream->drains && !stream->silent && stream->abandoned_count < stream->limit &&
                stream->left <= DROPPED_BYTES;
    gw__outbound_finish(&stream->base, keep);
}
