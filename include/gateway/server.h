/* Server: one gateway with its listeners, workers, keeper and current table. Several may live in one
 * process. Unless a call says otherwise it is made by the thread that owns the server. */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include <gateway/config.h>
#include <gateway/error.h>
#include <gateway/export.h>

GW_BEGIN_DECLS

struct event_base;
struct gw_server;
struct gw_filter_type;
struct gw_endpoint_type;
struct gw_predicate_type;

/* A server with nothing in it; NULL when memory is out. */
GW_API struct gw_server *gw_server_create(void);
/* Stops at once if it runs, and gives back every byte, thread and descriptor. NULL is allowed. Plugin
 * objects stay mapped. On a host's own loop: call between its callbacks. */
GW_API void gw_server_destroy(struct gw_server *server);

/* Where diagnostics go; without it they go nowhere. Before start. */
GW_API void gw_server_set_log(struct gw_server *server, gw_log_fn log, void *user);

/* Registers a type written in the same program, as if it were built in; `user` is what
 * gw_filter_user(), … return. The type is copied (its strings and tables are not). Before the config
 * that names it is applied. Returns 0 or GW_ERROR_CONFIG (name taken, size nonsense). */
GW_API int gw_server_add_filter_type(struct gw_server *server, const struct gw_filter_type *type, void *user);
GW_API int gw_server_add_endpoint_type(struct gw_server *server, const struct gw_endpoint_type *type, void *user);
GW_API int gw_server_add_predicate_type(struct gw_server *server, const struct gw_predicate_type *type, void *user);

/* Compiles a config and puts it in force whole, or refuses and leaves everything as it was; both
 * before and after start (then it is the reload: requests in flight finish on the old table, kept
 * listeners and connection pools stay). Binds new listeners before it swaps. Any thread but a worker's,
 * also while the server runs (then the keeper does it, one after the other). Returns 0, GW_ERROR_CONFIG,
 * _SYSTEM, _MEMORY, or _STATE for a changed number of workers, which needs a restart, and once the server
 * stops; gw_server_error() has the text. */
GW_API int gw_server_apply(struct gw_server *server, const struct gw_config *config);
/* The same checks without binding or changing anything. */
GW_API int gw_server_check(struct gw_server *server, const struct gw_config *config);
/* Text of the last failure, one error a line, or "". Valid until the next call on this server. */
GW_API const char *gw_server_error(const struct gw_server *server);

/* Runs the workers and the keeper as threads; returns once they serve. */
GW_API int gw_server_start(struct gw_server *server);
/* Runs one worker, which is the keeper too, on the host's loop; `base` is borrowed and must outlive the
 * server. All other calls are then made on the thread of that loop. Refuses a config that asks for
 * more than one worker. */
GW_API int gw_server_attach(struct gw_server *server, struct event_base *base);
/* Stops accepting and lets requests in flight finish for at most `drain_ms`, then cuts the rest. After
 * gw_server_start() it returns when the threads have ended. On a host's loop it returns at once:
 * gw_server_stopped() tells when nothing is left. While it stops it may be called again, on any thread:
 * the deadline that comes first holds, and that call returns at once. */
GW_API void gw_server_stop(struct gw_server *server, int drain_ms);
GW_API bool gw_server_stopped(const struct gw_server *server);

/* Port of the index-th listener as bound, or -1. After the config was applied. */
GW_API int gw_server_port(const struct gw_server *server, size_t index);
/* The index-th listener as bound ("127.0.0.1:8080", "[::1]:80", "unix:/run/x"), or NULL. Valid until the next
 * call on this server. */
GW_API const char *gw_server_address(const struct gw_server *server, size_t index);

/* Called by gw_server_reload(), on the keeper's thread: makes a config and applies it. Returns what
 * gw_server_apply() returned, or GW_ERROR_CONFIG after gw_server_refuse(). */
typedef int (*gw_reload_fn)(struct gw_server *server, void *user);
GW_API void gw_server_set_reload(struct gw_server *server, gw_reload_fn reload, void *user);
/* Runs the reload function and returns its result; any thread but a worker's. POST /reload of the admin API does the
 * same. GW_ERROR_STATE where none is set. */
GW_API int gw_server_reload(struct gw_server *server);
/* The reference of all types the server knows and of all settings, as lines of Markdown without newline. Headings are
 * "## Settings", "### filter `NAME`", "### endpoint `NAME`", "### predicate `NAME`". Returns 0 or GW_ERROR_MEMORY. */
GW_API int gw_server_describe(const struct gw_server *server, void (*line)(void *user, const char *text), void *user);
/* Makes log files be opened anew by name (after a rotation). Any thread. */
GW_API void gw_server_reopen_logs(struct gw_server *server);

GW_END_DECLS
#endif
