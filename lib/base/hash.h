/* A keyed hash (SipHash-1-3) for tables of what others send: without the key, which the process draws at random, nobody
 * can tell which inputs collide. */
#ifndef GW_BASE_HASH_H
#define GW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Of bytes that come in pieces, cut anywhere: gw__hash_begin(), pieces, gw__hash_end(). */
struct gw__hash {
    uint64_t v[4];
    uint64_t tail;  /* bytes that do not make a word yet */
    uint64_t size;
};

void gw__hash_begin(struct gw__hash *hash);
void gw__hash_add(struct gw__hash *hash, const void *data, size_t size);
uint64_t gw__hash_end(struct gw__hash *hash);

/* The same with a key given, for tests. */
void gw__hash_begin_keyed(struct gw__hash *hash, uint64_t key0, uint64_t key1);

#endif
