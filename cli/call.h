/* What a single call and a row of calls share: the gateway in this process that makes them, and what became of them. */
#ifndef GWCTL_CALL_H
#define GWCTL_CALL_H

#include "gwctl.h"
#include "http.h"

#include <pthread.h>

enum { CALL_CODES = 24 };

/* What the arguments say. */
struct call_plan {
    const char *idl, *timeout, *body;
    const char *servers[64];
    size_t server_count;
    char *service; /* "echo" or "echo.Block", allocated */
    const char *method;
    struct gw_option *endpoint; /* options of the endpoint `thrift` */
    struct bytes headers;       /* lines of the request's head */
    bool include;
    double bench_seconds; /* 0: a single call */
    int connections;
};

/* Failures, as the gateway's worker notes them before it answers. */
struct call_outcome {
    pthread_mutex_t lock;
    bool failed; /* what follows is of the last call that did */
    char code[8];
    char *message, *errors, *exception; /* texts of JSON but the first; NULL: there is none. Allocated */
    struct call_code {
        char code[8];
        char *example;       /* the first message with that code; allocated */
        unsigned long count; /* for who counts answers; 0 to begin with */
    } codes[CALL_CODES];
    size_t code_count;
};

/* The exit code that a failure with that code means. */
int call_exit_code(const char *code);
/* Empties it. */
void call_forget(struct call_outcome *outcome);
struct call_code *call_find_code(struct call_outcome *outcome, const char *name); /* NULL: none so far */
/* Calls for plan->bench_seconds on plan->connections connections and prints what that gave. */
int call_bench(const struct call_plan *plan, const char *socket, const struct bytes *request,
               struct call_outcome *outcome);

#endif
