/* Sends mutated requests to a gateway and is the upstream behind it: mutated_requests SEED FIRST COUNT
 *
 * Prints the port of its upstream, then reads the gateway's from standard input. Each case is a generated text with a
 * good request behind it, sent in up to four pieces. Of each request in it that the gateway takes the upstream must
 * see one, in order, with the same method and body; what framing.c says must be refused is never seen whole, is
 * answered with an error, and the connection ends. A connection serves cases until one ends it. Upstream, slots are
 * told apart by the client's address in X-Forwarded-For. The first failure ends it; else the last line counts. */
#include "mutations.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 24, BACKENDS = 256, FRAMES = 512, PIECES = 4, PATIENCE_MS = 30000 };

struct source { /* what the poller tells about */
    int fd;
    enum { LISTENER, CLIENT, UPSTREAM } kind;
};

struct slot {
    struct source source;
    uint64_t number; /* of the case */
    struct text sent, got;
    size_t cuts[PIECES], next_cut;
    struct frame frames[FRAMES];
    uint64_t ids[FRAMES]; /* the upstream's number of each request, 0 if it has not seen it */
    size_t frame_count, answered, seen;
    bool ended; /* nothing more may come than the end of the connection */
    uint64_t since_ms;
};

struct backend {
    struct source source;
    struct text got;
};

static struct slot slots[SLOTS];
static struct backend backends[BACKENDS];
static int poller, upstream_port, gateway_port;
static uint64_t seed, next_case, end_case, requests, running;
static uint64_t accepted, refused, cases_taken, by_status[600];

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void print_bytes(const char *what, const char *data, size_t size)
{
    printf("%s:\n  ", what);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\n')
            printf("\\n\n  ");
        else if (c == '\r' || c == '\t')
            printf(c == '\r' ? "\\r" : "\\t");
        else
            printf(c >= ' ' && c < 127 ? "%c" : "\\x%02x", c);
    }
    printf("\n");
}

static _Noreturn void fail(const struct slot *slot, const char *why)
{
    printf("FAILED: %s\n", why);
    if (slot) {
        printf("mutated_requests %llu %llu 1 sends it again\n", (unsigned long long)seed,
               (unsigned long long)slot->number);
        print_bytes("sent", slot->sent.data, slot->sent.size);
        print_bytes("got", slot->got.data, slot->got.size);
        for (size_t i = 0; i < slot->frame_count; i++)
            printf("request %zu: kind %d, %s, %zu bytes, body %llu, seen as %llu%s\n", i, slot->frames[i].kind,
                   slot->frames[i].method, slot->frames[i].size, (unsigned long long)slot->frames[i].body_size,
                   (unsigned long long)slot->ids[i], i < slot->answered ? ", answered" : "");
    }
    fflush(stdout);
    exit(1);
}

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(2);
    }
}

static void watch(struct source *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    must(epoll_ctl(poller, EPOLL_CTL_ADD, source->fd, &event) == 0, "epoll_ctl");
}

