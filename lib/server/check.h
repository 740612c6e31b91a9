/* Check: what a config says besides types and their tables, judged and turned into plain values. Codes: GW1016 bad
 * address, GW1017 name or address given twice (names both places), GW1018 something missing, GW1019 structure given as
 * a setting; GW1010 to GW1015 as in base/option.h. */
#ifndef GW_SERVER_CHECK_H
#define GW_SERVER_CHECK_H

#include "base/address.h"
#include "base/settings.h"
#include "server/config.h"

#include <gateway/error.h>

struct gw__checked_listener {
    struct gw__address address;
    struct gw__limits limits;
    struct gw__timeouts timeouts;
    struct gw__http_options http;
    bool says_connections; /* it, or the top level, has limits.connections */
};

struct gw__checked_instance {
    struct gw__address address;
    int weight;
};

struct gw__checked_service {
    struct gw__checked_instance *instances; /* as many as the config's service has */
    int pool_idle;                          /* per worker and instance */
    int64_t pool_keep_alive_ms, connect_ms;
    struct gw_option *settings;             /* all of them, completed; NULL if one is wrong */
};

struct gw__checked_route {
    int priority;
    struct gw__limits limits;
    struct gw__timeouts timeouts;
};

/* The config's values, checked; the arrays are as long as the config's. */
struct gw__checked {
    int workers; /* 0: not said */
    enum gw_log_level log_level;
    const char *admin_socket;       /* NULL: none */
    bool has_idl;                   /* said, be it wrong */
    const char *idl_folder;         /* NULL: none. Also there if other settings are wrong */
    const char *idl_origin;         /* where the config names it; "" if unknown */
    int64_t memory_bytes;           /* 0: no limit */
    const struct gw_option *plugins; /* a list of strings; NULL: none. Also there if other settings are wrong */
    struct gw__limits limits;
    struct gw__timeouts timeouts;
    struct gw__http_options http;
    struct gw__checked_listener *listeners;
    struct gw__checked_service *services;
    struct gw__checked_route *routes;
    struct gw_option *top, *plugin_group, *idl_group; /* completed settings of the top level, all and one each */
    size_t service_count, listener_count;
};

/* Adds all errors to the report, the config's own first, and goes on where one can. Values are complete only if the
 * report is not bad; where the report is `lost`, even names in the config may be NULL. finish in any case. */
void gw__config_check(struct gw__checked *out, const struct gw_config *config, struct gw__report *report);
void gw__checked_finish(struct gw__checked *checked);

#endif
