#include "larder/thread.h"

#include <signal.h>

#include "larder/banned.h"

bool thread_start(pthread_t *t, void *(*run)(void *self), void *self)
{
    sigset_t all, before;
    bool started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(t, NULL, run, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}
