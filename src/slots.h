/*
 * slots - what of the machine may be used at once: processors (-j), memory, each GPU.
 *
 * A request above the machine gets the machine; a step that wants a GPU where there is
 * none runs on the processor.
 */
#ifndef LARDER_SLOTS_H
#define LARDER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "larder/buf.h"
#include "machine.h"
#include "plan.h"

struct slots {
    struct machine machine;
    int cpu, free_cpu;
    long long free_memory; /* bytes */
    uint64_t free_gpus;    /* bit i: device i of the machine */
};

/* What a step got. */
struct share {
    int cpu;
    long long memory;
    uint64_t gpus;
};

/* jobs 0, gpus -1: as many as there are. *s is new: slots_release(). */
void slots_init(struct slots *s, int jobs, int gpus);
void slots_release(struct slots *s);
/* False, with nothing taken, when that much is not free now. */
bool slots_take(struct slots *s, const struct resources *wanted, struct share *share);
void slots_give(struct slots *s, const struct share *share);
/* Appends the ids of the GPUs of a share, with commas. */
void slots_gpu_ids(const struct slots *s, const struct share *share, struct buf *ids);

#endif
