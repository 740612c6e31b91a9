/* Carrier of one call at a time on a connection of its own, as bytes. Servers that answer oneway calls, too, are known:
 * a connection that has carried one has the first one's id noted. */
#include "endpoints/thrift.h"
#include "net/byte_stream.h"

enum { PIECES = 8 }; /* segments that are handed to a connection at once */

static struct gw__thrift_leg *leg_of(const struct gw__byte_stream *stream)
{
    return stream->user;
}

static void send_rest(struct gw__thrift_leg *leg)
{
    struct iovec pieces[PIECES];
    int count;
    while (!leg->blocked && (count = gw__thrift_pieces(leg, pieces, PIECES)) > 0)
        leg->blocked = gw__byte_stream_send(leg->stream, pieces, count);
    if (!leg->blocked && !gw__byte_stream_is_broken(leg->stream))
        gw__thrift_sent(leg);
}

static void on_data(struct gw__byte_stream *stream, const char *data, size_t size)
{
    gw__thrift_take(leg_of(stream), data, size);
}

static void on_room(struct gw__byte_stream *stream)
{
    struct gw__thrift_leg *leg = leg_of(stream);
    struct gw_exchange *ex = leg->call.ex;
    gw__exchange_enter(ex);
    ex->times.active_ms = gw__loop_ms(ex->context->loop);
    leg->blocked = false;
    send_rest(leg);
    gw__exchange_leave(ex);
}

static void on_end(struct gw__byte_stream *stream, int error)
{
    gw__thrift_broken(leg_of(stream), stream->reused);
}

static const struct gw__byte_stream_handler handler = {
    .on_data = on_data,
    .on_room = on_room,
    .on_end = on_end,
};

static void use(struct gw__thrift_leg *leg)
{
    struct gw__byte_stream *stream = gw__byte_stream_use(leg->attempt.outbound, &handler, leg);
    leg->stream = stream;
    leg->oldest = stream->note ? (int32_t)stream->note : leg->sequence;
    send_rest(leg);
}

static void pause(struct gw__thrift_leg *leg)
{
    gw__byte_stream_pause(leg->stream);
}

static void resume(struct gw__thrift_leg *leg)
{
    gw__byte_stream_resume(leg->stream);
}

static void let_go(struct gw__thrift_leg *leg, bool good)
{
    struct gw__byte_stream *stream = leg->stream;
    if (leg->call.method->oneway && !stream->note)
        stream->note = (uint32_t)leg->sequence;
    gw__byte_stream_finish(stream, good);
}

const struct gw__thrift_carrier gw__thrift_stream = {
    .protocol = GW__PROTOCOL_THRIFT,
    .use = use,
    .pause = pause,
    .resume = resume,
    .let_go = let_go,
};
