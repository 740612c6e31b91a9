/* Threads of the library: no signal of the host's is delivered to them. */
#ifndef GW_BASE_THREAD_H
#define GW_BASE_THREAD_H

#include <pthread.h>

/* pthread_create() with all signals blocked in the new thread; 0 or an errno. */
int gw__thread_create(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
