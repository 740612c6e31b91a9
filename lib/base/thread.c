/* A thread inherits the mask of its creator, so that is widened meanwhile. */
#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

int gw__thread_create(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
