/*
 * setting - what the environment asks of the double, read once.
 */
#ifndef CUDA_ON_CPU_SETTING_H
#define CUDA_ON_CPU_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order { ASCENDING, DESCENDING, SHUFFLED };

struct settings {
    int devices;        /* CUDA_ON_CPU_DEVICES: how many there are, or rather how
                         * many of them CUDA_VISIBLE_DEVICES lets us see */
    int gpu[8];         /* which one each of them is */
    size_t memory;      /* CUDA_ON_CPU_MEMORY: MiB of each, here in bytes */
    int capability;     /* CUDA_ON_CPU_CAPABILITY: 90 is 9.0 */
    enum order threads; /* CUDA_ON_CPU_THREADS: of the threads and blocks of a kernel */
    enum order streams; /* CUDA_ON_CPU_STREAMS: of what may run at once */
    uint64_t seed;      /* of both, behind a colon: shuffled:7 */
    const char *fail;   /* CUDA_ON_CPU_FAIL: N[:ERROR[:FUNCTION]] (fault.c) */
    const char *
        calls; /* CUDA_ON_CPU_CALLS: a file that gets the number of calls that can fail */
    bool leaks;   /* CUDA_ON_CPU_LEAKS=allow: none are told */
    bool after;   /* CUDA_ON_CPU_AFTER=allow: failures may go unheard */
    int patience; /* CUDA_ON_CPU_PATIENCE: seconds that a rank waits for others */
};

const struct settings *setting(void);

/* A walk that meets each of n places once. */
struct walk {
    size_t at, step, n;
};

struct walk walk_in(enum order order, uint64_t seed, size_t n);

static inline size_t walk_next(struct walk *w)
{
    size_t at = w->at;

    w->at += w->step;
    w->at -= w->at >= w->n ? w->n : 0;
    return at;
}

#endif
