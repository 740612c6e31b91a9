/* Services: cells that outlive tables. A cell points at an immutable snapshot of instances, which the
 * keeper (or whoever applies a config) replaces; workers look at it afresh for each attempt. A
 * snapshot is freed when every worker has passed between two events after it was replaced; an instance
 * lives as long as a snapshot or a worker's pool refers to it, so a reload keeps the pools. */
#ifndef GW_UPSTREAM_SERVICE_H
#define GW_UPSTREAM_SERVICE_H

#include "base/list.h"
#include "net/sockaddr.h"

#include <stdatomic.h>
#include <stdint.h>

struct gw__instance {
    atomic_int refs;
    atomic_bool removed;  /* in no snapshot any more: pools close what idles */
    uint32_t index;       /* of its pool on each worker; not used again while it lives */
    uint32_t weight;
    struct gw__sockaddr address;
    char text[GW__ADDRESS_TEXT]; /* as configured */
};

struct gw__snapshot {
    struct gw__snapshot *replaced; /* a list, once it is out of force */
    uint32_t count;
    uint32_t total_weight;
    bool equal; /* all weights are the same */
    struct gw__instance *instances[];
};

struct gw__service {
    struct gw__link link;
    atomic_int refs; /* of tables */
    uint32_t index;  /* of its balancing state on each worker */
    _Atomic(struct gw__snapshot *) snapshot;
    struct gw__snapshot *next; /* compiled, not in force yet */
    _Atomic int64_t connect_ms, pool_idle, pool_keep_alive_ms;
    int64_t next_connect_ms, next_pool_idle, next_pool_keep_alive_ms;
    char name[];
};

/* All cells of a server; used under the server's lock. Zero it, then init. */
struct gw__services {
    struct gw__link cells;
    uint32_t next_service, next_instance;
};

void gw__services_init(struct gw__services *services);
/* The cell of that name, made if need be, with one more reference. NULL when out of memory. */
struct gw__service *gw__services_hold(struct gw__services *services, const char *name);
struct gw__service *gw__services_find(struct gw__services *services, const char *name);
/* Lets go; the last one frees the cell and its snapshots. No worker may look at it any more. */
void gw__service_release(struct gw__service *service);

/* What a new snapshot shall hold. */
struct gw__instance_config {
    struct gw__sockaddr address;
    const char *text;
    uint32_t weight;
};
/* Makes service->next; instances with the same text as in the current snapshot are taken over. */
bool gw__service_prepare(struct gw__services *services, struct gw__service *service,
                         const struct gw__instance_config *instances, uint32_t count);
/* Puts `next` in force and returns the snapshot it replaced (may be NULL), to be freed by
 * gw__snapshot_free() when no worker looks at it any more. */
struct gw__snapshot *gw__service_publish(struct gw__service *service);
void gw__service_discard_next(struct gw__service *service);
void gw__snapshot_free(struct gw__snapshot *snapshot);

void gw__instance_hold(struct gw__instance *instance);
void gw__instance_release(struct gw__instance *instance);

#endif
