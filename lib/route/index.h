/* Index: from a hash to the numbers of the things that have it; the caller compares. Open addressing,
 * at most half full. What it holds comes from the config alone, so no client can make it collide. */
#ifndef GW_ROUTE_INDEX_H
#define GW_ROUTE_INDEX_H

#include "base/alloc.h"
#include "base/str.h"

struct gw__index_slot {
    uint32_t hash, number; /* number + 1; 0: free */
};

/* Zero it to begin with. */
struct gw__index {
    struct gw__index_slot *slots;
    uint32_t mask, count;
};

#define GW__INDEX_END UINT32_MAX

bool gw__index_add(struct gw__index *index, uint32_t hash, uint32_t number);
void gw__index_finish(struct gw__index *index);

/* The next number with that hash; *cursor is the hash itself to begin with. */
static inline uint32_t gw__index_next(const struct gw__index *index, uint32_t hash, uint32_t *cursor)
{
    if (!index->slots)
        return GW__INDEX_END;
    for (;;) {
        const struct gw__index_slot *slot = &index->slots[(*cursor)++ & index->mask];
        if (slot->number == 0)
            return GW__INDEX_END;
        if (slot->hash == hash)
            return slot->number - 1;
    }
}

/* Eight bytes at a time; good for tables of this process only. */
static inline uint32_t gw__index_hash(struct gw__str text, uint32_t seed)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    const char *at = text.data;
    size_t left = text.size;
    uint64_t hash = (seed + 1) * odd ^ left, word;
    for (; left >= 8; at += 8, left -= 8) {
        memcpy(&word, at, 8);
        hash = (hash ^ word) * odd;
        hash ^= hash >> 29;
    }
    if (left >= 4) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + left - 4, 4);
        hash = (hash ^ ((uint64_t)high << 32 | low)) * odd;
    } else if (left) {
        const unsigned char *byte = (const unsigned char *)at;
        hash = (hash ^ (byte[0] | (uint32_t)byte[left >> 1] << 8 | (uint32_t)byte[left - 1] << 16)) * odd;
    }
    return (uint32_t)((hash ^ hash >> 32) * odd >> 32);
}

#endif
