/*
 * work - what is queued and not done until somebody waits for it.
 *
 * A piece of work follows others: what its stream had queued before it, and what events
 * and the legacy stream add. When one is demanded, that one and what it follows run, and
 * nothing else; among those that may run at once a setting chooses. What is to be done is
 * a deed, which a graph can have done many times.
 */
#ifndef CUDA_ON_CPU_WORK_H
#define CUDA_ON_CPU_WORK_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>

enum { MOST_SPANS = 6 };

/* Device memory that a deed touches. */
struct span {
    const void *at;
    size_t n;
    const char *what;
};

struct deed {
    int refs;
    const char *name; /* of the call that asked for it */
    int device;
    void (*run)(void *payload);
    void (*drop)(void *payload); /* NULL: nothing to do */
    struct span span[MOST_SPANS];
    int n_spans;
    size_t size;
    _Alignas(64) unsigned char payload[];
};

/* New, one reference; the payload is copied (NULL: left zero). */
struct deed *deed_new(void (*run)(void *payload), const void *payload, size_t size);
void deed_touches(struct deed *d, const void *at, size_t n, const char *what);
/* Stops unless what it touches is memory of its device. */
void deed_check(const struct deed *d);
struct deed *deed_ref(struct deed *d);
void deed_drop(struct deed *d);

struct work;

/* Several pieces of work, each one referenced; all zero is none. */
struct works {
    struct work **w;
    size_t n, cap;
};

/* Adds w unless it is NULL, done or there. */
void works_add(struct works *of, struct work *w);
void works_add_all(struct works *of, const struct works *from);
void works_clear(struct works *of);

/* Queues work that follows all of `after`; takes the deed (NULL: only an order). New, one
 * reference: give it to work_drop(). */
struct work *work_queue(struct deed *d, const struct works *after);
struct work *work_ref(struct work *w);
void work_drop(struct work *w);
bool work_done(const struct work *w); /* NULL is done */
double work_when(const struct work *w); /* it was done, in seconds */

/* Does it, and what it follows. */
void work_demand(struct work *w);
void work_demand_all(const struct works *of);
/* Does one piece of what it takes. */
void work_advance(struct work *w);
/* Adds all that is queued on a device. */
void work_of_device(int device, struct works *of);
/* Called by what runs: it is not done yet, and is to be run again later. */
void work_again(void);
/* Whether somebody waits for what runs; false: somebody only asks. */
bool work_is_awaited(void);
/* Stops when what is still to be done reads or writes host memory at p. */
void work_check_host(const void *p, size_t n);

#endif
