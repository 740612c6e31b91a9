/* The upstream behind a gateway, with mutated answers, and the clients in front of it: mutated_answers SEED FIRST COUNT
 *
 * Prints the port of its upstream, then reads the gateway's from standard input. Each good request is answered with a
 * generated text. What the client gets is the answer as framing.c frames it, a 502, or a cut if it is not whole; a 502
 * if its head is bad. A connection to the upstream that said more than an answer, or that it would close, is not
 * used again. It ends with 1 at the first failure, else its last line counts. */
#include "mutations.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 24, BACKENDS = 256, PATIENCE_S = 30 };

struct source {
    int fd;
    enum { LISTENER, CLIENT, UPSTREAM } kind;
};

struct slot {
    struct source source;
    uint64_t number;
    const char *method;
    struct text answer, got;
    struct frame frame; /* of the answer */
    bool closes;
    time_t since;
};

struct backend {
    struct source source;
    struct text got;
    struct text last; /* what it said */
    bool spent;       /* and is not used again */
    bool ended;       /* what crosses its end on the way is lost */
};

static struct slot slots[SLOTS];
static struct backend backends[BACKENDS];
static struct source listener;
static int poller, gateway_port;
static uint64_t seed, next_case, end_case;
static unsigned running;
static uint64_t relayed, refused, cut;

static void print_bytes(const char *what, const struct text *text)
{
    printf("%s:\n  ", what);
    for (size_t i = 0; i < text->size; i++) {
        unsigned char c = (unsigned char)text->data[i];
        if (c == '\n')
            printf("\\n\n  ");
        else
            printf(c >= ' ' && c < 127 ? "%c" : "\\x%02x", c);
    }
    printf("\n");
}

