/* Bits: which fields of the records under way have been seen, record upon record. A record's words are reached by where
 * they begin, since all of them may move with a push. */
#ifndef GW_TRANSCODE_BITS_H
#define GW_TRANSCODE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GW__BIT_WORDS = 80 /* more than that many are allocated */ };

struct gw__bits {
    uint64_t *words;
    size_t count, capacity;
    uint64_t few[GW__BIT_WORDS];
};

void gw__bits_init(struct gw__bits *bits);
void gw__bits_finish(struct gw__bits *bits);
/* Zeroed words for one more record; false when out of memory. To pop, set `count` to where they began. */
bool gw__bits_push(struct gw__bits *bits, uint32_t count);

#endif
