/* Log files that never block a worker: lines are buffered and written by the server's writer thread. */
#ifndef GATEWAY_LOG_H
#define GATEWAY_LOG_H

#include <gateway/export.h>
#include <stddef.h>
#include <stdint.h>

GW_BEGIN_DECLS

struct gw_server;
struct gw_log_file;

/* Opens a file for appending ("-": standard output; relative paths as they are) for use by one filter
 * instance, that is one worker. Instances that open the same path share the descriptor. NULL if it can't be
 * opened (errno). Call in create(), close in destroy(). */
GW_API struct gw_log_file *gw_log_file_open(struct gw_server *server, const char *path);
/* Flushes and lets go. NULL is allowed. */
GW_API void gw_log_file_close(struct gw_log_file *file);
/* Appends bytes, whole lines, to the buffer; never blocks. They reach the file within a second. When
 * the writer is more than 8 MiB behind, the bytes are dropped and counted. Returns 0 or -1 (dropped). */
GW_API int gw_log_file_write(struct gw_log_file *file, const void *data, size_t size);

GW_END_DECLS
#endif
