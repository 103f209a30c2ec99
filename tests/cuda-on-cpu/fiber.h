/*
 * fiber - stacks that a function can leave and come back to.
 */
#ifndef CUDA_ON_CPU_FIBER_H
#define CUDA_ON_CPU_FIBER_H

#include <stdbool.h>

struct fiber;

/* Calls function() at its first fiber_enter(), and again whenever it has returned from
 * fiber_leave(). New; kept for the rest of the process. */
struct fiber *fiber_new(void (*function)(void));
/* Runs it until it leaves. */
void fiber_enter(struct fiber *f);
/* Back to who entered; from within a fiber only. */
void fiber_leave(void);
/* Whether p is on the stack of the fiber that runs. */
bool fiber_owns(const void *p);

#endif
