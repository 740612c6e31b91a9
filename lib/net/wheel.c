/* Timing wheel: 1,024 slots of 4 ms. Setting and stopping is a list operation; a deadline beyond the
 * wheel's turn of 4 s waits in its last slot and is put in anew when that comes round. The libevent
 * timer is armed for the first slot in use, and only while there is one. Where many are due at once, a few fire at a
 * time and sockets get their turn in between: thousands of peers that are cut together hold up nobody. */
#include "net/loop.h"

#include "base/alloc.h"

#define FIRES 32 /* at a time */

static uint64_t slot_of(uint64_t ms)
{
    return (ms + GW__WHEEL_SLOT_MS - 1) / GW__WHEEL_SLOT_MS;
}

static void arm(struct gw__loop *loop, uint64_t slot)
{
    struct gw__wheel *wheel = loop->wheel;
    uint64_t due_ms = slot * GW__WHEEL_SLOT_MS, now_ms = gw__loop_ms(loop);
    uint64_t wait_ms = due_ms > now_ms ? due_ms - now_ms : 1;
    struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000), .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
    wheel->armed = slot;
    evtimer_add(&wheel->event, &wait);
}

static void put(struct gw__wheel *wheel, struct gw__timer *timer, uint64_t slot)
{
    size_t index = slot % GW__WHEEL_SLOTS;
    gw__list_append(&wheel->slots[index], &timer->link);
    wheel->used[index / 64] |= 1ull << index % 64;
}

void gw__timer_set(struct gw__loop *loop, struct gw__timer *timer, uint64_t deadline_ms)
{
    struct gw__wheel *wheel = loop->wheel;
    gw__list_remove(&timer->link);
    timer->deadline_ms = deadline_ms;
    uint64_t slot = slot_of(deadline_ms), last = slot_of(gw__loop_ms(loop)) + GW__WHEEL_SLOTS - 2;
    if (slot < wheel->at)
        slot = wheel->at;
    if (slot > last)
        slot = last;
    put(wheel, timer, slot);
    if (!wheel->armed || slot < wheel->armed)
        arm(loop, slot);
}

static void arm_next(struct gw__loop *loop)
{
    struct gw__wheel *wheel = loop->wheel;
    wheel->armed = 0;
    for (uint64_t slot = wheel->at; slot < wheel->at + GW__WHEEL_SLOTS;) {
        size_t index = slot % GW__WHEEL_SLOTS;
        uint64_t bits = wheel->used[index / 64] >> index % 64;
        if (!bits) {
            slot += 64 - index % 64;
            continue;
        }
        slot += (uint64_t)__builtin_ctzll(bits);
        index = slot % GW__WHEEL_SLOTS;
        if (!gw__list_empty(&wheel->slots[index])) {
            arm(loop, slot);
            return;
        }
        wheel->used[index / 64] &= ~(1ull << index % 64);
    }
}

/* Puts a list back at the front of a slot. */
static void put_back(struct gw__wheel *wheel, struct gw__link *due, size_t index)
{
    struct gw__link *slot = &wheel->slots[index];
    due->prev->next = slot->next;
    slot->next->prev = due->prev;
    slot->next = due->next;
    due->next->prev = slot;
    wheel->used[index / 64] |= 1ull << index % 64;
}

/* Takes the whole list of a slot first: what fires may set timers, also into this slot. False: *fires, how many still
 * may, has come to 0 and some are left in it. */
static bool run_slot(struct gw__loop *loop, size_t index, int *fires)
{
    struct gw__wheel *wheel = loop->wheel;
    struct gw__link due;
    wheel->used[index / 64] &= ~(1ull << index % 64);
    if (gw__list_empty(&wheel->slots[index]))
        return true;
    due = wheel->slots[index];
    due.next->prev = due.prev->next = &due;
    gw__list_init(&wheel->slots[index]);
    while (!gw__list_empty(&due) && *fires) {
        struct gw__timer *timer = gw__container_of(due.next, struct gw__timer, link);
        if (timer->deadline_ms > gw__loop_ms(loop)) {
            gw__timer_set(loop, timer, timer->deadline_ms);
        } else {
            gw__list_remove(&timer->link);
            --*fires;
            timer->fire(timer);
        }
    }
    if (gw__list_empty(&due))
        return true;
    put_back(wheel, &due, index);
    return false;
}

static void handle_tick(evutil_socket_t fd, short what, void *arg)
{
    struct gw__loop *loop = arg;
    struct gw__wheel *wheel = loop->wheel;
    gw__loop_enter(loop);
    uint64_t now = gw__loop_ms(loop) / GW__WHEEL_SLOT_MS; /* this slot's time has come */
    if (now >= wheel->at + GW__WHEEL_SLOTS)               /* slept for over a turn */
        wheel->at = now - GW__WHEEL_SLOTS + 1;
    wheel->armed = 1; /* nothing is earlier than this: timers set meanwhile arm nothing */
    int fires = FIRES;
    bool all = true;
    while (wheel->at <= now && all)
        all = run_slot(loop, wheel->at++ % GW__WHEEL_SLOTS, &fires);
    if (!all)
        wheel->at--;
    arm_next(loop);
    gw__loop_leave(loop);
}

int gw__wheel_init(struct gw__loop *loop)
{
    loop->wheel = gw__calloc(1, sizeof *loop->wheel);
    if (!loop->wheel)
        return -1;
    for (size_t i = 0; i < GW__WHEEL_SLOTS; i++)
        gw__list_init(&loop->wheel->slots[i]);
    loop->wheel->at = gw__loop_ms(loop) / GW__WHEEL_SLOT_MS;
    return evtimer_assign(&loop->wheel->event, loop->base, handle_tick, loop);
}

void gw__wheel_finish(struct gw__loop *loop)
{
    if (!loop->wheel)
        return;
    event_del(&loop->wheel->event);
    gw__free(loop->wheel);
    loop->wheel = NULL;
}
