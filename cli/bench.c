/* call --bench: the same call again and again on several connections, by one thread. Times are counted in a histogram
 * of 64 steps to each doubling, so a percentile is exact to 1.6 %. */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 64, DOUBLINGS = 36, EVENTS = 256, READ_BYTES = 64 << 10 };

struct connection {
    int fd;
    size_t sent;
    int64_t begun_ns;
    struct http_reader reader;
};

struct bench {
    const char *socket;
    const struct bytes *request;
    struct call_outcome *outcome;
    struct connection *connections;
    int epoll, count;
    bool broken; /* can't connect */
    int64_t end_ns;
    unsigned long calls, ok, broken_off;
    int64_t longest_ns;
    unsigned long times[STEPS * DOUBLINGS];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Exact below 2 * STEPS, then STEPS for each doubling. */
static size_t slot_of(int64_t ns)
{
    unsigned shift = 0;
    while (ns >> shift >= 2 * STEPS)
        shift++;
    size_t slot = (size_t)shift * STEPS + (size_t)(ns >> shift);
    return slot < STEPS * DOUBLINGS ? slot : STEPS * DOUBLINGS - 1;
}

static double time_of(size_t slot)
{
    size_t shift = slot < 2 * STEPS ? 0 : slot / STEPS - 1;
    return (double)((slot - shift * STEPS + 1) << shift);
}

/* In ms. */
static double percentile(const struct bench *bench, double share)
{
    unsigned long wanted = (unsigned long)(share * (double)bench->calls), seen = 0;
    for (size_t i = 0; i < STEPS * DOUBLINGS; i++)
        if ((seen += bench->times[i]) > wanted)
            return (time_of(i) < (double)bench->longest_ns ? time_of(i) : (double)bench->longest_ns) / 1e6;
    return (double)bench->longest_ns / 1e6;
}

/* ---- */

static void send_rest(struct bench *bench, struct connection *connection)
{
    const struct bytes *request = bench->request;
    while (connection->sent < request->size) {
        ssize_t sent = send(connection->fd, request->data + connection->sent, request->size - connection->sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return; /* full, or an answer or the end comes */
        connection->sent += (size_t)sent;
    }
}

static void begin(struct bench *bench, struct connection *connection)
{
    connection->begun_ns = now_ns();
    connection->sent = 0;
    send_rest(bench, connection);
}

static void start(struct bench *bench, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    connection->fd = http_connect(bench->socket, 0);
    if (connection->fd < 0 || epoll_ctl(bench->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0) {
        bench->broken = true;
        fprintf(stderr, "gwctl call: can't connect: %s\n", strerror(errno));
        return;
    }
    begin(bench, connection);
}

/* The code stands in Proxy-Status: details="GW4221". */
static void count_code(struct bench *bench, const struct http_reader *reader)
{
    static const char key[] = "details=\"";
    const char *found = strstr(reader->head.data, key);
    char name[8] = "";
    if (found)
        sscanf(found + sizeof key - 1, "%7[A-Z0-9]", name);
    pthread_mutex_lock(&bench->outcome->lock);
    struct call_code *code = call_find_code(bench->outcome, name);
    if (code)
        code->count++;
    pthread_mutex_unlock(&bench->outcome->lock);
}

/* The call is over. again: its connection can be used for the next one. */
static void end(struct bench *bench, struct connection *connection, bool again)
{
    struct http_reader *reader = &connection->reader;
    int64_t took = now_ns() - connection->begun_ns;
    bool complete = reader->state == HTTP_DONE;
    bench->calls++;
    if (complete && reader->status / 100 == 2)
        bench->ok++;
    else if (complete)
        count_code(bench, reader);
    bench->broken_off += !complete;
    bench->times[slot_of(took)]++;
    bench->longest_ns = took > bench->longest_ns ? took : bench->longest_ns;
    again = again && complete && !reader->closes;
    reader->head.size = 0;
    *reader = (struct http_reader){.head = reader->head};
    if (again) {
        begin(bench, connection);
        return;
    }
    close(connection->fd);
    start(bench, connection);
}

static void receive(struct bench *bench, struct connection *connection)
{
    char piece[READ_BYTES];
    for (;;) {
        ssize_t count = recv(connection->fd, piece, sizeof piece, MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (count <= 0) {
            end(bench, connection, false);
            return;
        }
        http_read(&connection->reader, piece, (size_t)count);
        if (connection->reader.state >= HTTP_DONE) {
            end(bench, connection, true);
            if (bench->broken || now_ns() >= bench->end_ns)
                return;
        }
    }
}

static void run(struct bench *bench)
{
    struct epoll_event events[EVENTS];
    for (int64_t left; !bench->broken && (left = bench->end_ns - now_ns()) > 0;) {
        int count = epoll_wait(bench->epoll, events, EVENTS, (int)(left / 1000000) + 1);
        for (int i = 0; i < count && !bench->broken; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                send_rest(bench, connection);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(bench, connection);
        }
    }
}

/* ---- */

static int report(struct bench *bench, double seconds)
{
    static const struct {
        const char *name;
        double share;
    } lines[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
    int code = bench->calls && !bench->broken_off && !bench->broken ? EXIT_OK : EXIT_FAILED;
    printf("calls    %lu in %.2f s, %.0f a second\n", bench->calls, seconds, (double)bench->calls / seconds);
    printf("ok       %lu\n", bench->ok);
    if (bench->broken_off)
        printf("cut      %lu\n", bench->broken_off);
    pthread_mutex_lock(&bench->outcome->lock);
    for (size_t i = 0; i < bench->outcome->code_count; i++) {
        const struct call_code *each = &bench->outcome->codes[i];
        if (!each->count)
            continue;
        printf("%-8s %lu  %s\n", each->code, each->count, each->example ? each->example : "");
        code = call_exit_code(each->code) == EXIT_EXCEPTION && code != EXIT_FAILED ? EXIT_EXCEPTION : EXIT_FAILED;
    }
    pthread_mutex_unlock(&bench->outcome->lock);
    printf("ms      ");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        printf(" %s %.3f", lines[i].name, percentile(bench, lines[i].share));
    printf(" max %.3f\n", (double)bench->longest_ns / 1e6);
    return code;
}

int call_bench(const struct call_plan *plan, const char *socket, const struct bytes *request,
               struct call_outcome *outcome)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct connection *connections = calloc((size_t)plan->connections, sizeof *connections);
    int code = EXIT_FAILED;
    if (bench && connections) {
        *bench = (struct bench){.socket = socket, .request = request, .outcome = outcome,
                                .connections = connections, .epoll = epoll_create1(EPOLL_CLOEXEC),
                                .count = plan->connections};
        call_forget(outcome); /* the first call was no part of it */
        int64_t begun = now_ns();
        bench->end_ns = begun + (int64_t)(plan->bench_seconds * 1e9);
        for (int i = 0; i < bench->count && !bench->broken; i++)
            start(bench, &connections[i]);
        run(bench);
        code = report(bench, (double)(now_ns() - begun) / 1e9);
        for (int i = 0; i < bench->count; i++) {
            if (connections[i].fd > 0)
                close(connections[i].fd);
            bytes_free(&connections[i].reader.head);
        }
        close(bench->epoll);
    } else {
        fprintf(stderr, "gwctl call: out of memory\n");
    }
    free(connections);
    free(bench);
    return code;
}
