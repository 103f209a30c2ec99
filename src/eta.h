/*
 * eta - how long a run goes on, by what its steps took before.
 *
 * A step that never ran is thought to take what others of its stage took in this run. A
 * step that may yet turn out to be done counts as one that runs.
 */
#ifndef LARDER_ETA_H
#define LARDER_ETA_H

#include <stddef.h>

#include "plan.h"
#include "running.h"
#include "work.h"

struct eta {
    size_t n_steps;
    size_t *stage; /* [n_steps]: a number for each stage */
    double *took;  /* by stage: seconds of those that ran, */
    size_t *ran;   /* and how many these are */
    double *rest;  /* [n_steps]: seconds that each still takes, -1: not known */
    double *way;   /* [n_steps]: and until the last step behind it is done */
};

void eta_init(struct eta *e, const struct plan *plan);
void eta_release(struct eta *e);
/* A step has run: work->seconds. */
void eta_ran(struct eta *e, const struct work *w);
/* Seconds until the last wanted step is done, on so many processors: what there is to do,
 * shared by all of them, or the longest way, whatever is more. *unknown: how many steps
 * nothing is known of; they count as nothing. work is that of the plan. */
double eta_left(struct eta *e, const struct work *work, const struct running *active,
                size_t n_active, int processors, double now, size_t *unknown);

#endif
