/* Arena: memory of one exchange, table or config, given back at once. Blocks come from a pool (one per
 * worker), so that a warm worker makes no heap call. */
#ifndef GW_BASE_ARENA_H
#define GW_BASE_ARENA_H

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>

#define GW__BLOCK_BYTES 4096

struct gw__block {
    struct gw__block *next;
    size_t size; /* of the whole block, this header included */
};

/* Free blocks of GW__BLOCK_BYTES, for one thread. Zero it to begin with. */
struct gw__block_pool {
    struct gw__block *free;
    unsigned count, limit; /* limit 0: 1024 */
};

struct gw__arena {
    char *cursor, *end;
    struct gw__block *blocks; /* the newest first */
    struct gw__block_pool *pool;
    size_t bytes;             /* got from pool and heap */
};

void gw__block_pool_finish(struct gw__block_pool *pool);
struct gw__block *gw__block_get(struct gw__block_pool *pool); /* NULL when out of memory */
void gw__block_put(struct gw__block_pool *pool, struct gw__block *block);

/* pool may be NULL: blocks come from the heap. Takes no memory yet. */
void gw__arena_init(struct gw__arena *arena, struct gw__block_pool *pool);
void gw__arena_finish(struct gw__arena *arena);
void *gw__arena_grow(struct gw__arena *arena, size_t size);

/* Not zeroed, aligned to 16. NULL when out of memory. */
static inline void *gw__arena_alloc(struct gw__arena *arena, size_t size)
{
    size_t need = (size + 15) & ~(size_t)15;
    if (need - 1 >= (size_t)(arena->end - arena->cursor)) /* 0, or too large to be rounded, is left to grow */
        return gw__arena_grow(arena, size);
    void *memory = arena->cursor;
    arena->cursor += need;
    return memory;
}

void *gw__arena_zalloc(struct gw__arena *arena, size_t size);
char *gw__arena_copy(struct gw__arena *arena, const char *data, size_t size); /* terminated */
char *gw__arena_print(struct gw__arena *arena, const char *format, va_list args);

#endif
