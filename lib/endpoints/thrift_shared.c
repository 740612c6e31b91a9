/* Carrier of a call on a connection that carries others, too: in frames of THeader or TTHeader, whose sequence id tells
 * the call. Bytes of a frame are read as if they were alone on the connection. */
#include "endpoints/thrift.h"

#include <errno.h>

enum { PIECES = 8 };

static struct gw__thrift_leg *leg_of(struct gw__shared_use *use)
{
    return gw__container_of(use, struct gw__thrift_leg, shared);
}

static int frame(const char *bytes, size_t count, uint64_t *size, uint32_t *id)
{
    enum gw__frame_event event = gw__frame_id(bytes, count, size, id);
    return event == GW__FRAME_MORE ? 0 : event == GW__FRAME_END ? 1 : -1;
}

static void on_data(struct gw__shared_use *use, const char *data, size_t size)
{
    gw__thrift_take(leg_of(use), data, size);
}

static void on_room(struct gw__shared_use *use)
{
    struct gw__thrift_leg *leg = leg_of(use);
    struct gw_exchange *ex = leg->call.ex;
    if (!leg->blocked)
        return;
    gw__exchange_enter(ex);
    ex->times.active_ms = gw__loop_ms(ex->context->loop);
    leg->blocked = false;
    gw__thrift_sent(leg);
    gw__exchange_leave(ex);
}

static void on_end(struct gw__shared_use *use, int error)
{
    struct gw__thrift_leg *leg = leg_of(use);
    struct gw_exchange *ex = leg->call.ex;
    if (error != EBADMSG) {
        gw__thrift_broken(leg, use->reused);
        return;
    }
    if (ex->state.ended || ex->answer.active)
        return;
    gw__exchange_enter(ex);
    gw__thrift_not_understood(leg, "its connection carries what belongs to no call");
    gw__exchange_leave(ex);
}

static void on_late(struct gw__shared_use *use)
{
    struct gw_exchange *ex = leg_of(use)->call.ex;
    gw__exchange_enter(ex);
    gw__exchange_over(ex, "client too slow for a shared connection");
    gw__exchange_leave(ex);
}

static const struct gw__shared_handler handler = {
    .frame = frame,
    .on_data = on_data,
    .on_room = on_room,
    .on_end = on_end,
    .on_late = on_late,
};

static void use(struct gw__thrift_leg *leg)
{
    struct iovec pieces[PIECES];
    int count;
    leg->shared.handler = &handler;
    leg->shared.id = (uint32_t)leg->sequence;
    leg->stream = &leg->shared;
    gw__shared_stream_use(leg->attempt.outbound, &leg->shared, leg->call.options.in_flight);
    while ((count = gw__thrift_pieces(leg, pieces, PIECES)) > 0)
        leg->blocked = gw__shared_send(&leg->shared, pieces, count);
    if (!leg->blocked && !gw__shared_is_broken(&leg->shared))
        gw__thrift_sent(leg);
}

static void pause(struct gw__thrift_leg *leg)
{
    gw__shared_pause(&leg->shared);
}

static void resume(struct gw__thrift_leg *leg)
{
    gw__shared_resume(&leg->shared);
}

static void let_go(struct gw__thrift_leg *leg, bool good)
{
    if (leg->call.ex->state.endpoint_late)
        gw__shared_expire(&leg->shared);
    gw__shared_finish(&leg->shared, good, !leg->closes);
}

const struct gw__thrift_carrier gw__thrift_shared = {
    .protocol = GW__PROTOCOL_THRIFT_SHARED,
    .use = use,
    .pause = pause,
    .resume = resume,
    .let_go = let_go,
};