static struct sockaddr_in address(uint32_t host, int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host)};
}

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    must(fd >= 0, "socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* ---- upstream ---- */

/* The one field of that name, NULL if there are none or several. */
static const char *only_field(const char *head, size_t size, const char *name, size_t *value_size)
{
    const char *found = NULL;
    for (size_t at = 0; at < size;) {
        long end = line_end(head, size, at);
        if (end <= (long)at)
            break;
        if (strncasecmp(head + at, name, strlen(name)) == 0) {
            if (found)
                return NULL;
            found = head + at + strlen(name);
            *value_size = (size_t)(head + end - found);
        }
        at = (size_t)end + 2;
    }
    return found;
}

static struct slot *slot_of(const char *head, size_t size)
{
    char text[32] = "";
    size_t value_size = 0;
    const char *value = only_field(head, size, "X-Forwarded-For: ", &value_size);
    if (!value || value_size >= sizeof text)
        return NULL;
    memcpy(text, value, value_size);
    uint32_t host = ntohl(inet_addr(text)) - INADDR_LOOPBACK - 1;
    return host < SLOTS ? &slots[host] : NULL;
}

static bool is_same(const struct frame *a, const struct frame *b)
{
    return a->kind == b->kind && a->body_size == b->body_size && a->body_hash == b->body_hash &&
           strcmp(a->method, b->method) == 0;
}

/* The request at `place` did not go to the upstream: what it saw was the next one that is the same. */
static bool pass_on(struct slot *slot, size_t place)
{
    uint64_t id = slot->ids[place];
    slot->ids[place] = 0;
    for (size_t at = place + 1; id && at < slot->frame_count; at++)
        if (is_same(&slot->frames[at], &slot->frames[place])) {
            uint64_t next = slot->ids[at];
            slot->ids[at] = id;
            slot->seen = slot->seen > at ? slot->seen : at + 1;
            id = next;
        }
    return id == 0;
}

/* What the gateway sent belongs to the next request of the client's case that is the same. */
static void take_request(struct backend *backend, const struct frame *frame)
{
    struct slot *slot = slot_of(backend->got.data, frame->size);
    if (!slot) {
        print_bytes("upstream got", backend->got.data, backend->got.size);
        fail(NULL, "a request without the client's address, or with more than that");
    }
    size_t at = slot->seen > slot->answered ? slot->seen : slot->answered;
    while (at < slot->frame_count && !is_same(&slot->frames[at], frame))
        at++;
    if (at == slot->frame_count) {
        print_bytes("upstream got", backend->got.data, frame->size);
        fail(slot, "the upstream saw a request that nobody sent");
    }
    slot->ids[at] = ++requests;
    slot->seen = at + 1;
    char answer[128];
    int size = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nX-Up: %llu\r\nContent-Length: 3\r\n\r\n%s",
                        (unsigned long long)requests, strcmp(frame->method, "HEAD") ? "ok\n" : "");
    if (send(backend->source.fd, answer, (size_t)size, MSG_NOSIGNAL) != size)
        fail(slot, "the gateway left without the answer");
}

static void read_upstream(struct backend *backend)
{
    struct text *text = &backend->got;
    ssize_t got = recv(backend->source.fd, text->data + text->size, TEXT_BYTES - text->size, MSG_DONTWAIT);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN)
            return;
        close(backend->source.fd);
        backend->source.fd = -1;
        return;
    }
    backend->got.size += (size_t)got;
    while (backend->got.size) {
        struct frame frame = frame_request(backend->got.data, backend->got.size);
        if (frame.kind == FRAME_MORE && backend->got.size < TEXT_BYTES)
            return;
        if (frame.kind != FRAME_WHOLE || backend->got.data[0] == '\r') {
            print_bytes("upstream got", backend->got.data, backend->got.size);
            fail(slot_of(backend->got.data, backend->got.size), "the upstream got what it must refuse");
        }
        take_request(backend, &frame);
        backend->got.size -= frame.size;
        memmove(backend->got.data, backend->got.data + frame.size, backend->got.size);
    }
}

static void accept_upstream(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct backend *backend = backends;
    while (backend->source.fd >= 0 && backend < backends + BACKENDS - 1)
        backend++;
    if (backend->source.fd >= 0)
        fail(NULL, "the gateway opens ever more connections");
    backend->got.size = 0;
    backend->source = (struct source){fd, UPSTREAM};
    watch(&backend->source);
}

static void listen_upstream(struct source *source)
{
    struct sockaddr_in own = address(0, 0);
    socklen_t size = sizeof own;
    *source = (struct source){new_socket(), LISTENER};
    must(bind(source->fd, (struct sockaddr *)&own, size) == 0 && listen(source->fd, 512) == 0, "listen");
    must(getsockname(source->fd, (struct sockaddr *)&own, &size) == 0, "getsockname");
    upstream_port = ntohs(own.sin_port);
    watch(source);
}

/* ---- client ---- */

