/* The writer thread. A worker appends a line to its file's current chunk under the file's own mutex,
 * which only the writer contends for, to swap the chunk out: about 20 ns. Chunks are written when they
 * are full and twice a second. No lock is held while a disk is waited for. Lock order: writer, then
 * file, then pool. Only the holder of a pass (the thread, or destroy once it has ended) frees sinks and
 * files, so it may use them without the lock. */
#include "server/writer.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "server/sink.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum {
    FLUSH_MS = 500,
    BACKLOG_CHUNKS = 8 * 1024 * 1024 / GW__CHUNK_BYTES,
    POOL_CHUNKS = 8, /* free ones that are kept */
};

struct gw_log_file {
    struct gw_log_file *next;
    struct gw__writer *writer;
    struct gw__sink *sink;
    pthread_mutex_t lock; /* guards what follows */
    struct gw__chunk *current, *first, **last;
    uint64_t lost;
    bool closed;
};

struct gw__writer {
    pthread_mutex_t lock; /* guards all up to `pool` */
    pthread_cond_t wake;
    pthread_t thread;
    bool started, running, stop, due, reopen;
    gw_log_fn log;
    void *user;
    struct gw__sink *sinks;
    struct gw_log_file *files;

    pthread_mutex_t pool; /* guards the free chunks and their numbers */
    struct gw__chunk *free;
    unsigned free_chunks, used_chunks, max_chunks;

    _Atomic bool stopping;
    _Atomic uint64_t dropped;
};

static struct gw__chunk *chunk_get(struct gw__writer *writer)
{
    struct gw__chunk *chunk = NULL;
    pthread_mutex_lock(&writer->pool);
    bool allowed = writer->used_chunks < writer->max_chunks;
    if (allowed && (chunk = writer->free)) {
        writer->free = chunk->next;
        writer->free_chunks--;
    }
    if (allowed && !chunk)
        chunk = gw__malloc(sizeof *chunk);
    if (chunk)
        writer->used_chunks++;
    pthread_mutex_unlock(&writer->pool);
    if (chunk) {
        chunk->next = NULL;
        chunk->size = 0;
    }
    return chunk;
}

static void chunks_put(struct gw__writer *writer, struct gw__chunk *chunks)
{
    while (chunks) {
        struct gw__chunk *chunk = chunks;
        chunks = chunk->next;
        pthread_mutex_lock(&writer->pool);
        writer->used_chunks--;
        bool keep = writer->free_chunks < POOL_CHUNKS;
        if (keep) {
            chunk->next = writer->free;
            writer->free = chunk;
            writer->free_chunks++;
        }
        pthread_mutex_unlock(&writer->pool);
        if (!keep)
            gw__free(chunk);
    }
}

static void allow_chunks(struct gw__writer *writer, int more)
{
    pthread_mutex_lock(&writer->pool);
    writer->max_chunks += (unsigned)more;
    pthread_mutex_unlock(&writer->pool);
}

/* Under the file's lock. */
static void retire_current(struct gw_log_file *file)
{
    *file->last = file->current;
    file->last = &file->current->next;
    file->current = NULL;
}

/* Moves what a file has buffered to its sink. True if the file was closed, so this was its last. */
static bool collect(struct gw_log_file *file)
{
    pthread_mutex_lock(&file->lock);
    if (file->current)
        retire_current(file);
    if (file->first) {
        *file->sink->last = file->first;
        file->sink->last = file->last;
        file->first = NULL;
        file->last = &file->first;
    }
    file->sink->lost += file->lost;
    file->lost = 0;
    bool closed = file->closed;
    pthread_mutex_unlock(&file->lock);
    return closed;
}

/* Under the lock; returns the sinks there are. */
static struct gw__sink *collect_all(struct gw__writer *writer)
{
    for (struct gw_log_file **at = &writer->files; *at;) {
        struct gw_log_file *file = *at;
        if (!collect(file)) {
            at = &file->next;
            continue;
        }
        *at = file->next;
        file->sink->holders--;
        pthread_mutex_destroy(&file->lock);
        gw__free(file);
        allow_chunks(writer, -1);
    }
    for (struct gw__sink *sink = writer->sinks; sink; sink = sink->next)
        sink->reopen |= writer->reopen;
    writer->reopen = false;
    return writer->sinks;
}

