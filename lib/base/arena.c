/* Bump allocation in chained blocks. A request larger than a block gets one of its own from the heap. */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdio.h>

static const size_t header_bytes = (sizeof(struct gw__block) + 15) & ~(size_t)15;

void gw__block_pool_finish(struct gw__block_pool *pool)
{
    while (pool->free) {
        struct gw__block *block = pool->free;
        pool->free = block->next;
        gw__free(block);
    }
    pool->count = 0;
}

struct gw__block *gw__block_get(struct gw__block_pool *pool)
{
    struct gw__block *block = pool ? pool->free : NULL;
    if (block) {
        pool->free = block->next;
        pool->count--;
        return block;
    }
    block = gw__malloc(GW__BLOCK_BYTES);
    if (block)
        block->size = GW__BLOCK_BYTES;
    return block;
}

void gw__block_put(struct gw__block_pool *pool, struct gw__block *block)
{
    if (!pool || block->size != GW__BLOCK_BYTES || pool->count >= (pool->limit ? pool->limit : 1024)) {
        gw__free(block);
        return;
    }
    block->next = pool->free;
    pool->free = block;
    pool->count++;
}

void gw__arena_init(struct gw__arena *arena, struct gw__block_pool *pool)
{
    *arena = (struct gw__arena){.pool = pool};
}

void gw__arena_finish(struct gw__arena *arena)
{
    for (struct gw__block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        gw__block_put(arena->pool, block);
    }
    gw__arena_init(arena, arena->pool);
}

static void *grow_large(struct gw__arena *arena, size_t size)
{
    struct gw__block *block = gw__malloc(header_bytes + size);
    if (!block)
        return NULL;
    block->size = header_bytes + size;
    arena->bytes += block->size;
    if (arena->blocks) { /* behind the current one, which still has room */
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = NULL;
        arena->blocks = block;
    }
    return (char *)block + header_bytes;
}

void *gw__arena_grow(struct gw__arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    if (size == 0) /* NULL would look like lack of memory */
        return gw__arena_alloc(arena, 1);
    if (size > GW__BLOCK_BYTES - header_bytes)
        return grow_large(arena, size);
    struct gw__block *block = gw__block_get(arena->pool);
    if (!block)
        return NULL;
    arena->bytes += block->size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->cursor = (char *)block + header_bytes;
    arena->end = (char *)block + block->size;
    return gw__arena_alloc(arena, size);
}

void *gw__arena_zalloc(struct gw__arena *arena, size_t size)
{
    void *memory = gw__arena_alloc(arena, size);
    return memory ? memset(memory, 0, size) : NULL;
}

char *gw__arena_copy(struct gw__arena *arena, const char *data, size_t size)
{
    char *copy = gw__arena_alloc(arena, size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

char *gw__arena_print(struct gw__arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = size < 0 ? NULL : gw__arena_alloc(arena, (size_t)size + 1);
    if (text)
        vsnprintf(text, (size_t)size + 1, format, args);
    return text;
}
