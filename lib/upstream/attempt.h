/* Attempt: getting a connection to an instance of a service that speaks a protocol - from the pool, or by connecting,
 * to the next instance where one does not answer. Embedded in what needs it. */
#ifndef GW_UPSTREAM_ATTEMPT_H
#define GW_UPSTREAM_ATTEMPT_H

#include "upstream/pool.h"

struct gw__attempt;

enum gw__attempt_failure { GW__ATTEMPT_NO_INSTANCE, GW__ATTEMPT_REFUSED, GW__ATTEMPT_TIMEOUT, GW__ATTEMPT_MEMORY };

enum gw__attempt_result { GW__ATTEMPT_READY, GW__ATTEMPT_WAITING, GW__ATTEMPT_FAILED };

struct gw__attempt {
    struct gw__upstream *upstream;
    struct gw__service *service;
    struct gw__instance *instance; /* the last one tried; held until gw__attempt_finish() */
    struct gw__outbound *outbound; /* connecting, or connected */
    struct gw__attempt *next;      /* that waits for the same connection */
    uint32_t tries;
    int error;                     /* errno of the last failed connect */
    enum gw__attempt_failure failure;
    enum gw__protocol protocol;
    uint8_t share; /* how many may wait for one connection, which takes so many uses; of protocols that share them */
    bool once; /* what is to be sent can't be sent a second time: see gw__pool_take() */
    void (*on_ready)(struct gw__attempt *attempt); /* attempt->outbound is connected */
    void (*on_failed)(struct gw__attempt *attempt);
};

/* READY and FAILED come by return or, after WAITING, by hook. upstream, service, protocol, share and
 * hooks are set by the caller. */
enum gw__attempt_result gw__attempt_start(struct gw__attempt *attempt);
/* Once more on a new connection to the same instance, after a pooled one turned out to be dead; where it can't be had,
 * to the next instance as at the start. */
enum gw__attempt_result gw__attempt_again(struct gw__attempt *attempt);
/* Gives up a connect under way (the connection goes to the pool when it comes) and lets go. One in use
 * is given back by its stream's finish, before this. */
void gw__attempt_finish(struct gw__attempt *attempt);

#endif
