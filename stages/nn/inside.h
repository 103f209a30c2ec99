/*
 * inside - a net as net.c and step.c see it.
 */
#ifndef NN_INSIDE_H
#define NN_INSIDE_H

#include "nn/attack.h"
#include "nn/backend.h"
#include "nn/fuse.h"
#include "nn/gather.h"
#include "nn/lane.h"
#include "nn/net.h"
#include "nn/step.h"
#include "nn/tape.h"
#include "nn/weights.h"
#include "nn/workers.h"

struct net {
    const struct nn_backend *b;
    const struct graph *graph;
    struct net_options o;
    struct program program[2]; /* of evaluation; of training, where it is another */
    int n_programs, run;       /* run: the one under way */
    struct lane **lane;        /* those of this process, */
    int n_lanes;               /* so many */
    struct workers *workers;
    struct weights weights;
    int n; /* pictures of the last net_forward() */
    char platform[64];
    struct error *lane_error; /* n_lanes */
    /* steps of training: */
    int waits;                    /* the place of the batch that was put last */
    struct taped step[2], search; /* without an attack, with one; an attack alone */
    /* of several ranks: */
    struct exchange {
        void *mine, *all; /* device memory for a lane's values, and those of all ranks */
        float *host;
        size_t n; /* values of a lane that there is room for */
    } exchange;
};

struct draws;
/* Of that picture; NULL where there are none. */
const struct draws *net_draws_at(const struct net_draws *d, int picture);

/* The program that the lanes run, from here on. */
void net_run_program(struct net *net, int k);

#endif
