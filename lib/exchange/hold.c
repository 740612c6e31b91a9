/* Holds: tickets for threads that know nothing of the loop. A ticket is a number - slot and generation
 * in a table of the process - dressed as a pointer, so that releasing one late, twice, or after its
 * server is gone finds an old generation and does nothing. The table's mutex is held for a few
 * instructions, only by exchanges that hold. */
#include "exchange/exchange.h"

#include "base/alloc.h"

#include <pthread.h>

enum state { FREE, HELD, RELEASED };

struct gw__slot {
    struct gw__mail mail;
    struct gw_exchange *ex; /* NULL once it is gone, or waits no more */
    struct gw__slot *next;  /* of the same exchange */
    struct gw__loop *loop;
    struct gw__hook hook;
    uint32_t generation, next_free, number;
    uint8_t state;
    enum gw_flow verdict;
};

static struct {
    pthread_mutex_t mutex;
    struct gw__slot **slots;
    uint32_t count, free, used; /* free: number + 1 of the first free slot */
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct gw_hold *ticket(const struct gw__slot *slot)
{
    return (struct gw_hold *)(uintptr_t)((uint64_t)slot->generation << 32 | (slot->number + 1));
}

static struct gw__slot *find(struct gw_hold *hold)
{
    uint32_t number = (uint32_t)((uintptr_t)hold & UINT32_MAX) - 1;
    struct gw__slot *slot = number < table.count ? table.slots[number] : NULL;
    return slot && ticket(slot) == hold ? slot : NULL;
}

/* With the last ticket the table's memory goes too; generations go on from a number no old ticket has. */
static uint32_t first_generation = 1;

static void free_slot(struct gw__slot *slot)
{
    slot->state = FREE;
    slot->generation++;
    slot->next_free = table.free;
    table.free = slot->number + 1;
    if (--table.used)
        return;
    for (uint32_t i = 0; i < table.count; i++) {
        if (table.slots[i]->generation > first_generation)
            first_generation = table.slots[i]->generation;
        gw__free(table.slots[i]);
    }
    gw__free(table.slots);
    table.slots = NULL;
    table.count = table.free = 0;
}

static struct gw__slot *grow(void)
{
    struct gw__slot *slot = gw__calloc(1, sizeof *slot);
    struct gw__slot **grown = slot ? gw__realloc(table.slots, (table.count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        gw__free(slot);
        return NULL;
    }
    table.slots = grown;
    slot->number = table.count;
    slot->generation = first_generation;
    table.slots[table.count++] = slot;
    return slot;
}

static void forget(struct gw__slot *slot)
{
    struct gw__slot **place = &slot->ex->holds;
    while (*place != slot)
        place = &(*place)->next;
    *place = slot->next;
    slot->ex = NULL;
}

static void deliver(struct gw__mail *mail)
{
    struct gw__slot *slot = gw__container_of(mail, struct gw__slot, mail);
    pthread_mutex_lock(&table.mutex);
    struct gw_exchange *ex = slot->ex;
    struct gw__hook hook = slot->hook;
    enum gw_flow verdict = slot->verdict;
    bool postponed = ex && gw__thread_postpone(ex, mail);
    if (ex && !postponed)
        forget(slot);
    if (!postponed)
        free_slot(slot);
    pthread_mutex_unlock(&table.mutex);
    if (ex && !postponed)
        gw__pump_resume(ex, &hook, verdict == GW_CONTINUE ? GW_CONTINUE : GW_FAIL);
}

static bool holds_already(const struct gw_exchange *ex)
{
    const struct gw__hook *hook = &ex->hook;
    for (const struct gw__slot *slot = ex->holds; slot; slot = slot->next)
        if (slot->hook.lane == hook->lane && slot->hook.index == hook->index && slot->hook.body == hook->body)
            return true;
    return false;
}

static struct gw__slot *take_slot(void)
{
    struct gw__slot *slot = table.free ? table.slots[table.free - 1] : NULL;
    if (slot)
        table.free = slot->next_free;
    else
        slot = grow();
    table.used += slot != NULL;
    return slot;
}

struct gw_hold *gw_exchange_hold(struct gw_exchange *ex)
{
    if (!ex->hook.lane || holds_already(ex)) {
        gw_exchange_fail_code(ex, 500, "GW5007", NULL, "held outside of a hook, or twice in one");
        return NULL;
    }
    pthread_mutex_lock(&table.mutex);
    struct gw__slot *slot = take_slot();
    if (slot) {
        slot->mail.deliver = deliver;
        slot->ex = ex;
        slot->next = ex->holds;
        slot->loop = ex->context->loop;
        slot->hook = ex->hook;
        slot->state = HELD;
        ex->holds = slot;
    }
    struct gw_hold *hold = slot ? ticket(slot) : NULL;
    pthread_mutex_unlock(&table.mutex);
    if (slot)
        ex->hook.waits = true;
    else
        ex->state.out_of_memory = true;
    return hold;
}

void gw_hold_release(struct gw_hold *hold, enum gw_flow verdict)
{
    pthread_mutex_lock(&table.mutex);
    struct gw__slot *slot = hold ? find(hold) : NULL;
    if (slot && slot->state == HELD) {
        slot->state = RELEASED;
        slot->verdict = verdict;
        gw__loop_post(slot->loop, &slot->mail); /* under the mutex: the loop is there as long as the slot is HELD */
    }
    pthread_mutex_unlock(&table.mutex);
}

void gw__holds_cancel(struct gw_exchange *ex)
{
    if (!ex->holds)
        return;
    pthread_mutex_lock(&table.mutex);
    while (ex->holds) {
        struct gw__slot *slot = ex->holds;
        forget(slot);
        if (slot->state == HELD) /* else its mail is under way and frees it */
            free_slot(slot);
    }
    pthread_mutex_unlock(&table.mutex);
}
