/* Writing log lines to a file, pipe or terminal. Regular files are written in one go. Anything else may
 * block for ever, so it is asked with poll() first and written in pieces that a pipe with room takes
 * whole: the thread can always be stopped. After a failure a line may be torn; the next one then
 * begins with a newline, so that at most that line is spoilt. */
#include "server/sink.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POLL_MS = 100, GRACE_MS = 1000 };

static void say(const struct gw__sink_context *context, enum gw_log_level level, const char *path, const char *what,
                uint64_t lines)
{
    char text[512];
    snprintf(text, sizeof text, "log file %.300s: %s (%llu lines dropped)", path, what, (unsigned long long)lines);
    if (context->log)
        context->log(context->user, level, text);
}

int gw__sink_probe(const char *path)
{
    if (strcmp(path, "-") == 0)
        return 0;
    struct stat status;
    if (stat(path, &status) == 0)
        return S_ISDIR(status.st_mode) ? EISDIR : access(path, W_OK) < 0 ? errno : 0;
    if (errno != ENOENT)
        return errno;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? gw__strndup(path, slash == path ? 1 : (size_t)(slash - path)) : gw__strdup(".");
    if (!folder)
        return ENOMEM;
    int result = !*path || (slash && !slash[1]) ? ENOENT : access(folder, W_OK | X_OK) < 0 ? errno : 0;
    gw__free(folder);
    return result;
}

struct gw__sink *gw__sink_create(const char *path)
{
    struct gw__sink *sink = gw__calloc(1, sizeof *sink);
    if (!sink)
        return NULL;
    sink->fd = -1;
    sink->last = &sink->first;
    sink->path = gw__strdup(path);
    if (sink->path)
        return sink;
    gw__free(sink);
    return NULL;
}

static void close_fd(struct gw__sink *sink)
{
    if (sink->fd > STDOUT_FILENO || (sink->fd >= 0 && strcmp(sink->path, "-") != 0))
        close(sink->fd);
    sink->fd = -1;
}

void gw__sink_destroy(struct gw__sink *sink)
{
    if (!sink)
        return;
    close_fd(sink);
    gw__free(sink->path);
    gw__free(sink);
}

/* O_NONBLOCK: a fifo without a reader fails with ENXIO instead of waiting for one. */
static int open_path(const char *path)
{
    if (strcmp(path, "-") == 0)
        return STDOUT_FILENO;
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

static bool wait_for_room(int fd, const struct gw__sink_context *context)
{
    for (int waited_ms = 0;;) {
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        if (poll(&room, 1, POLL_MS) > 0)
            return true;
        if (!atomic_load(context->stopping))
            continue;
        waited_ms += POLL_MS;
        if (waited_ms >= GRACE_MS)
            return false;
    }
}

/* 0, or the errno value of what went wrong; *done tells how much was written. */
static int write_all(int fd, const char *data, size_t size, size_t *done, const struct gw__sink_context *context)
{
    struct stat status;
    bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    while (*done < size) {
        size_t piece = size - *done;
        if (!regular && !wait_for_room(fd, context))
            return ETIMEDOUT;
        if (!regular && piece > PIPE_BUF)
            piece = PIPE_BUF;
        ssize_t written = write(fd, data + *done, piece);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return errno;
        if (written > 0)
            *done += (size_t)written;
    }
    return 0;
}

uint64_t gw__count_lines(const char *data, size_t size)
{
    uint64_t lines = 0;
    for (const char *end = data + size; (data = memchr(data, '\n', (size_t)(end - data))); data++)
        lines++;
    return lines;
}

static void drop(struct gw__sink *sink, uint64_t lines, const struct gw__sink_context *context)
{
    sink->dropped += lines;
    atomic_fetch_add(context->dropped, lines);
}

static int write_chunk(struct gw__sink *sink, const struct gw__chunk *chunk, const struct gw__sink_context *context)
{
    size_t done = 0, newline = 0;
    int error = 0;
    if (sink->fd < 0 && (sink->fd = open_path(sink->path)) < 0)
        error = errno;
    if (!error && sink->torn)
        error = write_all(sink->fd, "\n", 1, &newline, context);
    if (!error) {
        sink->torn = false;
        error = write_all(sink->fd, chunk->data, chunk->size, &done, context);
    }
    if (error) {
        sink->torn = sink->torn || (done > 0 && chunk->data[done - 1] != '\n');
        drop(sink, gw__count_lines(chunk->data + done, chunk->size - done), context);
    }
    return error;
}

static void reopen(struct gw__sink *sink, const struct gw__sink_context *context)
{
    sink->reopen = false;
    if (sink->fd < 0 || strcmp(sink->path, "-") == 0)
        return;
    int fd = open_path(sink->path);
    if (fd < 0) {
        say(context, GW_LOG_ERROR, sink->path, strerror(errno), sink->dropped);
        return;
    }
    close(sink->fd);
    sink->fd = fd;
    sink->torn = false;
}

static void report_lost(struct gw__sink *sink, const struct gw__sink_context *context)
{
    sink->dropped += sink->lost;
    sink->lost = 0;
    if (!sink->failing)
        say(context, GW_LOG_ERROR, sink->path, "more than 8 MiB wait to be written", sink->dropped);
    sink->failing = true;
}

void gw__sink_write(struct gw__sink *sink, const struct gw__sink_context *context)
{
    int error = 0;
    for (const struct gw__chunk *chunk = sink->first; chunk; chunk = chunk->next) {
        if (error)
            drop(sink, gw__count_lines(chunk->data, chunk->size), context);
        else
            error = write_chunk(sink, chunk, context);
    }
    if (error && !sink->failing) {
        sink->failing = true;
        say(context, GW_LOG_ERROR, sink->path, strerror(error), sink->dropped);
    } else if (!error && sink->first && sink->failing && !sink->lost) {
        say(context, GW_LOG_WARNING, sink->path, "is written again", sink->dropped);
        sink->failing = false;
        sink->dropped = 0;
    }
    if (sink->lost)
        report_lost(sink, context);
    if (sink->reopen)
        reopen(sink, context);
}
