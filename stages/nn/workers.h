/*
 * workers - a fixed number of threads that share numbered work, always in the same way.
 *
 * Item i is done by worker i % threads, and worker 0 is the calling thread. The threads
 * take no signals.
 */
#ifndef NN_WORKERS_H
#define NN_WORKERS_H

#include "larder/error.h"

struct workers;

/* *w is new: workers_close(). */
int workers_open(struct workers **w, int threads, struct error *err);
void workers_close(struct workers *w); /* NULL is fine */

/* Does items 0 .. n - 1 and returns when all are done. */
void workers_run(struct workers *w, int n, void (*work)(void *context, int item),
                 void *context);

#endif
