/* A chained hash table that grows and never shrinks: entries stay where they are, so that a connection keeps a pointer
 * to its own. The seed keeps clients from choosing addresses that meet in one bucket. */
#include "http/peers.h"

#include "base/alloc.h"

#include <string.h>
#include <time.h>

enum { FIRST_BUCKETS = 16 };

static struct gw__peer **bucket_of(const struct gw__peers *peers, const struct gw__ip *ip)
{
    uint64_t high, low;
    memcpy(&high, ip->bytes, 8);
    memcpy(&low, ip->bytes + 8, 8);
    uint64_t hash = (high ^ peers->seed) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 32 ^ low) * 0xbf58476d1ce4e5b9u;
    return &peers->buckets[(hash ^ hash >> 31) & (peers->bucket_count - 1)];
}

/* False when out of memory, which matters only if there was no table yet. */
static bool grow(struct gw__peers *peers)
{
    size_t count = peers->bucket_count ? peers->bucket_count * 2 : FIRST_BUCKETS;
    struct gw__peers old = *peers;
    struct gw__peer **buckets = gw__calloc(count, sizeof(struct gw__peer *));
    if (!buckets)
        return false;
    if (!old.buckets) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        peers->seed = ((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uintptr_t)buckets) * 0x94d049bb133111ebu;
    }
    peers->buckets = buckets;
    peers->bucket_count = count;
    for (size_t i = 0; i < old.bucket_count; i++)
        for (struct gw__peer *peer = old.buckets[i], *next; peer; peer = next) {
            next = peer->next;
            struct gw__peer **bucket = bucket_of(peers, &peer->ip);
            peer->next = *bucket;
            *bucket = peer;
        }
    gw__free(old.buckets);
    return true;
}

struct gw__peer *gw__peers_enter(struct gw__peers *peers, const struct gw__ip *ip)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct gw__ip key = *ip;
    if (memcmp(key.bytes, mapped, sizeof mapped) != 0)
        memset(key.bytes + 8, 0, 8);
    if (peers->count >= peers->bucket_count && !grow(peers) && !peers->buckets)
        return NULL;
    struct gw__peer **bucket = bucket_of(peers, &key), *peer = *bucket;
    while (peer && memcmp(peer->ip.bytes, key.bytes, sizeof key.bytes) != 0)
        peer = peer->next;
    if (!peer) {
        peer = gw__malloc(sizeof *peer);
        if (!peer)
            return NULL;
        *peer = (struct gw__peer){.next = *bucket, .ip = key};
        *bucket = peer;
        peers->count++;
    }
    peer->connections++;
    return peer;
}

void gw__peers_leave(struct gw__peers *peers, struct gw__peer *peer)
{
    if (--peer->connections)
        return;
    struct gw__peer **place = bucket_of(peers, &peer->ip);
    while (*place != peer)
        place = &(*place)->next;
    *place = peer->next;
    peers->count--;
    gw__free(peer);
}

void gw__peers_finish(struct gw__peers *peers)
{
    gw__free(peers->buckets);
    *peers = (struct gw__peers){0};
}
