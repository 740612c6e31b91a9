/* Config: what a server shall be, built by calls or read from a file, then applied whole.
 *
 * No call needs its result checked: every one accepts NULL for the object it works on, and the first
 * problem (with where it came from) is kept until gw_server_apply() reports it, together with all
 * others. A config is used by one thread at a time and may be destroyed after it was applied. */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include <gateway/export.h>
#include <gateway/option.h>

GW_BEGIN_DECLS

struct gw_config;
struct gw_listener;
struct gw_service;
struct gw_route;

/* Options given to these calls are borrowed (copied), except the one-use GW_VALUE and GW_OPTIONS. */
GW_API struct gw_config *gw_config_create(void);
GW_API void gw_config_destroy(struct gw_config *config);

/* Origin ("file:line") of the objects added by the next calls, for error messages. Copied. */
GW_API void gw_config_set_origin(struct gw_config *config, const char *origin);
/* Adds an error of the caller's own, which makes gw_server_apply() refuse. `code` is "GW1001". */
GW_API void gw_config_add_error(struct gw_config *config, const char *origin, const char *code, const char *format, ...)
    GW_PRINTF(4, 5);

/* A top-level key: workers, admin, limits, timeouts, plugins, … with the names and forms of the config
 * file; doc/reference.md has the table. The last value of a key wins. */
GW_API void gw_config_set(struct gw_config *config, const char *key, const struct gw_option *value);
/* gw_config_set() of `idl`: the folder of the *.thrift files that describe RPC services; relative to the working
 * directory. It is read whenever the config is applied. */
GW_API void gw_config_set_idl_folder(struct gw_config *config, const char *folder);
/* The value of a top-level key as it was given, unchecked, or NULL. Belongs to the config. */
GW_API const struct gw_option *gw_config_get(const struct gw_config *config, const char *key);

/* Listen at "host:port", "[v6]:port", ":port" (all of IPv4) or "unix:/path". Port 0 takes any: gw_server_port(). */
GW_API struct gw_listener *gw_config_listen(struct gw_config *config, const char *address);
GW_API void gw_listener_set(struct gw_listener *listener, const char *key, const struct gw_option *value);

GW_API struct gw_service *gw_config_add_service(struct gw_config *config, const char *name);
/* An instance at "host:port" or "unix:/path"; options (NULL: none) as in the config: weight. */
GW_API void gw_service_add_instance(struct gw_service *service, const char *address, const struct gw_option *options);
GW_API void gw_service_set(struct gw_service *service, const char *key, const struct gw_option *value);

/* Stages around everything, routing included, and filters for all routes, in the order of the calls. */
GW_API void gw_config_add_decorator(struct gw_config *config, const char *type, const struct gw_option *options);
GW_API void gw_config_add_filter(struct gw_config *config, const char *type, const struct gw_option *options);

/* A route: all its predicates must match; its filters run in the order added, then its endpoint. */
GW_API struct gw_route *gw_config_add_route(struct gw_config *config, const char *id);
GW_API void gw_route_add_predicate(struct gw_route *route, const char *type, const struct gw_option *options);
GW_API void gw_route_add_filter(struct gw_route *route, const char *type, const struct gw_option *options);
GW_API void gw_route_set_endpoint(struct gw_route *route, const char *type, const struct gw_option *options);
GW_API void gw_route_set(struct gw_route *route, const char *key, const struct gw_option *value);

/* Reads a libconfig file into the config, by the calls above. Returns 0, or GW_ERROR_CONFIG with the
 * errors kept in the config. Relative paths in it are relative to the file. */
GW_API int gw_config_read_file(struct gw_config *config, const char *path);
/* The errors so far, one a line ("file:line: … [GWxxxx]"), or "". Lives until the next call. */
GW_API const char *gw_config_error(struct gw_config *config);

GW_END_DECLS
#endif
