/* Sink: a file that log lines go to, under the writer alone (its thread, or destroy). It drops what it
 * can't write rather than wait for room on a disk, and says so once. */
#ifndef GW_SERVER_SINK_H
#define GW_SERVER_SINK_H

#include <gateway/error.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GW__CHUNK_BYTES (64 * 1024)

/* Buffered lines on their way to a sink. */
struct gw__chunk {
    struct gw__chunk *next;
    size_t size;
    char data[GW__CHUNK_BYTES - 2 * sizeof(void *)];
};

struct gw__sink {
    struct gw__sink *next;
    struct gw__chunk *first, **last; /* to be written in this pass */
    char *path;
    int fd;           /* -1: not opened yet */
    unsigned holders; /* open files; guarded by the writer's lock */
    bool failing;     /* reported, not yet recovered */
    bool torn;        /* the file ends in the middle of a line */
    bool reopen;
    uint64_t dropped; /* lines since it fails */
    uint64_t lost;    /* lines that never came here, because the writer is behind; not reported yet */
};

/* Where a sink's complaints go, and what makes it hurry. */
struct gw__sink_context {
    gw_log_fn log;
    void *user;
    _Atomic bool *stopping; /* give up a pipe that nobody reads after a second */
    _Atomic uint64_t *dropped;
};

/* 0, or an errno value: could the path be opened for appending? Creates nothing. */
int gw__sink_probe(const char *path);
struct gw__sink *gw__sink_create(const char *path); /* NULL when out of memory */
void gw__sink_destroy(struct gw__sink *sink);
/* Writes, or drops, everything from `first` on, which stays there for the caller to free; then opens the
 * file anew if asked. */
void gw__sink_write(struct gw__sink *sink, const struct gw__sink_context *context);
uint64_t gw__count_lines(const char *data, size_t size);

#endif
