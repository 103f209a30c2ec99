/*
 * slots - what of the machine may be used at once: processors and memory.
 *
 * Processors: -j, else those that the scheduler lets us use and the quota of our control
 * group allows. Memory: what is installed, or the limit of our control group. A request
 * above the machine gets the machine.
 */
#ifndef LARDER_SLOTS_H
#define LARDER_SLOTS_H

#include <stdbool.h>

#include "plan.h"

struct slots {
    int cpu, free_cpu;
    long long memory, free_memory; /* bytes */
};

/* What a step asked for, cut to the machine. */
struct share {
    int cpu;
    long long memory;
};

void slots_init(struct slots *s, int jobs); /* jobs 0: not said */
struct share slots_share(const struct slots *s, const struct resources *wanted);
/* False, with nothing taken, when that much is not free now. */
bool slots_take(struct slots *s, struct share share);
void slots_give(struct slots *s, struct share share);

#endif
