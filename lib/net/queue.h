/* Queue: bytes that wait for a socket, in blocks of the loop's pool. Empty, it owns nothing. */
#ifndef GW_NET_QUEUE_H
#define GW_NET_QUEUE_H

#include "base/arena.h"

#include <sys/uio.h>

struct gw__queue {
    struct gw__block *first, *last;
    uint32_t from, to; /* used bytes: offset in the first block, end in the last */
    size_t size;
};

/* False when out of memory: then nothing, or a part, was appended. */
bool gw__queue_append(struct gw__queue *queue, struct gw__block_pool *pool, const char *data, size_t size);
/* The front as at most `max` pieces; returns how many. */
int gw__queue_peek(const struct gw__queue *queue, struct iovec *pieces, int max);
void gw__queue_drain(struct gw__queue *queue, struct gw__block_pool *pool, size_t size);

#endif
