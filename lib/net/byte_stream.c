/* Bytes as they are, on an outbound connection. What comes while nobody uses it belongs to no answer: then the
 * connection is closed. */
#include "net/byte_stream.h"

static struct gw__byte_stream *of_outbound(struct gw__outbound *outbound)
{
    return gw__container_of(outbound, struct gw__byte_stream, base);
}

static struct gw__byte_stream *of_conn(struct gw__conn *conn)
{
    return gw__container_of(conn, struct gw__byte_stream, base.conn);
}

static void on_data(struct gw__conn *conn, const char *data, size_t size)
{
    struct gw__byte_stream *stream = of_conn(conn);
    if (stream->base.state == GW__OUTBOUND_IN_USE)
        stream->handler->on_data(stream, data, size);
    else
        gw__outbound_close_and_tell(&stream->base);
}

static void on_room(struct gw__conn *conn)
{
    struct gw__byte_stream *stream = of_conn(conn);
    if (stream->base.state == GW__OUTBOUND_IN_USE)
        stream->handler->on_room(stream);
}

static void on_end(struct gw__outbound *outbound, int error)
{
    struct gw__byte_stream *stream = of_outbound(outbound);
    stream->handler->on_end(stream, error);
}

static const struct gw__outbound_protocol protocol = {
    .size = sizeof(struct gw__byte_stream),
    .ops = {.reads_after_break = true,
            .on_connected = gw__outbound_connected,
            .on_data = on_data,
            .on_end = gw__outbound_ended,
            .on_room = on_room},
    .on_end = on_end,
};

struct gw__outbound *gw__byte_stream_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                             int64_t timeout_ms, const struct gw__outbound_owner *owner, void *pool)
{
    return gw__outbound_connect(&protocol, loop, address, size, timeout_ms, owner, pool);
}

struct gw__byte_stream *gw__byte_stream_use(struct gw__outbound *outbound,
                                            const struct gw__byte_stream_handler *handler, void *user)
{
    struct gw__byte_stream *stream = of_outbound(outbound);
    stream->handler = handler;
    stream->user = user;
    stream->reused = outbound->answered;
    outbound->state = GW__OUTBOUND_IN_USE;
    return stream;
}

bool gw__byte_stream_send(struct gw__byte_stream *stream, const struct iovec *pieces, int count)
{
    return gw__conn_send(&stream->base.conn, pieces, count);
}

bool gw__byte_stream_is_broken(const struct gw__byte_stream *stream)
{
    return stream->base.conn.error || stream->base.conn.ended;
}

void gw__byte_stream_pause(struct gw__byte_stream *stream)
{
    gw__conn_pause(&stream->base.conn);
}

void gw__byte_stream_resume(struct gw__byte_stream *stream)
{
    gw__conn_resume(&stream->base.conn);
}

void gw__byte_stream_finish(struct gw__byte_stream *stream, bool good)
{
    gw__outbound_finish(&stream->base, good);
}
