/*
 * thread - one of ours, which hears no signals: those are for whoever started it.
 */
#ifndef LARDER_THREAD_H
#define LARDER_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* False where there can be no more of them. */
bool thread_start(pthread_t *t, void *(*run)(void *self), void *self);

#endif
