/* A chain of pooled blocks; bytes begin behind the block's header. */
#include "net/queue.h"

#define HEADER ((uint32_t)sizeof(struct gw__block))

static bool grow(struct gw__queue *queue, struct gw__block_pool *pool)
{
    struct gw__block *block = gw__block_get(pool);
    if (!block)
        return false;
    block->next = NULL;
    if (queue->last)
        queue->last->next = block;
    else
        queue->first = block, queue->from = HEADER;
    queue->last = block;
    queue->to = HEADER;
    return true;
}

bool gw__queue_append(struct gw__queue *queue, struct gw__block_pool *pool, const char *data, size_t size)
{
    while (size) {
        if ((!queue->last || queue->to == GW__BLOCK_BYTES) && !grow(queue, pool))
            return false;
        size_t room = GW__BLOCK_BYTES - queue->to, n = size < room ? size : room;
        memcpy((char *)queue->last + queue->to, data, n);
        queue->to += (uint32_t)n;
        queue->size += n;
        data += n;
        size -= n;
    }
    return true;
}

int gw__queue_peek(const struct gw__queue *queue, struct iovec *pieces, int max)
{
    int n = 0;
    uint32_t from = queue->from;
    for (struct gw__block *block = queue->first; block && n < max; block = block->next) {
        uint32_t to = block == queue->last ? queue->to : GW__BLOCK_BYTES;
        pieces[n++] = (struct iovec){(char *)block + from, to - from};
        from = HEADER;
    }
    return n;
}

void gw__queue_drain(struct gw__queue *queue, struct gw__block_pool *pool, size_t size)
{
    queue->size -= size;
    while (queue->first) {
        struct gw__block *block = queue->first;
        uint32_t to = block == queue->last ? queue->to : GW__BLOCK_BYTES;
        if (size < to - queue->from) {
            queue->from += (uint32_t)size;
            return;
        }
        size -= to - queue->from;
        queue->first = block->next;
        queue->from = HEADER;
        gw__block_put(pool, block);
    }
    queue->last = NULL;
}