static void leave(struct slot *slot)
{
    struct linger reset = {1, 0};
    setsockopt(slot->source.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(slot->source.fd);
    slot->source.fd = -1;
}

static void enter(struct slot *slot)
{
    struct sockaddr_in from = address(1 + (uint32_t)(slot - slots), 0), to = address(0, gateway_port);
    slot->source = (struct source){new_socket(), CLIENT};
    must(bind(slot->source.fd, (struct sockaddr *)&from, sizeof from) == 0, "bind");
    must(connect(slot->source.fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    watch(&slot->source);
}

static void send_piece(struct slot *slot)
{
    size_t from = slot->next_cut ? slot->cuts[slot->next_cut - 1] : 0, to = slot->cuts[slot->next_cut++];
    if (to == from)
        return;
    ssize_t sent = send(slot->source.fd, slot->sent.data + from, to - from, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 ? errno == EAGAIN : (size_t)sent < to - from)
        fail(slot, "the gateway does not read");
}

static void cut(struct dice *dice, struct slot *slot)
{
    size_t pieces = dice_roll(dice, 2) ? 1 : 1 + dice_roll(dice, PIECES);
    for (size_t i = 0; i < PIECES; i++)
        slot->cuts[i] = i < pieces - 1 ? dice_roll(dice, (uint32_t)slot->sent.size) : slot->sent.size;
    for (size_t i = 0; i < PIECES; i++)
        for (size_t j = i + 1; j < PIECES; j++)
            if (slot->cuts[j] < slot->cuts[i]) {
                size_t swap = slot->cuts[i];
                slot->cuts[i] = slot->cuts[j];
                slot->cuts[j] = swap;
            }
    slot->next_cut = 0;
}

static bool begin(struct slot *slot)
{
    if (next_case == end_case)
        return false;
    slot->number = next_case++;
    struct dice dice = {seed * 0x100000001b3u + slot->number * 0x9e3779b97f4a7c15u};
    generate_request(&dice, &slot->sent);
    char canary[32];
    int size = snprintf(canary, sizeof canary, "case %llu", (unsigned long long)slot->number);
    text_print(&slot->sent, "POST /canary HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, canary);
    memset(slot->ids, 0, sizeof slot->ids);
    slot->got.size = slot->frame_count = slot->answered = slot->seen = 0;
    slot->ended = false;
    slot->since_ms = now_ms();
    for (size_t at = 0; at < slot->sent.size;) {
        struct frame *frame = &slot->frames[slot->frame_count++];
        *frame = frame_request(slot->sent.data + at, slot->sent.size - at);
        at += frame->size;
        if (frame->kind != FRAME_WHOLE || slot->frame_count == FRAMES)
            break;
    }
    cut(&dice, slot);
    if (slot->source.fd < 0)
        enter(slot);
    send_piece(slot);
    return true;
}

static void next(struct slot *slot)
{
    running -= !begin(slot);
}

static bool is_refusal(int status)
{
    static const int good[] = {400, 404, 405, 411, 413, 414, 417, 431, 501, 505};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (status == good[i])
            return true;
    return false;
}

/* A final answer. */
static void judge(struct slot *slot, int status, uint64_t id, bool close)
{
    if (slot->answered == slot->frame_count)
        fail(slot, "an answer to nothing");
    const struct frame *frame = &slot->frames[slot->answered];
    by_status[status]++;
    if (id) {
        if (frame->kind != FRAME_WHOLE)
            fail(slot, "what must be refused was taken");
        if (slot->ids[slot->answered] != id)
            fail(slot, "the answer is another request's");
        accepted++;
        cases_taken += slot->answered + 1 == slot->frame_count;
    } else if (status < 300) {
        if (frame->kind == FRAME_BAD_HEAD || (strcmp(frame->method, "OPTIONS") && strcmp(frame->method, "TRACE")))
            fail(slot, "answered without the upstream");
        if (!pass_on(slot, slot->answered))
            fail(slot, "answered, but the upstream saw it too");
    } else {
        if (!is_refusal(status))
            fail(slot, "not a status of a refusal");
        if (!pass_on(slot, slot->answered))
            fail(slot, "refused, but the upstream saw it");
        if (frame->kind == FRAME_BAD_HEAD && !close)
            fail(slot, "refused, but the connection stays");
        refused++;
    }
    slot->answered++;
    slot->ended = close || (frame->kind != FRAME_WHOLE && frame->kind != FRAME_MORE);
}

/* Takes one answer's head, and its body if there is more to come; false if it is not all there. */
static bool take_answer(struct slot *slot)
{
    char *data = slot->got.data, *end = memmem(data, slot->got.size, "\r\n\r\n", 4);
    if (!end)
        return false;
    size_t head = (size_t)(end - data) + 4, value_size = 0, body = 0;
    int status = slot->got.size > 12 && memcmp(data, "HTTP/1.1 ", 9) == 0 ? atoi(data + 9) : 0;
    if (status < 100 || status > 599)
        fail(slot, "what is no answer");
    size_t close_size = 0;
    const char *id = only_field(data, head, "X-Up: ", &value_size);
    const char *ends = only_field(data, head, "Connection: ", &close_size);
    const char *length = only_field(data, head, "Content-Length: ", &value_size);
    bool close = ends && close_size == 5 && memcmp(ends, "close", 5) == 0;
    bool bodyless = slot->answered < slot->frame_count && strcmp(slot->frames[slot->answered].method, "HEAD") == 0;
    if (close && !id)
        bodyless = true; /* or not, if it is refused for its head: the rest is dropped */
    if (status >= 200 && length && !bodyless)
        body = strtoul(length, NULL, 10);
    if (only_field(data, head, "Transfer-Encoding: ", &value_size) && !bodyless) {
        const char *last = memmem(data + head, slot->got.size - head, "0\r\n\r\n", 5);
        body = last ? (size_t)(last - data) + 5 - head : SIZE_MAX - head;
    }
    if (slot->got.size < head + body)
        return false;
    if (status >= 200)
        judge(slot, status, id ? strtoull(id, NULL, 10) : 0, close);
    slot->got.size -= head + body;
    memmove(data, data + head + body, slot->got.size);
    return true;
}

/* Whether nothing more is to be waited for. */
static void look(struct slot *slot)
{
    if (slot->ended || slot->next_cut < PIECES)
        return;
    const struct frame *frame = &slot->frames[slot->answered];
    bool all = slot->answered == slot->frame_count;
    bool cut = slot->frames[slot->frame_count - 1].kind == FRAME_MORE;
    if (all && !cut && !slot->frames[slot->answered - 1].keep_alive)
        return; /* the end of the connection */
    if (all && slot->got.size)
        fail(slot, "an answer to nothing");
    if (!all && frame->kind != FRAME_MORE)
        return;
    if (cut)
        leave(slot);
    next(slot);
}

static void read_client(struct slot *slot)
{
    ssize_t got = recv(slot->source.fd, slot->got.data + slot->got.size, TEXT_BYTES - slot->got.size, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got > 0) {
        slot->got.size += (size_t)got;
        while (!slot->ended && slot->got.size && take_answer(slot))
            ;
        if (slot->ended && memmem(slot->got.data, slot->got.size, "\r\nDate:", 7))
            fail(slot, "an answer behind the last");
        look(slot);
        return;
    }
    bool more = slot->answered < slot->frame_count && slot->frames[slot->answered].kind == FRAME_MORE;
    size_t last = slot->answered - 1; /* its body may be refused behind the gateway's own answer */
    bool unread = slot->answered && !slot->ids[last] && slot->frames[last].chunked;
    if (!slot->ended && !more && !unread)
        fail(slot, got < 0 ? "reset" : "closed without an answer");
    leave(slot);
    next(slot);
}

static void take_event(struct source *source)
{
    if (source->kind == LISTENER)
        accept_upstream(source->fd);
    else if (source->kind == UPSTREAM)
        read_upstream((struct backend *)source);
    else
        read_client((struct slot *)source);
}

static void run(void)
{
    for (running = 0; running < SLOTS && begin(&slots[running]); running++)
        ;
    while (running) {
        struct epoll_event events[64];
        bool pieces = false;
        int count = epoll_wait(poller, events, 64, 0);
        uint64_t now = now_ms();
        for (int i = 0; i < count; i++)
            take_event(events[i].data.ptr);
        for (struct slot *slot = slots; slot < slots + SLOTS; slot++) {
            if (slot->source.fd < 0)
                continue;
            if (slot->next_cut < PIECES) {
                pieces = true;
                send_piece(slot);
                look(slot);
            } else if (now > slot->since_ms + PATIENCE_MS && slot->answered < slot->frame_count) {
                fail(slot, "no answer");
            }
        }
        if (!count && !pieces && running) {
            count = epoll_wait(poller, events, 1, 1000);
            if (count > 0)
                take_event(events[0].data.ptr);
        }
    }
}

int main(int argc, char **argv)
{
    struct source listener;
    if (argc != 4)
        return 2;
    seed = strtoull(argv[1], NULL, 10);
    next_case = strtoull(argv[2], NULL, 10);
    end_case = next_case + strtoull(argv[3], NULL, 10);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (struct slot *slot = slots; slot < slots + SLOTS; slot++)
        slot->source.fd = -1;
    for (struct backend *backend = backends; backend < backends + BACKENDS; backend++)
        backend->source.fd = -1;
    listen_upstream(&listener);
    printf("%d\n", upstream_port);
    fflush(stdout);
    must(scanf("%d", &gateway_port) == 1, "port");
    run();
    printf("accepted %llu, refused %llu, cases taken whole %llu;", (unsigned long long)accepted,
           (unsigned long long)refused, (unsigned long long)cases_taken);
    for (int status = 0; status < 600; status++)
        if (by_status[status])
            printf(" %d: %llu", status, (unsigned long long)by_status[status]);
    printf("\n");
    return 0;
}
