/* Upstream for measurements: one thread, epoll, keep-alive, answers made beforehand.
 *
 * GET /s, /m, /l answer 0.5, 2 and 100 KB, /wait 0.5 KB after 10 ms; GET /bytes/N answers N bytes; GET /count how many
 * requests came before it; any request with a body is read to its end (Content-Length or chunked) and answered with the
 * count of its bytes. "up PORT" (0: any) prints the port it listens on. It trusts its peers: what it does not understand
 * closes the connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_US 10000
#define SLAB (1 << 20)
#define INPUT (64 * 1024)

enum body { BODY_NONE, BODY_LENGTH, BODY_CHUNK_SIZE, BODY_CHUNK_DATA, BODY_CHUNK_END, BODY_TRAILERS };

struct connection {
    struct connection *next; /* of those that wait, the first to be answered first */
    uint64_t due_us;         /* 0: it does not wait */
    int fd;
    enum body body;
    bool writing;
    uint64_t body_left, body_seen, out_left;
    const char *out; /* head and first bytes still to send; then out_left bytes of the slab */
    size_t out_size;
    size_t held; /* bytes of an incomplete head or line in `hold` */
    char hold[8192];
    char answer[256];
};

struct ready {
    const char *path;
    size_t path_size, size;
    char *text;
};

static struct ready readies[3];
static struct connection *waiting, **waiting_end = &waiting;
static char slab[SLAB];
static char input[INPUT + 8192];
static int poller;
static unsigned long long answered;

static void *must(void *memory)
{
    if (!memory) {
        perror("up");
        exit(1);
    }
    return memory;
}

