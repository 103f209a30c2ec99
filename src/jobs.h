/*
 * jobs - the part of a run whose steps are jobs of Slurm: what is due is submitted, and
 * what jobs came to is taken.
 */
#ifndef LARDER_JOBS_H
#define LARDER_JOBS_H

#include "follow.h"

/* To nodes, whatever is free here. */
void jobs_submit(struct run *r);
/* Looks whether some are over. */
void jobs_look(struct run *r);

#endif
