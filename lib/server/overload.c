/* A stage is the higher one of memory's and descriptors'. The keeper mails it to the workers when it changes; they keep
 * it in their doors, where requests find it without an atomic. The admin API's door has none. */
#include "server/server.h"

#include "net/descriptors.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 1000
#define MEMORY_PERCENT 80

static const unsigned watermarks[] = {0, GW__WATERMARK_1, GW__WATERMARK_2, GW__WATERMARK_3};

/* A small file's text; "" if it can't be read. */
static const char *read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static int64_t resident_bytes(void)
{
    char text[128];
    long long pages = 0;
    if (sscanf(read_text("/proc/self/statm", text, sizeof text), "%*s %lld", &pages) != 1)
        return 0;
    return pages * sysconf(_SC_PAGESIZE);
}

int64_t gw__overload_default_memory(void)
{
    static const char *const groups[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    int64_t least = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        char text[64];
        int64_t limit = strtoll(read_text(groups[i], text, sizeof text), NULL, 10); /* "max": none */
        if (limit > 0 && limit < least)
            least = limit;
    }
    return least / 100 * MEMORY_PERCENT;
}

int64_t gw__overload_sockets(const struct gw_server *server)
{
    int64_t sockets = 0;
    for (unsigned i = 0; server->workers && i < server->worker_count; i++)
        sockets += atomic_load_explicit(&server->workers[i]->loop.sockets, memory_order_relaxed);
    return sockets;
}

static unsigned percent(int64_t used, int64_t limit)
{
    return limit <= 0 || used <= 0 ? 0 : used >= limit ? 100 : (unsigned)(used * 100 / limit);
}

/* The stage for so many percent, coming from `before`. */
static unsigned stage_of(unsigned used, unsigned before)
{
    unsigned stage = 3;
    while (stage && used < watermarks[stage] - (stage <= before ? GW__WATERMARK_GAP : 0))
        stage--;
    return stage;
}

static void announce(struct gw_server *server, unsigned memory, unsigned descriptors)
{
    static const char *const actions[] = {"is over", "1: connections are not kept", "2: new requests get 503",
                                          "3: no connections are accepted"};
    const struct gw__overload *overload = &server->overload;
    gw__server_log(server, overload->stage ? GW_LOG_WARNING : GW_LOG_INFO,
                   "overload %s%s (memory at %u %% of %lld bytes, descriptors at %u %% of %lld)",
                   overload->stage ? "stage " : "", actions[overload->stage], memory, (long long)overload->memory_limit,
                   descriptors, (long long)overload->descriptor_limit);
    for (unsigned i = 0; i < server->worker_count; i++)
        gw__worker_press(server->workers[i], overload->stage);
}

void gw__overload_look(struct gw_server *server)
{
    struct gw__overload *overload = &server->overload;
    if (overload->stage && overload->memory_limit)
        malloc_trim(0); /* or what was given back could stay resident, and the stage with it */
    overload->memory = resident_bytes();
    overload->descriptor_limit = gw__descriptors_look();
    overload->descriptors = overload->others + gw__overload_sockets(server);
    int64_t reserve = gw__descriptors_reserve(overload->descriptor_limit);
    unsigned memory = percent(overload->memory, overload->memory_limit);
    unsigned descriptors = percent(overload->descriptors, overload->descriptor_limit - reserve);
    unsigned stage = stage_of(memory > descriptors ? memory : descriptors, overload->stage);
    if (stage == overload->stage)
        return;
    overload->stage = stage;
    announce(server, memory, descriptors);
}

/* Workers only count: a flood costs a line a second. */
static void tell_refusals(struct gw_server *server)
{
    static const char *const texts[] = {"over limits.connections: closed", "over limits.client_connections: 429",
                                        "without memory: closed"};
    for (size_t why = 0; why < GW__REFUSALS; why++) {
        uint64_t now = 0, *told = &server->overload.refusals[why];
        for (unsigned i = 0; i < server->worker_count; i++)
            now += atomic_load_explicit(&server->workers[i]->context.counters.refusals[why], memory_order_relaxed);
        if (now > *told)
            gw__server_log(server, GW_LOG_WARNING, "refused connections: %llu %s", (unsigned long long)(now - *told),
                           texts[why]);
        *told = now;
    }
}

static void look_again(struct gw__timer *timer)
{
    struct gw_server *server = gw__container_of(timer, struct gw_server, overload.timer);
    if (pthread_mutex_trylock(&server->lock) == 0) { /* else a config is being applied, which looks itself */
        gw__overload_look(server);
        tell_refusals(server);
        pthread_mutex_unlock(&server->lock);
    }
    struct gw__loop *loop = &server->keeper->loop;
    gw__timer_set(loop, timer, gw__loop_ms(loop) + LOOK_MS);
}

void gw__overload_start(struct gw_server *server)
{
    server->overload.stage = 0; /* as the workers, which are new, have it */
    memset(server->overload.refusals, 0, sizeof server->overload.refusals);
    gw__overload_look(server);
    gw__timer_init(&server->overload.timer, look_again);
    gw__loop_enter(&server->keeper->loop);
    gw__timer_set(&server->keeper->loop, &server->overload.timer, gw__loop_ms(&server->keeper->loop) + LOOK_MS);
    gw__loop_leave(&server->keeper->loop);
}