static void prepare(struct ready *ready, const char *path, size_t size)
{
    char head[256];
    int head_size = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nServer: up\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\n\r\n", size);
    *ready = (struct ready){path, strlen(path), (size_t)head_size + size, must(malloc((size_t)head_size + size))};
    memcpy(ready->text, head, (size_t)head_size);
    memcpy(ready->text + head_size, slab, size);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void wait_long(struct connection *c)
{
    c->due_us = now_us() + WAIT_US;
    c->next = NULL;
    *waiting_end = c;
    waiting_end = &c->next;
}

static void stop_waiting(struct connection *c)
{
    struct connection **place = &waiting;
    while (*place != c)
        place = &(*place)->next;
    *place = c->next;
    if (!*place)
        waiting_end = place;
    c->due_us = 0;
}

static void drop(struct connection *c)
{
    if (c->due_us)
        stop_waiting(c);
    close(c->fd);
    free(c);
}

static void watch(struct connection *c, bool writing)
{
    if (c->writing == writing)
        return;
    c->writing = writing;
    struct epoll_event event = {.events = writing ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Sends what is due; false when the peer is gone. */
static bool flush(struct connection *c)
{
    while (c->out_size || c->out_left) {
        const char *from = c->out_size ? c->out : slab;
        size_t size = c->out_size ? c->out_size : c->out_left < SLAB ? c->out_left : SLAB;
        ssize_t sent = send(c->fd, from, size, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN && (watch(c, true), true);
        if (c->out_size) {
            c->out += sent;
            c->out_size -= (size_t)sent;
        } else {
            c->out_left -= (uint64_t)sent;
        }
    }
    watch(c, false);
    return true;
}

static bool answer(struct connection *c, uint64_t slab_bytes, const char *text)
{
    int size = snprintf(c->answer, sizeof c->answer, "HTTP/1.1 200 OK\r\nServer: up\r\nContent-Length: %llu\r\n\r\n%s",
                        (unsigned long long)(slab_bytes + strlen(text)), text);
    c->out = c->answer;
    c->out_size = (size_t)size;
    c->out_left = slab_bytes;
    return flush(c);
}

static bool answer_body(struct connection *c)
{
    char text[32];
    snprintf(text, sizeof text, "%llu\n", (unsigned long long)c->body_seen);
    c->body = BODY_NONE;
    return answer(c, 0, text);
}

static bool answer_get(struct connection *c, const char *path)
{
    for (int i = 0; i < 3; i++) {
        const struct ready *ready = &readies[i];
        if (memcmp(path, ready->path, ready->path_size) || (path[ready->path_size] && path[ready->path_size] != ' '))
            continue;
        c->out = ready->text;
        c->out_size = ready->size;
        return flush(c);
    }
    if (!memcmp(path, "/count ", 7)) {
        char text[32];
        snprintf(text, sizeof text, "%llu\n", answered);
        return answer(c, 0, text);
    }
    if (!memcmp(path, "/wait ", 6)) {
        wait_long(c);
        return true;
    }
    if (!memcmp(path, "/bytes/", 7))
        return answer(c, strtoull(path + 7, NULL, 10), "");
    return answer(c, 0, "ok\n");
}

/* A whole head at data (its first byte), which ends with an empty line. */
static bool take_head(struct connection *c, const char *data, size_t size)
{
    const char *path = memchr(data, ' ', size);
    if (!path)
        return false;
    path++;
    answered += memcmp(path, "/count ", 7) != 0;
    if (!memcmp(data, "GET ", 4))
        return answer_get(c, path);
    c->body_seen = 0;
    for (const char *line = data; line < data + size - 2; line++) {
        line = memchr(line, '\n', (size_t)(data + size - line));
        if (!strncasecmp(line + 1, "content-length:", 15)) {
            c->body_left = strtoull(line + 16, NULL, 10);
            c->body = BODY_LENGTH;
        } else if (!strncasecmp(line + 1, "transfer-encoding:", 18)) {
            c->body = BODY_CHUNK_SIZE;
        }
    }
    return c->body == BODY_NONE || (c->body == BODY_LENGTH && !c->body_left) ? answer_body(c) : true;
}

/* A line of a chunked body. */
static bool take_line(struct connection *c, const char *line, size_t size)
{
    switch (c->body) {
    case BODY_CHUNK_SIZE:
        c->body_left = strtoull(line, NULL, 16);
        c->body = c->body_left ? BODY_CHUNK_DATA : BODY_TRAILERS;
        return true;
    case BODY_CHUNK_END:
        c->body = BODY_CHUNK_SIZE;
        return true;
    default:
        return size > 2 ? true : answer_body(c);
    }
}

/* Takes one unit from data; returns the bytes taken, 0 if more are needed, -1 to close. */
static ssize_t take(struct connection *c, char *data, size_t size)
{
    if (c->body == BODY_LENGTH || c->body == BODY_CHUNK_DATA) {
        size_t part = size < c->body_left ? size : (size_t)c->body_left;
        c->body_left -= part;
        c->body_seen += part;
        if (!c->body_left && c->body == BODY_LENGTH)
            return answer_body(c) ? (ssize_t)part : -1;
        if (!c->body_left)
            c->body = BODY_CHUNK_END;
        return (ssize_t)part;
    }
    const char *mark = c->body == BODY_NONE ? "\r\n\r\n" : "\r\n";
    char *end = memmem(data, size, mark, strlen(mark));
    if (!end)
        return 0;
    size_t unit = (size_t)(end - data) + strlen(mark);
    bool good = c->body == BODY_NONE ? take_head(c, data, unit) : take_line(c, data, unit);
    return good ? (ssize_t)unit : -1;
}

static void readable(struct connection *c)
{
    memcpy(input, c->hold, c->held);
    ssize_t got = recv(c->fd, input + c->held, INPUT, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        drop(c);
        return;
    }
    char *data = input;
    size_t size = c->held + (size_t)got;
    input[size] = 0;
    while (size) {
        ssize_t taken = take(c, data, size);
        if (taken < 0 || (!taken && size > sizeof c->hold)) {
            drop(c);
            return;
        }
        if (!taken)
            break;
        data += taken;
        size -= (size_t)taken;
    }
    memcpy(c->hold, data, size);
    c->held = size;
}

static void acceptable(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *c = must(calloc(1, sizeof *c));
        c->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_at(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 32768)
        || getsockname(fd, (struct sockaddr *)&address, &size)) {
        perror("up");
        exit(1);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void answer_waiting(void)
{
    for (uint64_t now = now_us(); waiting && waiting->due_us <= now;) {
        struct connection *c = waiting;
        stop_waiting(c);
        if (!answer_get(c, readies[0].path))
            drop(c);
    }
}

/* Until the next of those that wait is due; NULL: none. */
static const struct timespec *patience(struct timespec *time)
{
    if (!waiting)
        return NULL;
    uint64_t now = now_us();
    *time = (struct timespec){.tv_nsec = waiting->due_us > now ? (long)(waiting->due_us - now) * 1000 : 0};
    return time;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < SLAB; i++)
        slab[i] = "abcdefghijklmnopqrstuvwxyz012345"[i % 32];
    prepare(&readies[0], "/s", 512);
    prepare(&readies[1], "/m", 2048);
    prepare(&readies[2], "/l", 100 * 1024);
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_at(argc > 1 ? atoi(argv[1]) : 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[256];
        struct timespec time;
        int count = epoll_pwait2(poller, events, 256, patience(&time), NULL);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c)
                acceptable(listener);
            else if (!c->writing)
                readable(c);
            else if (!flush(c))
                drop(c);
        }
        answer_waiting();
    }
}
