/* Chain: the compiled row of stages a request runs through, on one worker. Immutable; belongs to a
 * table. Decorators come first in every chain, so a chain of decorators alone is the prefix of all. */
#ifndef GW_EXCHANGE_CHAIN_H
#define GW_EXCHANGE_CHAIN_H

#include "base/settings.h"

#include <gateway/endpoint.h>
#include <gateway/filter.h>
#include <stdint.h>

struct gw__report;
struct gw__service;
struct gw__callee;
struct gw__condition;

/* What an instance may ask for while it is created; NULL afterwards. */
struct gw__scope {
    struct gw__report *report; /* where gw_*_error() goes */
    const void *table;
    const struct gw__condition *conditions; /* of the route that is compiled; NULL: none, or they are wrong */
    bool has_idl; /* the config names a folder */
    bool idl_failed; /* it could not be loaded, which has been reported: that a name is missing from it says nothing */
};

/* What a hook gets as `self`: begins an instance of a filter, an endpoint or a predicate. */
struct gw__instance_head {
    const char *name;
    struct gw_server *server;
    void *user;
    void *data;                 /* instance_size bytes, zeroed */
    struct gw_option *options;  /* checked; owned */
    const struct gw__scope *scope;
    const char *origin;         /* of the options; "" if unknown */
    uint32_t scratch;           /* offset of the stage's scratch within its exchange's */
};

struct gw_filter {
    struct gw__instance_head head;
    const struct gw_filter_type *type;
};

struct gw_endpoint {
    struct gw__instance_head head;
    const struct gw_endpoint_type *type;
};

/* The service a built-in endpoint names in its options, during create(); NULL after reporting [GW1021]. */
struct gw__service *gw__instance_service(const struct gw__instance_head *head, const struct gw_option *options,
                                         const char *key);
/* Whether the route's path has the `{variables}` that stand in an endpoint's option; false after reporting [GW1029]. */
bool gw__instance_has_variables(const struct gw__instance_head *head, const struct gw_option *options,
                                const char *key);
/* Whether there is any IDL at all; false after reporting [GW1026]. */
bool gw__instance_has_idl(const struct gw__instance_head *head);
/* The same as gw__instance_service(), of a service that an IDL describes; NULL after reporting [GW1021, GW1026]. */
const struct gw__callee *gw__instance_callee(const struct gw__instance_head *head, const struct gw_option *options,
                                             const char *key);

struct gw_predicate {
    struct gw__instance_head head;
    const struct gw_predicate_type *type;
};

/* An instance serves one place in one chain, except decorators and global filters, which stand at the
 * same index and so have the same scratch offset in every chain. */
struct gw__chain {
    struct gw_filter *const *filters; /* decorators, filters for all routes, the route's own */
    struct gw_endpoint *endpoint;     /* NULL for the chain of decorators alone */
    uint16_t filter_count, decorator_count;
    uint16_t request_body_count, response_body_count; /* filters with such a hook */
    uint16_t blocking_response;       /* 1 + the index of the first whose on_response runs on a thread; 0: none */
    uint32_t scratch_bytes;
    const char *route;                /* id */
    struct gw__limits limits;
    struct gw__timeouts timeouts;
};

#endif
