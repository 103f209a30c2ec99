/*
 * retry - trying a step again that did not get to its end through no fault of its own.
 *
 * transient   it ended with status 75, or the system could not start it just now
 * preempted   somebody else ended it: a signal such as SIGTERM that we did not send
 * oom         the kernel killed it for want of memory
 *
 * Each cause has its number of retries, after a pause that grows. Whatever else goes
 * wrong is the step's own and is never tried again.
 */
#ifndef LARDER_RETRY_H
#define LARDER_RETRY_H

#include "expr.h"
#include "plan.h"

/* node: `retry:`, or NULL for 2 transient, 10 preempted and no oom. */
int retry_read(const struct scope *s, const struct node *node,
               unsigned char limit[N_CAUSES], struct error *err);

const char *retry_cause(enum cause cause); /* its name */
double retry_pause(int n);                 /* seconds before retry n, from 1 */

#endif