static void drop_unused_sinks(struct gw__writer *writer)
{
    struct gw__sink *unused = NULL;
    pthread_mutex_lock(&writer->lock);
    for (struct gw__sink **at = &writer->sinks; *at;) {
        struct gw__sink *sink = *at;
        if (sink->holders) {
            at = &sink->next;
            continue;
        }
        *at = sink->next;
        sink->next = unused;
        unused = sink;
    }
    pthread_mutex_unlock(&writer->lock);
    while (unused) {
        struct gw__sink *sink = unused;
        unused = sink->next;
        gw__sink_destroy(sink);
    }
}

/* Writes all that is buffered. Called without the lock. New sinks are put in front of those collected,
 * and nobody else takes one away, so the row from `sinks` on stays as it is. */
static void pass(struct gw__writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    struct gw__sink_context context = {writer->log, writer->user, &writer->stopping, &writer->dropped};
    struct gw__sink *sinks = collect_all(writer);
    pthread_mutex_unlock(&writer->lock);
    for (struct gw__sink *sink = sinks; sink; sink = sink->next) {
        gw__sink_write(sink, &context);
        chunks_put(writer, sink->first);
        sink->first = NULL;
        sink->last = &sink->first;
    }
    drop_unused_sinks(writer);
}

static void wait_for_work(struct gw__writer *writer)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += FLUSH_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!writer->due && !writer->stop)
        if (pthread_cond_timedwait(&writer->wake, &writer->lock, &until) == ETIMEDOUT)
            break;
    writer->due = false;
}

static void *run(void *argument)
{
    struct gw__writer *writer = argument;
    for (bool stop = false; !stop;) {
        pthread_mutex_lock(&writer->lock);
        wait_for_work(writer);
        stop = writer->stop;
        pthread_mutex_unlock(&writer->lock);
        pass(writer);
    }
    return NULL;
}

/* Under the lock. The host's signals are not for this thread; SIGPIPE stays blocked in it. */
static bool make_thread(struct gw__writer *writer)
{
    int error = gw__thread_create(&writer->thread, run, writer);
    if (error) {
        errno = error;
        return false;
    }
    pthread_setname_np(writer->thread, "gw-writer");
    writer->running = true;
    return true;
}

