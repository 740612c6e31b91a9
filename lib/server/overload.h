/* Overload: the keeper looks at the process's memory and descriptors once a second, and has the workers take in less
 * before they run out. It also tells of the connections that were refused meanwhile, in one line. */
#ifndef GW_SERVER_OVERLOAD_H
#define GW_SERVER_OVERLOAD_H

#include "http/server.h"
#include "net/loop.h"

/* Percent of what there may be at which a stage begins; it ends where it is GW__WATERMARK_GAP lower. */
#define GW__WATERMARK_1 80
#define GW__WATERMARK_2 90
#define GW__WATERMARK_3 95
#define GW__WATERMARK_GAP 5

struct gw_server;

/* Under the server's lock, but for the timer. */
struct gw__overload {
    struct gw__timer timer;
    int64_t memory, memory_limit; /* resident bytes of the process; limit 0: none */
    int64_t others;               /* descriptors that are no connections, when a config was last applied */
    int64_t descriptors, descriptor_limit;
    unsigned stage;               /* 0: none */
    uint64_t refusals[GW__REFUSALS]; /* of connections, when they were last told of */
};

/* Connections of all workers that are open now, to clients and instances. */
int64_t gw__overload_sockets(const struct gw_server *server);
/* The limit of memory where the config says none: 80 % of the machine's, or of the control group's if that is less. */
int64_t gw__overload_default_memory(void);
/* Begins to look; on the keeper's thread, or before it has one. */
void gw__overload_start(struct gw_server *server);
/* Looks now; under the server's lock. */
void gw__overload_look(struct gw_server *server);

#endif
