/* Capacity: whether the process may open as many descriptors as a config can come to need. GW1052: it may not. */
#ifndef GW_SERVER_CAPACITY_H
#define GW_SERVER_CAPACITY_H

#include "server/server.h"

struct gw__capacity {
    int64_t limit;    /* of open files */
    int64_t others;   /* open or to be, that are no connections */
    int64_t said;     /* what limits.connections of the config come to */
    int64_t defaults; /* listeners that do not say it */
    int64_t wanted, lowered; /* limits.connections of one of them, and what it became */
};

/* Fits limits.connections of the table's listeners, whose ports are bound, to the limit of open files. What the config
 * says itself is refused, by the report, if it does not fit; defaults are lowered to what does. */
void gw__capacity_fit(struct gw__capacity *out, struct gw_server *server, struct gw__table *table,
                      struct gw__report *report);
/* Logs that defaults were lowered, once the config is in force. */
void gw__capacity_log(const struct gw__capacity *capacity, struct gw_server *server);

#endif
