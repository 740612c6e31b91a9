/* A stack that is part of its owner until it outgrows the words there. */
#include "transcode/bits.h"

#include "base/alloc.h"

#include <string.h>

void gw__bits_init(struct gw__bits *bits)
{
    bits->words = bits->few;
    bits->count = 0;
    bits->capacity = GW__BIT_WORDS;
}

void gw__bits_finish(struct gw__bits *bits)
{
    if (bits->words != bits->few)
        gw__free(bits->words);
    bits->words = bits->few;
}

bool gw__bits_push(struct gw__bits *bits, uint32_t count)
{
    size_t need = bits->count + count;
    if (need > bits->capacity) {
        bool few = bits->words == bits->few;
        uint64_t *words = gw__realloc(few ? NULL : bits->words, 2 * need * sizeof *words);
        if (!words)
            return false;
        if (few)
            memcpy(words, bits->few, bits->count * sizeof *words);
        bits->words = words;
        bits->capacity = 2 * need;
    }
    memset(bits->words + bits->count, 0, count * sizeof *bits->words);
    bits->count = need;
    return true;
}
