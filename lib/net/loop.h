/* Loop: one worker's event loop and what all its connections share: clock, timing wheel, receive
 * buffer, scratch, block pool, mailbox, and the tasks that run after each callback.
 *
 * Every libevent callback of the library is framed by gw__loop_enter() and gw__loop_leave(). The
 * latter runs the tasks: flushing, and freeing what must not be freed inside its own callback. */
#ifndef GW_NET_LOOP_H
#define GW_NET_LOOP_H

#include "base/arena.h"
#include "base/list.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>
#include <stdint.h>

#define GW__RECEIVE_BYTES 65536 /* 64 KiB is where throughput of large bodies peaks: it still fits L2 */
#define GW__SCRATCH_BYTES 49152 /* outgoing heads, and small bodies behind them */
#define GW__DATE_BYTES 37
#define GW__WHEEL_SLOTS 1024
#define GW__WHEEL_SLOT_MS 4

/* Something to do after the current callback, once. Zero it to begin with. */
struct gw__task {
    struct gw__task *next;
    void (*run)(struct gw__task *task);
    bool queued;
};

/* A message to another thread's loop. Belongs to the sender until it is delivered, then to deliver(). */
struct gw__mail {
    struct gw__mail *next;
    void (*deliver)(struct gw__mail *mail);
};

/* An entry of the timing wheel; embedded in what it guards. fire() is called at or up to 8 ms after
 * deadline_ms (later where hundreds are due at once), and finds the entry out of the wheel. */
struct gw__timer {
    struct gw__link link;
    uint64_t deadline_ms;
    void (*fire)(struct gw__timer *timer);
};

struct gw__wheel {
    struct gw__link slots[GW__WHEEL_SLOTS];
    uint64_t used[GW__WHEEL_SLOTS / 64]; /* a bit for each slot that may hold something */
    uint64_t at;                         /* number of the next slot to be looked at, not wrapped */
    uint64_t armed;                      /* number of the slot the libevent timer waits for, 0: none */
    struct event event;
};

/* What a connection waits for before it is read: a turn of that kind. In each pass over what epoll_wait() brought there
 * are so many. */
enum gw__turn {
    GW__TURN_NONE,  /* it is read at once */
    GW__TURN_BEGIN, /* something new begins */
    GW__TURN_DRIP,  /* a message comes by a few bytes */
    GW__TURN_KINDS,
};

struct gw__turns {
    struct gw__link waiting; /* connections in their order; none while there are turns left */
    uint32_t left;
};

/* Fewer that begin: the same sockets are reported again and again; more: more connections to instances. Fewer that
 * drip: more passes; more: all others wait for longer. */
static inline uint32_t gw__turn_limit(enum gw__turn kind)
{
    return kind == GW__TURN_BEGIN ? 1024 : 4;
}

struct gw__loop {
    struct event_base *base;
    uint64_t now_us, now_ms; /* CLOCK_MONOTONIC when the current callback began */
    struct gw__task *tasks, **tasks_end;
    struct gw__wheel *wheel;
    char *receive, *scratch;
    struct gw__block_pool blocks;
    _Atomic(struct gw__mail *) mail;
    _Atomic uint32_t sockets; /* of connections, for others to read */
    struct event mail_event;
    struct gw__link paused; /* connections whose peer must be watched by poll */
    struct gw__timer paused_timer;
    struct gw__turns turns[GW__TURN_KINDS];
    struct event turns_event;
    uint32_t reads; /* of connections that don't drip, since the last turn of one that does was used */
    int wake_fd;
    bool owns_base;
    uint64_t date_until_ms; /* of the loop's clock: when the second of `date` ends */
    char date[GW__DATE_BYTES + 1]; /* the Date field, IMF-fixdate */
};

/* base NULL: the loop makes its own, without locks. 0 or -1 with errno. */
int gw__loop_init(struct gw__loop *loop, struct event_base *base);
/* Everything on it must be gone. Delivers the mail that is still there. */
void gw__loop_finish(struct gw__loop *loop);
void gw__loop_enter(struct gw__loop *loop);
void gw__loop_leave(struct gw__loop *loop);
static inline uint64_t gw__loop_ms(const struct gw__loop *loop)
{
    return loop->now_ms;
}
void gw__loop_renew_date(struct gw__loop *loop);
/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" of now, GW__DATE_BYTES long. */
static inline const char *gw__loop_date(struct gw__loop *loop)
{
    if (loop->now_ms >= loop->date_until_ms)
        gw__loop_renew_date(loop);
    return loop->date;
}

/* Runs task->run after the current callback; does nothing if it is queued already. */
void gw__loop_defer(struct gw__loop *loop, struct gw__task *task);
void gw__task_cancel(struct gw__loop *loop, struct gw__task *task);
/* From any thread: has deliver() called on the loop's. */
void gw__loop_post(struct gw__loop *loop, struct gw__mail *mail);
/* What is in the mailbox, now; within enter and leave. */
void gw__loop_deliver(struct gw__loop *loop);

static inline void gw__timer_init(struct gw__timer *timer, void (*fire)(struct gw__timer *))
{
    gw__list_init(&timer->link);
    timer->fire = fire;
}
static inline bool gw__timer_pending(const struct gw__timer *timer)
{
    return !gw__list_empty(&timer->link);
}
/* (Re)sets the timer. Far deadlines are looked at again every few seconds, which costs nothing here. */
void gw__timer_set(struct gw__loop *loop, struct gw__timer *timer, uint64_t deadline_ms);
static inline void gw__timer_stop(struct gw__timer *timer)
{
    gw__list_remove(&timer->link);
}

int gw__wheel_init(struct gw__loop *loop);
void gw__wheel_finish(struct gw__loop *loop);

#endif
