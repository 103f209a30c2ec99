/*
 * meter - one line at the foot of a terminal while results come or go: how many of them,
 * how many bytes so far, how fast.
 *
 * Elsewhere, and with -q, nothing is shown.
 */
#ifndef LARDER_METER_H
#define LARDER_METER_H

#include <stddef.h>

#include "foot.h"
#include "say.h"

struct meter { /* all-zero: there is none */
    struct say *say;
    struct foot foot;
    const char *verb;   /* "pushing" */
    const char *step;   /* whose turn it is; borrowed */
    size_t n, n_all;    /* steps */
    long long bytes;    /* moved so far, */
    double began, next; /* since when, and when the line is drawn again: monotonic */
};

/* verb, say and the names of the steps are borrowed until meter_close(). n_all: steps, or
 * 0 where only bytes are counted. */
void meter_open(struct meter *m, struct say *say, const char *verb, size_t n_all);
/* It is the turn of the next step. */
void meter_step(struct meter *m, const char *step);
/* So many bytes more; of the shape of what remotes and bundles tell. self: the meter. */
void meter_moved(void *self, size_t n);
void meter_close(struct meter *m); /* all-zero is fine */

#endif
