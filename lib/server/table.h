/* Table: what a config compiles to, immutable, one view of it per worker. It is freed when every worker
 * has let go of its view, that is when the last exchange that began on it has ended. */
#ifndef GW_SERVER_TABLE_H
#define GW_SERVER_TABLE_H

#include "base/arena.h"
#include "exchange/context.h"
#include "idl/idl.h"
#include "route/index.h"
#include "route/router.h"
#include "server/check.h"
#include "server/registry.h"

struct gw__table;

struct gw__table_view {
    struct gw__view view;
    struct gw__table *table;
    const struct gw__chain **chains; /* by route number */
};

struct gw__table {
    struct gw_server *server;
    struct gw__arena arena;          /* of everything in it but instances and options */
    struct gw__router *router;
    struct gw__table_view *views;    /* one a worker */
    unsigned worker_count;
    atomic_uint views_held;
    uint64_t generation;
    struct gw__idl_set idl;          /* what the IDL folder held when the config was applied */
    struct gw__callee *callees;      /* one a service, whose cell is held */
    size_t callee_count;
    struct gw__index callee_index;   /* by name */
    const char **route_ids;
    size_t route_count;
    struct gw__made *made;           /* instances and options, to be destroyed, the newest first */
    struct gw__listener_config {
        const char *address, *origin;
        struct gw__address parsed;
        struct gw__limits limits;
        struct gw__timeouts timeouts;
        struct gw__http_options http;
        bool says_connections;       /* limits.connections is the config's, not the default */
        struct gw__port *port;       /* bound, see server.h */
    } *listeners;
    size_t listener_count;
    const char *admin_socket;        /* NULL: none */
    struct gw__port *admin_port;
    struct gw__mail free_mail;
    struct gw__table *next;          /* of all that live */
};

/* Compiles a checked config for a number of workers. Errors go to the report; then NULL is returned and nothing
 * has changed but the cells' `next`. `services` are the server's cells, under its lock. */
struct gw__table *gw__table_compile(struct gw_server *server, const struct gw__registry *registry,
                                    struct gw__services *services, const struct gw_config *config,
                                    const struct gw__checked *checked, unsigned workers, struct gw__report *report);
/* Frees a table that no worker looks at. Under the server's lock: it lets go of services. */
void gw__table_destroy(struct gw__table *table);

/* callee.c: NULL if there is none of that name. */
const struct gw__callee *gw__table_callee(const struct gw__table *table, const char *name, size_t size);
/* Adds one; false when out of memory. There is room for it. */
bool gw__table_add_callee(struct gw__table *table, const struct gw__callee *callee);

#endif
