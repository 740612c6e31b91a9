/* Client, threads and the counting allocator of host.h. */
#include "host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- client ---- */

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20}, sizeof(struct timeval));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void receive(struct answer *answer, int fd)
{
    ssize_t n;
    do { /* with a timeout, standing still interrupts it */
        n = recv(fd, answer->text + answer->size, sizeof answer->text - 1 - answer->size, 0);
        if (n > 0)
            answer->size += (size_t)n;
    } while (answer->size < sizeof answer->text - 1 && (n > 0 || (n < 0 && errno == EINTR)));
    answer->text[answer->size] = '\0';
}

static int status_of(struct answer *answer)
{
    char *end = strstr(answer->text, "\r\n\r\n");
    if (!end || strncmp(answer->text, "HTTP/1.1 ", 9) != 0)
        return 0;
    answer->body = end + 4;
    const char *length = strstr(answer->text, "Content-Length: ");
    if (length && length < end && (size_t)atoi(length + 16) != strlen(answer->body))
        return 0;
    return atoi(answer->text + 9);
}

int get(struct answer *answer, int port, const char *path, const char *headers)
{
    char request[1024];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n", path, headers);
    answer->size = 0;
    answer->text[0] = '\0';
    answer->body = answer->text;
    int fd = connect_to(port);
    if (fd < 0)
        return 0;
    if (send(fd, request, (size_t)size, MSG_NOSIGNAL) == size)
        receive(answer, fd);
    close(fd);
    return status_of(answer);
}

static void *run_client(void *arg)
{
    struct client *client = arg;
    client->status = get(&client->answer, client->port, client->path, "");
    atomic_store(&client->done, 1);
    return NULL;
}

void client_start(struct client *client, int port, const char *path)
{
    memset(client, 0, sizeof *client);
    client->port = port;
    client->path = path;
    ck_assert_int_eq(pthread_create(&client->thread, NULL, run_client, client), 0);
}

int client_join(struct client *client)
{
    pthread_join(client->thread, NULL);
    return client->status;
}

static void *run_releaser(void *arg)
{
    struct releaser *releaser = arg;
    usleep(releaser->after_us);
    gw_hold_release(atomic_load(releaser->hold), GW_CONTINUE);
    return NULL;
}

void releaser_start(struct releaser *releaser)
{
    ck_assert_int_eq(pthread_create(&releaser->thread, NULL, run_releaser, releaser), 0);
}

void releaser_join(struct releaser *releaser)
{
    pthread_join(releaser->thread, NULL);
}

/* ---- what is in use ---- */

static atomic_long blocks, number, fail_first = LONG_MAX, fail_last;
static atomic_bool failed;

static bool fails(void)
{
    long n = atomic_fetch_add(&number, 1);
    if (n < atomic_load(&fail_first) || n >= atomic_load(&fail_last))
        return false;
    atomic_store(&failed, true);
    return true;
}

static void *counting_malloc(size_t size)
{
    void *memory = fails() ? NULL : malloc(size);
    atomic_fetch_add(&blocks, memory != NULL);
    return memory;
}

static void *counting_realloc(void *memory, size_t size)
{
    void *grown = fails() ? NULL : realloc(memory, size);
    atomic_fetch_add(&blocks, grown && !memory);
    return grown;
}

static void counting_free(void *memory)
{
    atomic_fetch_sub(&blocks, memory != NULL);
    free(memory);
}

void fail_from_to(long from, long to)
{
    atomic_store(&failed, false);
    atomic_store(&number, 0);
    atomic_store(&fail_last, to);
    atomic_store(&fail_first, from);
}

long allocations(void)
{
    return atomic_load(&number);
}

bool any_failed(void)
{
    return atomic_load(&failed);
}

void fail_no_more(void)
{
    atomic_store(&fail_first, LONG_MAX);
}

static int count_entries(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void *do_nothing(void *arg)
{
    return arg;
}

/* A sanitizer starts a thread of its own with the first one. A joined thread leaves /proc a moment later. */
static void warm_up(void)
{
    static atomic_bool warm;
    pthread_t thread;
    if (atomic_exchange(&warm, true))
        return;
    int alone = count_entries("/proc/self/task");
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
    for (int i = 0; i < 100 && count_entries("/proc/self/task") > alone; i++)
        usleep(1000);
}

struct usage measure(void)
{
    warm_up();
    gw_set_allocator(counting_malloc, counting_realloc, counting_free);
    return (struct usage){
        .blocks = atomic_load(&blocks),
        .threads = count_entries("/proc/self/task"),
        .descriptors = count_entries("/proc/self/fd"),
    };
}

void assert_given_back(struct usage before)
{
    struct usage now = measure();
    for (int i = 0; i < 200 && now.threads > before.threads; i++) {
        usleep(1000);
        now = measure();
    }
    ck_assert_int_eq(now.blocks, before.blocks);
    ck_assert_int_le(now.threads, before.threads); /* one of before may have been on its way out */
    ck_assert_int_eq(now.descriptors, before.descriptors);
}

int first_free_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}
