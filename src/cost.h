/*
 * cost - what the steps that are to run would take of the machine, all together.
 *
 * Sums of what the recipe says of steps, else of what they took when they ran last
 * (estimate.h). What neither tells is counted and not guessed.
 */
#ifndef LARDER_COST_H
#define LARDER_COST_H

#include "larder/buf.h"

#include "session.h"

struct cost {
    bool declared;       /* the recipe says some of it */
    size_t n_steps;      /* wanted and not done */
    double gpu_s, cpu_s; /* device seconds; a step with a GPU counts only there */
    size_t n_measured, n_declared, n_unknown; /* steps, by where their time is from */
    long long imports, absent; /* bytes that these steps read, and of them not here */
    size_t n_unsized;          /* imports whose size is not said */
    long long disk;            /* bytes of their outputs */
    size_t n_undisked;         /* steps of which that is not known */
};

/* After estimate_all(). Reads no data: imports are looked for, not opened. */
void cost_of(struct cost *c, struct session *s);

/* Appends it as words, without a newline; nothing where the recipe says nothing of it and
 * no GPU is known to be used: what is left then, seconds of work, is told anyhow. */
void cost_write(const struct cost *c, struct buf *to);

#endif
