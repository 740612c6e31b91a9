/* Peers: how many connections each client address has, on one listener of one worker. */
#ifndef GW_HTTP_PEERS_H
#define GW_HTTP_PEERS_H

#include "base/networks.h"

struct gw__peer {
    struct gw__peer *next; /* of its bucket */
    struct gw__ip ip;      /* of IPv6 the first 64 bits: one subscriber has as many addresses as it likes */
    int64_t connections;
};

/* Zero it to begin with. */
struct gw__peers {
    struct gw__peer **buckets;
    size_t bucket_count, count; /* a power of two */
    uint64_t seed;
};

/* Counts one more; NULL when out of memory. The entry stays until its last connection leaves. */
struct gw__peer *gw__peers_enter(struct gw__peers *peers, const struct gw__ip *ip);
void gw__peers_leave(struct gw__peers *peers, struct gw__peer *peer);
/* Frees the table, once all connections have left. */
void gw__peers_finish(struct gw__peers *peers);

#endif
