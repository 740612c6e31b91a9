/* SipHash-1-3, little-endian as its authors define it. The key is drawn once, on first use, whichever thread is
 * first. */
#include "base/hash.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t process_key[2];

/* Early at boot the kernel may have no randomness: then what an outsider can't well know has to do. */
static void draw_key(void)
{
    struct timespec now;
    if (getrandom(process_key, sizeof process_key, GRND_NONBLOCK) == (ssize_t)sizeof process_key)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    process_key[0] ^= (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
    process_key[1] ^= (uint64_t)(uintptr_t)&now;
}

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void mix(uint64_t *v)
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline void add_word(struct gw__hash *hash, uint64_t word)
{
    hash->v[3] ^= word;
    mix(hash->v);
    hash->v[0] ^= word;
}

void gw__hash_begin_keyed(struct gw__hash *hash, uint64_t key0, uint64_t key1)
{
    *hash = (struct gw__hash){.v = {
        key0 ^ UINT64_C(0x736f6d6570736575), key1 ^ UINT64_C(0x646f72616e646f6d),
        key0 ^ UINT64_C(0x6c7967656e657261), key1 ^ UINT64_C(0x7465646279746573)}};
}

void gw__hash_begin(struct gw__hash *hash)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw_key);
    gw__hash_begin_keyed(hash, process_key[0], process_key[1]);
}

static void add_byte(struct gw__hash *hash, unsigned char byte)
{
    hash->tail |= (uint64_t)byte << 8 * (hash->size % 8);
    if (++hash->size % 8)
        return;
    add_word(hash, hash->tail);
    hash->tail = 0;
}

void gw__hash_add(struct gw__hash *hash, const void *data, size_t size)
{
    const unsigned char *at = data, *end = at + size;
    while (at < end && hash->size % 8)
        add_byte(hash, *at++);
    for (; end - at >= 8; at += 8, hash->size += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        add_word(hash, le64toh(word));
    }
    while (at < end)
        add_byte(hash, *at++);
}

uint64_t gw__hash_end(struct gw__hash *hash)
{
    add_word(hash, hash->tail | hash->size << 56);
    hash->v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        mix(hash->v);
    return hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}