static _Noreturn void fail(const struct slot *slot, const char *why)
{
    printf("FAILED: %s\n", why);
    if (slot) {
        printf("mutated_answers %llu %llu 1 does it again: a %s\n", (unsigned long long)seed,
               (unsigned long long)slot->number, slot->method);
        print_bytes("upstream sent", &slot->answer);
        print_bytes("client got", &slot->got);
        printf("answer: kind %d, status %d, %zu bytes, body %llu%s\n", slot->frame.kind, slot->frame.status,
               slot->frame.size, (unsigned long long)slot->frame.body_size, slot->closes ? ", then closed" : "");
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
    int on = 1;
    setsockopt(source->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    must(epoll_ctl(poller, EPOLL_CTL_ADD, source->fd, &event) == 0, "epoll_ctl");
}

static struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static ssize_t receive(const struct source *source, struct text *text)
{
    ssize_t got = recv(source->fd, text->data + text->size, TEXT_BYTES - text->size, MSG_DONTWAIT);
    if (got > 0)
        text->size += (size_t)got;
    return got;
}

/* ---- upstream ---- */

static void answer_request(struct backend *backend)
{
    unsigned place = 0;
    unsigned long long number = 0;
    if (backend->ended && !backend->spent) {
        backend->got.size = 0;
        return;
    }
    const char *target = memchr(backend->got.data, '/', backend->got.size);
    if (!target || sscanf(target, "/%u/%llu", &place, &number) != 2 || place >= SLOTS || slots[place].number != number)
        fail(NULL, "a request that nobody sent");
    struct slot *slot = &slots[place];
    backend->got.size = 0;
    if (backend->spent) {
        print_bytes("upstream had sent", &backend->last);
        fail(slot, "the connection was used again");
    }
    const struct text *answer = &slot->answer;
    if (answer->size && send(backend->source.fd, answer->data, answer->size, MSG_NOSIGNAL) != (ssize_t)answer->size)
        fail(slot, "the gateway does not read");
    backend->ended = slot->closes;
    backend->spent = slot->frame.kind != FRAME_WHOLE || slot->frame.size < answer->size || !slot->frame.keep_alive;
    backend->last = *answer;
    if (slot->closes)
        shutdown(backend->source.fd, SHUT_WR);
}

static void read_upstream(struct backend *backend)
{
    ssize_t got = receive(&backend->source, &backend->got);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        close(backend->source.fd);
        backend->source.fd = -1;
        return;
    }
    struct frame frame = frame_request(backend->got.data, backend->got.size);
    if (frame.kind == FRAME_WHOLE)
        answer_request(backend);
    else if (frame.kind != FRAME_MORE)
        fail(NULL, "a malformed request");
}

static void accept_upstream(void)
{
    int fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct backend *backend = backends;
    while (backend->source.fd >= 0 && backend < backends + BACKENDS - 1)
        backend++;
    if (backend->source.fd >= 0)
        fail(NULL, "the gateway opens ever more connections");
    backend->got.size = 0;
    backend->spent = backend->ended = false;
    backend->source = (struct source){fd, UPSTREAM};
    watch(&backend->source);
}

/* ---- client ---- */

static void begin(struct slot *slot)
{
    static const char *const methods[] = {"GET", "GET", "GET", "POST", "HEAD"};
    if (next_case == end_case) {
        running--;
        return;
    }
    slot->number = next_case++;
    struct dice dice = {seed * 0x100000001b3u + slot->number * 0x9e3779b97f4a7c15u};
    generate_answer(&dice, &slot->answer, slot->number);
    slot->method = methods[dice_roll(&dice, 5)];
    slot->frame = frame_answer(slot->answer.data, slot->answer.size, strcmp(slot->method, "HEAD") == 0);
    slot->closes = slot->frame.kind != FRAME_WHOLE || slot->frame.until_close || dice_roll(&dice, 4) == 0;
    slot->got.size = 0;
    slot->since = time(NULL);
    char request[128];
    int size = snprintf(request, sizeof request, "%s /%zu/%llu HTTP/1.1\r\nHost: a\r\n%s\r\n", slot->method,
                        (size_t)(slot - slots), (unsigned long long)slot->number,
                        slot->method[0] == 'P' ? "Content-Length: 0\r\n" : "");
    if (slot->source.fd < 0) {
        struct sockaddr_in to = local(gateway_port);
        slot->source = (struct source){socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), CLIENT};
        must(connect(slot->source.fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
        watch(&slot->source);
    }
    if (send(slot->source.fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        fail(slot, "the connection that stayed is closed");
}

static void leave(struct slot *slot)
{
    struct linger reset = {1, 0};
    setsockopt(slot->source.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(slot->source.fd);
    slot->source.fd = -1;
}

/* A whole answer at the client. */
static void judge(struct slot *slot, const struct frame *got)
{
    const struct frame *frame = &slot->frame;
    bool own = memmem(slot->got.data, slot->got.size, "\r\nProxy-Status: gateway", 23) != NULL;
    if (own) {
        if (got->status != 502)
            fail(slot, "not a status of a bad answer");
        refused++;
        return;
    }
    if (frame->kind != FRAME_WHOLE)
        fail(slot, "what is bad or cut was passed on as whole");
    if (got->status != frame->status || got->body_size != frame->body_size || got->body_hash != frame->body_hash)
        fail(slot, "the client got another answer");
    relayed++;
}

static void read_client(struct slot *slot)
{
    ssize_t count = receive(&slot->source, &slot->got);
    if (count < 0 && errno == EAGAIN)
        return;
    struct frame got = frame_answer(slot->got.data, slot->got.size, strcmp(slot->method, "HEAD") == 0);
    if (got.kind == FRAME_WHOLE && !got.until_close) {
        if (got.size < slot->got.size)
            fail(slot, "more than an answer");
        judge(slot, &got);
        if (!got.keep_alive)
            leave(slot);
    } else if (count <= 0) {
        if (got.kind != FRAME_MORE)
            fail(slot, "no answer, or a malformed one");
        if (slot->frame.kind == FRAME_WHOLE && !slot->frame.chunked)
            fail(slot, "a whole answer was cut");
        if (slot->frame.kind == FRAME_BAD_HEAD)
            fail(slot, "a cut where a 502 belongs");
        cut++;
        leave(slot);
    } else if (got.kind != FRAME_MORE) {
        fail(slot, "a malformed answer");
    } else {
        return;
    }
    begin(slot);
}

static void run(void)
{
    for (running = 0; running < SLOTS && next_case < end_case;)
        begin(&slots[running++]);
    while (running) {
        struct epoll_event events[64];
        int count = epoll_wait(poller, events, 64, 1000);
        for (int i = 0; i < count; i++) {
            struct source *source = events[i].data.ptr;
            if (source->kind == LISTENER)
                accept_upstream();
            else if (source->kind == UPSTREAM)
                read_upstream((struct backend *)source);
            else
                read_client((struct slot *)source);
        }
        for (struct slot *slot = slots; slot < slots + SLOTS && next_case < end_case; slot++)
            if (time(NULL) > slot->since + PATIENCE_S)
                fail(slot, "no answer");
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in own = local(0);
    socklen_t size = sizeof own;
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
    listener = (struct source){socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), LISTENER};
    must(bind(listener.fd, (struct sockaddr *)&own, size) == 0 && listen(listener.fd, 512) == 0, "listen");
    must(getsockname(listener.fd, (struct sockaddr *)&own, &size) == 0, "getsockname");
    watch(&listener);
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    must(scanf("%d", &gateway_port) == 1, "port");
    run();
    printf("relayed %llu, refused %llu, cut %llu;\n", (unsigned long long)relayed, (unsigned long long)refused,
           (unsigned long long)cut);
    return 0;
}
