/*
 * fiber - stacks that a function can leave and come back to.
 */
#ifndef CUDA_ON_CPU_FIBER_H
#define CUDA_ON_CPU_FIBER_H

#include <stdbool.h>

struct fiber;

/* Calls function() when it is first gone to, and again whenever that has returned: the
 * function ends with a fiber_go(). New; kept for the rest of the process. */
struct fiber *fiber_new(void (*function)(void));
/* Leaves what runs, and goes on where f was left; NULL: where the first fiber was entered
 * from. */
void fiber_go(struct fiber *f);
/* Whether p is on the stack of the fiber that runs. */
bool fiber_owns(const void *p);

#endif
