/* What tests of a whole server need around it: an HTTP client, one in a thread, somebody who releases a
 * hold later, and what the process has in use: bytes of the library, threads, descriptors. */
#ifndef GW_TEST_HOST_H
#define GW_TEST_HOST_H

#include "unit.h"

#include <gateway/gateway.h>
#include <pthread.h>
#include <stdatomic.h>

struct answer {
    size_t size;
    char *body;
    char text[16384];
};

/* Asks for a path on a connection of its own, with header lines ("A: b\r\n"). Returns the status, 0 if no
 * whole answer came. */
int get(struct answer *answer, int port, const char *path, const char *headers);

struct client {
    pthread_t thread;
    struct answer answer;
    const char *path;
    int port, status;
    atomic_int done;
};
void client_start(struct client *client, int port, const char *path);
int client_join(struct client *client); /* its status */

struct releaser {
    pthread_t thread;
    _Atomic(struct gw_hold *) *hold;
    unsigned after_us;
};
void releaser_start(struct releaser *releaser);
void releaser_join(struct releaser *releaser);

struct usage {
    long blocks;  /* allocated and not freed */
    int threads, descriptors;
};
/* Counts the library's allocations from the first call on. */
struct usage measure(void);
void assert_given_back(struct usage before);
/* The allocations number `from` (counted from 0) up to `to` fail, from now on. */
void fail_from_to(long from, long to);
bool any_failed(void);
/* So many were made since then, or since the first call of measure(). */
long allocations(void);
void fail_no_more(void);
int first_free_descriptor(void);

#endif
