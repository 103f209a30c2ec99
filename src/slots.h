/*
 * slots - what of the machine may be used at once: processors (-j), memory, each GPU.
 *
 * A request above the machine gets the machine; a step that wants a GPU where there is
 * none runs on the processor. Started by a make that runs several jobs, we use as many
 * slots as it gives us: the first is ours, each other one takes a token of its job server
 * (jobserver.h). A step then starts with one slot, and with as many more of those that it
 * asked for as are free at that moment, so that nothing ever waits for all of them.
 *
 * Steps that ask for a share of a GPU are put on one together as long as their shares
 * fit; whoever asks for whole ones has them alone. A GPU is leased in the store while
 * one of our steps has it, so that no other `larder` of this
 * machine on the same store gives it away too.
 */
#ifndef LARDER_SLOTS_H
#define LARDER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "jobserver.h"
#include "larder/buf.h"
#include "larder/lease.h"
#include "larder/store.h"
#include "machine.h"
#include "plan.h"

struct slots {
    struct machine machine;
    int cpu, free_cpu;
    long long free_memory;      /* bytes */
    int gpu_used[MACHINE_GPUS]; /* of each device of the machine, in thousandths */
    struct jobserver make;
    bool starved;        /* the last step that did not fit lacked a token */
    bool contended;      /* it lacked a GPU that another larder has */
    struct store *store; /* or NULL: GPUs are not leased */
    struct lease *lease[MACHINE_GPUS];
};

/* What a step got. */
struct share {
    int cpu;
    long long memory;
    uint64_t gpus; /* bit i: device i of the machine */
    int gpu_part;  /* of each of them, in thousandths */
};

/* jobs 0, gpus -1: as many as there are. make: MAKEFLAGS, NULL where its job server is
 * not to be asked. store: borrowed. *s is new: slots_release(). */
void slots_init(struct slots *s, int jobs, int gpus, const char *make,
                struct store *store);
void slots_release(struct slots *s);
/* False, with nothing taken, when that much is not free now. */
bool slots_take(struct slots *s, const struct resources *wanted, struct share *share);
void slots_give(struct slots *s, const struct share *share);
/* Appends the ids of the GPUs of a share, with commas. */
void slots_gpu_ids(const struct slots *s, const struct share *share, struct buf *ids);

#endif
