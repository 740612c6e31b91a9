/* Growing doubles the table and puts every slot anew. */
#include "route/index.h"

static void put(struct gw__index *index, struct gw__index_slot slot)
{
    uint32_t at = slot.hash;
    while (index->slots[at & index->mask].number)
        at++;
    index->slots[at & index->mask] = slot;
}

bool gw__index_add(struct gw__index *index, uint32_t hash, uint32_t number)
{
    if (!index->slots || index->count * 2 > index->mask) {
        uint32_t size = index->slots ? (index->mask + 1) * 2 : 16;
        struct gw__index larger = {.slots = gw__calloc(size, sizeof *larger.slots), .mask = size - 1};
        if (!larger.slots)
            return false;
        for (uint32_t i = 0; index->slots && i <= index->mask; i++)
            if (index->slots[i].number)
                put(&larger, index->slots[i]);
        larger.count = index->count;
        gw__free(index->slots);
        *index = larger;
    }
    put(index, (struct gw__index_slot){hash, number + 1});
    index->count++;
    return true;
}

void gw__index_finish(struct gw__index *index)
{
    gw__free(index->slots);
    *index = (struct gw__index){0};
}
