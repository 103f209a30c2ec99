/*
 * tape - calls on the device's memory that are made again and again, recorded where the
 * backend can.
 */
#ifndef NN_TAPE_H
#define NN_TAPE_H

#include "nn/backend.h"
#include "nn/net.h"

/* What is computed alike each time; where any of it differs, it is recorded anew. */
struct tape_shape {
    bool attacked, clamped, clips, keep_best, look_last;
    int attack_steps;
};

/* Calls on the device's memory that are made again and again. All-zero is empty. */
struct taped {
    struct tape_shape shape;
    int made;   /* how often so far: the first time is not recorded */
    bool calls; /* recording has failed */
    struct nn_tape *tape;
};

/* What compute() does: call by call, since libraries prepare themselves in first calls;
 * from the second time on, where the backend records, from a tape. Where that fails,
 * stderr is told once, and it goes on call by call. */
int tape_run(struct net *net, struct taped *t, const struct tape_shape *shape,
             int (*compute)(void *context, struct error *err), void *context,
             struct error *err);
void tape_release(struct net *net, struct taped *t);

#endif
