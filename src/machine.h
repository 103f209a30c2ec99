/*
 * machine - what there is to share among steps: processors, memory, GPUs.
 *
 * Processors are those that the scheduler lets us use, memory is what is installed, both
 * cut to the limits of our control group. GPUs are found without a call to their driver:
 * those of an outer CUDA_VISIBLE_DEVICES in its order, else as many as the setting `gpus`
 * says, else those that the kernel lists.
 */
#ifndef LARDER_MACHINE_H
#define LARDER_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "cgroup.h"

enum { MACHINE_GPUS = 64 }; /* at most */

struct machine { /* all-zero: nothing */
    int cpu;
    long long memory; /* bytes */
    char **gpu;       /* as CUDA_VISIBLE_DEVICES names them: numbers or UUIDs */
    size_t n_gpus;
    struct cgroup group;
    long long oom_kills; /* that were told of */
};

/* gpus: how many there are, -1: look. *m is new: machine_release(). */
void machine_look(struct machine *m, int gpus);
/* Whether the kernel has killed something here for want of memory since this was asked
 * last. */
bool machine_ran_out(struct machine *m);
void machine_release(struct machine *m);

#endif
