/* Load at a fixed rate whatever the answers take, at random times: "pace PORT RATE SECONDS CONNECTIONS [PATH]".
 *
 * A request due is sent on a connection that waits for none; where there is none it is skipped. Prints a line for each
 * answer, "STATUS MICROSECONDS SENT", SENT being when, by the real time clock; "0 0 0" for each request skipped, and
 * status -1 where no answer came. Answers have a Content-Length; a connection that is closed is opened again. The time
 * is that from before the request is sent to the arrival of the answer's last byte in this machine's network stack, so
 * it is not this program's own slowness. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <math.h>
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

struct connection {
    struct connection *next; /* of those that wait for no answer */
    int fd;
    uint64_t sent_us; /* 0: nothing is asked */
    size_t size;
    char text[4096];
};

static struct sockaddr_in address = {.sin_family = AF_INET};
static struct connection *idle;
static int epoll;
static char request[512];

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* the network stack's */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void open_connection(struct connection *c)
{
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("pace: connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMPING,
               &(int){SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE}, sizeof(int));
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
    c->sent_us = c->size = 0;
    c->next = idle;
    idle = c;
}

/* True if all of the answer is there. */
static bool is_complete(const struct connection *c)
{
    const char *end = strstr(c->text, "\r\n\r\n"), *length = strcasestr(c->text, "\r\nContent-Length:");
    return end && length && c->size >= (size_t)(end + 4 - c->text) + strtoul(length + 17, NULL, 10);
}

/* As recv(); *arrived_us: when the last of it did. */
static ssize_t receive_at(int fd, char *to, size_t size, uint64_t *arrived_us)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(struct scm_timestamping))];
    } control;
    struct iovec piece = {to, size};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &message, 0);
    *arrived_us = now_us();
    struct cmsghdr *found = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (found && found->cmsg_level == SOL_SOCKET && found->cmsg_type == SO_TIMESTAMPING) {
        struct scm_timestamping times;
        memcpy(&times, CMSG_DATA(found), sizeof times);
        if (times.ts[0].tv_sec)
            *arrived_us = (uint64_t)times.ts[0].tv_sec * 1000000 + (uint64_t)times.ts[0].tv_nsec / 1000;
    }
    return n;
}

static void report(const char *status, uint64_t arrived_us, uint64_t sent_us)
{
    uint64_t us = arrived_us > sent_us ? arrived_us - sent_us : 0;
    printf("%.3s %llu %llu\n", status, (unsigned long long)us, (unsigned long long)sent_us);
}

static void receive(struct connection *c)
{
    uint64_t arrived_us;
    ssize_t n = receive_at(c->fd, c->text + c->size, sizeof c->text - 1 - c->size, &arrived_us);
    if (n <= 0) {
        if (c->sent_us) /* an answer that never came, or an idle one that is in the list */
            report("-1", now_us(), c->sent_us);
        struct connection **place = &idle;
        while (*place && *place != c)
            place = &(*place)->next;
        if (*place)
            *place = c->next;
        close(c->fd);
        open_connection(c);
        return;
    }
    c->size += (size_t)n;
    c->text[c->size] = '\0';
    if (!c->sent_us || !is_complete(c))
        return;
    report(c->text + 9, arrived_us, c->sent_us);
    c->sent_us = c->size = 0;
    c->next = idle;
    idle = c;
}

static void ask(void)
{
    struct connection *c = idle;
    if (!c) {
        puts("0 0 0");
        return;
    }
    idle = c->next;
    c->sent_us = now_us();
    if (send(c->fd, request, strlen(request), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        perror("pace: send");
}

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 6)
        return fputs("usage: pace PORT RATE SECONDS CONNECTIONS [PATH]\n", stderr), 2;
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", argc > 5 ? argv[5] : "/");
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    double gap_us = 1e6 / atof(argv[2]);
    int count = atoi(argv[4]);
    epoll = epoll_create1(0);
    struct connection *all = calloc((size_t)count, sizeof *all);
    for (int i = 0; all && i < count; i++)
        open_connection(&all[i]);
    srand48(1);
    double due = (double)now_us(), end = due + atof(argv[3]) * 1e6;
    struct epoll_event events[256];
    while (due < end) {
        double wait_us = due - (double)now_us();
        struct timespec wait = {.tv_nsec = wait_us > 0 ? (long)(wait_us * 1000) % 1000000000 : 0};
        int n = epoll_pwait2(epoll, events, 256, &wait, NULL);
        for (int i = 0; i < n; i++)
            receive(events[i].data.ptr);
        for (double now = (double)now_us(); due <= now && due < end; due += -log(1 - drand48()) * gap_us)
            ask();
    }
    free(all);
    return 0;
}
