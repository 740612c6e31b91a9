/* Load of a fixed number of requests: N keep-alive connections in lockstep, so that two runs do the same.
 *
 * "lock PORT PATH CONNECTIONS REQUESTS [HEADER…]" sends REQUESTS GETs, one on each connection, then reads
 * all their answers, and so on. With LOCK_BODIES, the name of a file, they are POSTs, each with the file's next line as
 * its body, from the first again behind the last. Every answer must be 200 with a Content-Length; anything else ends it
 * with 1. For counting instructions of a proxy (callgrind): the difference of two runs is exact. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[256 * 1024 + 1];

static int fail(const char *what)
{
    fprintf(stderr, "lock: %s\n", what);
    exit(1);
}

static int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof address))
        fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* Bytes of the whole answer whose head is at buffer, 0 if the head is not complete. */
static size_t answer_size(void)
{
    char *end = strstr(buffer, "\r\n\r\n");
    if (!end)
        return 0;
    if (strncmp(buffer, "HTTP/1.1 200", 12))
        fail("an answer is not 200");
    char *length = strcasestr(buffer, "\r\ncontent-length:");
    if (!length || length > end)
        fail("an answer has no Content-Length");
    return (size_t)(end + 4 - buffer) + strtoull(length + 17, NULL, 10);
}

static void read_answer(int fd)
{
    size_t got = 0, want = 0;
    while (!want || got < want) {
        ssize_t part = recv(fd, buffer + got, sizeof buffer - 1 - got, 0);
        if (part <= 0)
            fail("an answer was cut");
        got += (size_t)part;
        buffer[got] = 0;
        if (!want)
            want = answer_size();
    }
    if (got > want)
        fail("more than the answer came");
}

/* The next line of the file as a body behind the head that ends at `size`. */
static int add_body(char *request, int size, FILE *bodies)
{
    static char line[64 * 1024];
    if (!fgets(line, sizeof line, bodies)) {
        rewind(bodies);
        if (!fgets(line, sizeof line, bodies))
            fail("no bodies");
    }
    line[strcspn(line, "\n")] = 0;
    return size + sprintf(request + size, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(line), line);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        fail("usage: lock PORT PATH CONNECTIONS REQUESTS [HEADER…]");
    int port = atoi(argv[1]), connections = atoi(argv[3]), fds[1024];
    long requests = atol(argv[4]);
    const char *name = getenv("LOCK_BODIES");
    FILE *bodies = name ? fopen(name, "r") : NULL;
    if (name && !bodies)
        fail("cannot read LOCK_BODIES");
    static char request[8192 + 65536 + 64];
    int size = snprintf(request, 8192, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", bodies ? "POST" : "GET", argv[2],
                        port);
    for (int i = 5; i < argc; i++)
        size += snprintf(request + size, 8192 - (size_t)size, "%s\r\n", argv[i]);
    int whole = size + sprintf(request + size, "\r\n");
    if (connections < 1 || connections > 1024)
        fail("1 to 1024 connections");
    for (int i = 0; i < connections; i++)
        fds[i] = dial(port);
    for (long done = 0; done < requests;) {
        int batch = requests - done < connections ? (int)(requests - done) : connections;
        for (int i = 0; i < batch; i++) {
            if (bodies)
                whole = add_body(request, size, bodies);
            if (send(fds[i], request, (size_t)whole, MSG_NOSIGNAL) != whole)
                fail("cannot send");
        }
        for (int i = 0; i < batch; i++)
            read_answer(fds[i]);
        done += batch;
    }
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    return 0;
}
