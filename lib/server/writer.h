/* Writer: the one thread of a server that waits for disks. What workers log is buffered in a file
 * handle of their own and written here; see <gateway/log.h>. Also works before the thread runs (lines
 * are kept) and when it never does (destroy writes them). */
#ifndef GW_SERVER_WRITER_H
#define GW_SERVER_WRITER_H

#include <gateway/error.h>
#include <gateway/log.h>
#include <stddef.h>
#include <stdint.h>

struct gw__writer;

/* A writer without a thread; NULL when out of memory. */
struct gw__writer *gw__writer_create(void);
/* From now on lines are written as they come; the thread itself is only made once a file is open. `log`
 * (may be NULL) is told, on the writer's thread, when a file can't be written and when it can again.
 * Returns 0 or GW_ERROR_SYSTEM. */
int gw__writer_start(struct gw__writer *writer, gw_log_fn log, void *user);
/* Writes everything and ends the thread. A pipe that nobody reads is given up after a second. Lines may
 * still come; they are kept until start or destroy. */
void gw__writer_stop(struct gw__writer *writer);
/* Stops, writes what is left, frees; all files must be closed, or are lost with it. NULL is allowed. */
void gw__writer_destroy(struct gw__writer *writer);
/* Opens every file anew by name, after writing what came before. Any thread; returns at once. */
void gw__writer_reopen(struct gw__writer *writer);
/* Lines that were dropped so far, in all files: the disk was full, or the writer behind. */
uint64_t gw__writer_dropped(struct gw__writer *writer);

/* What gw_log_file_open() does, for a writer. Creates no file as long as nothing is written to it, so that a
 * config can be checked without a trace. NULL with errno if it could not be written, or memory is out. */
struct gw_log_file *gw__log_file_open(struct gw__writer *writer, const char *path);

/* The writer of a server; in server.c. */
struct gw__writer *gw__server_writer(struct gw_server *server);

#endif
