/* Echo upstream for measurements of whole exchanges: one thread, epoll, keep-alive. "echo PORT" (0: any) prints the port
 * it listens on and speaks two protocols, told apart by a message's first byte: an HTTP POST is answered with its body
 * (Content-Length), a call in Thrift's strict binary with the struct that is its one argument. A message is answered
 * once it is there whole, up to 256 KiB; what is not understood closes the connection. */
#include "wire/thrift.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_BYTES = 256 * 1024 };

struct connection {
    int fd;
    size_t size; /* of what is there of a message */
    char input[INPUT_BYTES + 1];
};

static char output[INPUT_BYTES + 256];
static int poller;

/* Makes the answer to the HTTP request at the beginning; 0: there is more to come, -1: it is none. */
static ssize_t answer_http(struct connection *c, size_t *answer_size)
{
    c->input[c->size] = '\0';
    char *end = strstr(c->input, "\r\n\r\n");
    if (!end)
        return 0;
    char *length = strcasestr(c->input, "\r\ncontent-length:");
    if (!length || length > end)
        return -1;
    size_t head = (size_t)(end + 4 - c->input), body = strtoull(length + 17, NULL, 10);
    if (head + body > INPUT_BYTES)
        return -1;
    if (c->size < head + body)
        return 0;
    int written = snprintf(output, sizeof output, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           "Content-Length: %zu\r\n\r\n", body);
    memcpy(output + written, end + 4, body);
    *answer_size = (size_t)written + body;
    return (ssize_t)(head + body);
}

/* The same of a call: REPLY for CALL, and field 0 for the argument's number. */
static ssize_t answer_thrift(struct connection *c, size_t *answer_size)
{
    struct gw__message message;
    struct gw__thrift_skip skip;
    struct gw__thrift_in in = {0};
    size_t head;
    enum gw__wire_status status = gw__message_get(c->input, c->size, &message, &head);
    if (status != GW__WIRE_DONE)
        return status == GW__WIRE_BAD ? -1 : 0;
    gw__thrift_skip_init(&skip, GW__THRIFT_STRUCT);
    gw__thrift_in_feed(&in, c->input + head, c->size - head);
    status = gw__thrift_skip(&skip, &in);
    if (status != GW__WIRE_DONE)
        return status == GW__WIRE_BAD ? -1 : 0;
    size_t size = (size_t)(in.at - c->input);
    if (c->input[head] != GW__THRIFT_STRUCT)
        return -1;
    memcpy(output, c->input, size);
    output[3] = GW__MESSAGE_REPLY;
    gw__wire_set16(output + head + 1, 0);
    *answer_size = size;
    return (ssize_t)size;
}

/* False: the connection is of no use any more. A peer of measurements reads what it is sent. */
static bool readable(struct connection *c)
{
    ssize_t got = recv(c->fd, c->input + c->size, INPUT_BYTES - c->size, 0), taken;
    size_t answer_size = 0;
    if (got <= 0)
        return false;
    c->size += (size_t)got;
    while (c->size && (taken = *c->input == 'P' ? answer_http(c, &answer_size) : answer_thrift(c, &answer_size))) {
        if (taken < 0 || send(c->fd, output, answer_size, MSG_NOSIGNAL) != (ssize_t)answer_size)
            return false;
        c->size -= (size_t)taken;
        memmove(c->input, c->input + taken, c->size);
    }
    return c->size < INPUT_BYTES;
}

static void acceptable(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
    struct connection *c = fd < 0 ? NULL : malloc(sizeof *c);
    if (!c)
        exit(1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->fd = fd;
    c->size = 0;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
}

static int listen_at(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        perror("echo");
        exit(1);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_at(argc > 1 ? atoi(argv[1]) : 0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.ptr = NULL});
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                acceptable(listener);
            } else if (!readable(c)) {
                close(c->fd);
                free(c);
            }
        }
    }
}
