/* Holds: tickets for threads that know nothing of the loop. A ticket is a number - slot and generation
 * in a table of the process - dressed as a pointer, so that releasing one late, twice, or after its
 * server is gone finds an old generation and does nothing. The table's mutex is held for a few
 * instructions, only by exchanges that hold. */
#include "exchange/exchange.h"

#include "base/alloc.h"

#include <pthread.h>

enum state { FREE, HELD, RELEASED };

struct slot {
    struct gw__mail mail;
    struct gw_exchange *ex; /* NULL once it is gone */
    struct gw__loop *loop;
    struct gw__hook hook;
    uint32_t generation, next_free, number;
    uint8_t state;
    enum gw_flow verdict;
};

static struct {
    pthread_mutex_t mutex;
    struct slot **slots;
    uint32_t count, free, used; /* free: number + 1 of the first free slot */
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct gw_hold *ticket(const struct slot *slot)
{
    return (struct gw_hold *)(uintptr_t)((uint64_t)slot->generation << 32 | (slot->number + 1));
}

static struct slot *find(struct gw_hold *hold)
{
    uint32_t number = (uint32_t)((uintptr_t)hold & UINT32_MAX) - 1;
    struct slot *slot = number < table.count ? table.slots[number] : NULL;
    return slot && ticket(slot) == hold ? slot : NULL;
}

/* With the last ticket the table's memory goes too; generations go on from a number no old ticket has. */
static uint32_t first_generation = 1;

static void free_slot(struct slot *slot)
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

static struct slot *grow(void)
{
    struct slot *slot = gw__calloc(1, sizeof *slot);
    struct slot **grown = slot ? gw__realloc(table.slots, (table.count + 1) * sizeof *grown) : NULL;
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

static void deliver(struct gw__mail *mail)
{
    struct slot *slot = gw__container_of(mail, struct slot, mail);
    pthread_mutex_lock(&table.mutex);
    struct gw_exchange *ex = slot->ex;
    struct gw__hook hook = slot->hook;
    enum gw_flow verdict = slot->verdict;
    free_slot(slot);
    pthread_mutex_unlock(&table.mutex);
    if (!ex)
        return;
    *gw__waiting(&hook) = (struct gw__waiting){0};
    gw__pump_resume(ex, &hook, verdict == GW_CONTINUE ? GW_CONTINUE : GW_FAIL);
}

struct gw_hold *gw_exchange_hold(struct gw_exchange *ex)
{
    struct gw__waiting *waiting = ex->hook.lane ? gw__waiting(&ex->hook) : NULL;
    if (!waiting || waiting->hold) /* not in a hook, or its second one */
        return NULL;
    pthread_mutex_lock(&table.mutex);
    struct slot *slot = table.free ? table.slots[table.free - 1] : NULL;
    if (slot)
        table.free = slot->next_free;
    else
        slot = grow();
    if (slot) {
        table.used++;
        slot->mail.deliver = deliver;
        slot->ex = ex;
        slot->loop = ex->context->loop;
        slot->hook = ex->hook;
        slot->state = HELD;
        *waiting = (struct gw__waiting){.hold = ticket(slot), .kind = GW__WAIT_HOLD};
    }
    pthread_mutex_unlock(&table.mutex);
    if (!slot)
        ex->state.out_of_memory = true;
    return slot ? waiting->hold : NULL;
}

void gw_hold_release(struct gw_hold *hold, enum gw_flow verdict)
{
    pthread_mutex_lock(&table.mutex);
    struct slot *slot = hold ? find(hold) : NULL;
    if (slot && slot->state == HELD) {
        slot->state = RELEASED;
        slot->verdict = verdict;
        gw__loop_post(slot->loop, &slot->mail); /* under the mutex: the loop is there as long as the slot is HELD */
    }
    pthread_mutex_unlock(&table.mutex);
}

static void cancel(struct gw__waiting *waiting)
{
    if (!waiting->hold)
        return;
    pthread_mutex_lock(&table.mutex);
    struct slot *slot = find(waiting->hold);
    if (slot && slot->state == HELD)
        free_slot(slot);
    else if (slot)
        slot->ex = NULL; /* its mail is under way */
    pthread_mutex_unlock(&table.mutex);
    *waiting = (struct gw__waiting){0};
}

void gw__hold_cancel(struct gw_exchange *ex, struct gw__lane *lane)
{
    cancel(&lane->waiting);
    for (uint16_t i = 0; lane->row && i < lane->row->count; i++)
        cancel(&lane->row->stages[i].waiting);
}