static void wake(struct gw__writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->due = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

struct gw__writer *gw__writer_create(void)
{
    struct gw__writer *writer = gw__calloc(1, sizeof *writer);
    if (!writer)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_mutex_init(&writer->pool, NULL);
    writer->max_chunks = BACKLOG_CHUNKS;
    return writer;
}

int gw__writer_start(struct gw__writer *writer, gw_log_fn log, void *user)
{
    pthread_mutex_lock(&writer->lock);
    writer->log = log;
    writer->user = user;
    writer->started = writer->running || !writer->files || make_thread(writer);
    int result = writer->started ? 0 : GW_ERROR_SYSTEM;
    pthread_mutex_unlock(&writer->lock);
    return result;
}

void gw__writer_stop(struct gw__writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool running = writer->running;
    writer->started = false;
    writer->stop = true;
    atomic_store(&writer->stopping, true);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    if (running)
        pthread_join(writer->thread, NULL);
    pthread_mutex_lock(&writer->lock);
    writer->running = writer->stop = false;
    atomic_store(&writer->stopping, false);
    pthread_mutex_unlock(&writer->lock);
}

/* The last pass, on the caller's thread: a SIGPIPE of ours must not reach the host. */
static void last_pass(struct gw__writer *writer)
{
    sigset_t broken_pipe, before, pending;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    atomic_store(&writer->stopping, true);
    pass(writer);
    if (!sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&broken_pipe, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void gw__writer_destroy(struct gw__writer *writer)
{
    if (!writer)
        return;
    gw__writer_stop(writer);
    for (struct gw_log_file *file = writer->files; file; file = file->next)
        file->closed = true;
    last_pass(writer);
    while (writer->free) {
        struct gw__chunk *chunk = writer->free;
        writer->free = chunk->next;
        gw__free(chunk);
    }
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->lock);
    pthread_mutex_destroy(&writer->pool);
    gw__free(writer);
}

void gw__writer_reopen(struct gw__writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->reopen = true;
    pthread_mutex_unlock(&writer->lock);
    wake(writer);
}

uint64_t gw__writer_dropped(struct gw__writer *writer)
{
    return atomic_load(&writer->dropped);
}

/* Under the lock. The sink of a path, held once more; NULL when out of memory. */
static struct gw__sink *hold_sink(struct gw__writer *writer, const char *path)
{
    struct gw__sink *sink = writer->sinks;
    while (sink && strcmp(sink->path, path) != 0)
        sink = sink->next;
    if (!sink) {
        sink = gw__sink_create(path);
        if (!sink)
            return NULL;
        sink->next = writer->sinks;
        writer->sinks = sink;
    }
    sink->holders++;
    return sink;
}

/* Under the lock. Puts a file behind the others, so that the lines of one from before a reload come
 * first, and makes the thread if it should be running. */
static int add_file(struct gw__writer *writer, struct gw_log_file *file, const char *path)
{
    file->sink = hold_sink(writer, path);
    if (!file->sink)
        return ENOMEM;
    if (writer->started && !writer->running && !make_thread(writer)) {
        file->sink->holders--;
        return errno;
    }
    struct gw_log_file **end = &writer->files;
    while (*end)
        end = &(*end)->next;
    *end = file;
    return 0;
}

struct gw_log_file *gw__log_file_open(struct gw__writer *writer, const char *path)
{
    int error = gw__sink_probe(path);
    struct gw_log_file *file = error ? NULL : gw__calloc(1, sizeof *file);
    if (!file) {
        errno = error ? error : ENOMEM;
        return NULL;
    }
    file->writer = writer;
    file->last = &file->first;
    pthread_mutex_init(&file->lock, NULL);
    pthread_mutex_lock(&writer->lock);
    error = add_file(writer, file, path);
    pthread_mutex_unlock(&writer->lock);
    if (error) {
        pthread_mutex_destroy(&file->lock);
        gw__free(file);
        errno = error;
        return NULL;
    }
    allow_chunks(writer, 1);
    return file;
}

void gw_log_file_close(struct gw_log_file *file)
{
    if (!file)
        return;
    struct gw__writer *writer = file->writer;
    pthread_mutex_lock(&file->lock);
    file->closed = true;
    pthread_mutex_unlock(&file->lock);
    wake(writer); /* from here on the file is gone */
}

/* As many chunks as `size` bytes need, or NULL. */
static struct gw__chunk *chunks_for(struct gw__writer *writer, size_t size)
{
    struct gw__chunk *chunks = NULL;
    for (size_t room = 0; room < size; room += sizeof chunks->data) {
        struct gw__chunk *chunk = chunk_get(writer);
        if (!chunk) {
            chunks_put(writer, chunks);
            return NULL;
        }
        chunk->next = chunks;
        chunks = chunk;
    }
    return chunks;
}

static void append(struct gw__chunk *chunk, const char *data, size_t size)
{
    memcpy(chunk->data + chunk->size, data, size);
    chunk->size += size;
}

/* Begins a chunk with the lines; more than one only for what is larger than a chunk. Lines are never
 * split over two chunks otherwise: others write to the same file. */
static bool append_anew(struct gw_log_file *file, const char *data, size_t size)
{
    struct gw__chunk *chunks = chunks_for(file->writer, size);
    if (!chunks)
        return false;
    while (chunks) {
        struct gw__chunk *chunk = chunks;
        chunks = chunk->next;
        chunk->next = NULL;
        if (file->current)
            retire_current(file);
        size_t piece = size < sizeof chunk->data ? size : sizeof chunk->data;
        append(chunk, data, piece);
        data += piece;
        size -= piece;
        file->current = chunk;
    }
    return true;
}

int gw_log_file_write(struct gw_log_file *file, const void *data, size_t size)
{
    struct gw__writer *writer = file->writer;
    bool kept = true;
    pthread_mutex_lock(&file->lock);
    struct gw__chunk **end = file->last;
    if (file->current && size <= sizeof file->current->data - file->current->size)
        append(file->current, data, size);
    else if (size)
        kept = append_anew(file, data, size);
    if (!kept)
        file->lost += gw__count_lines(data, size);
    bool full = file->last != end;
    pthread_mutex_unlock(&file->lock);
    if (!kept)
        atomic_fetch_add(&writer->dropped, gw__count_lines(data, size));
    if (full)
        wake(writer);
    return kept ? 0 : -1;
}
