/*
 * ranks - a program on several GPUs: as many processes of it, one a GPU, that take the
 * same steps, each with its lanes of every batch.
 *
 * The first process, rank 0, starts the others with its own arguments; it alone writes
 * and tells. When one of them fails, all end.
 */
#ifndef NN_RANKS_H
#define NN_RANKS_H

#include "larder/error.h"

enum { RANKS_MAX = 64, RANKS_ID = 128 };

struct ranks {
    int rank, n;                /* from 0; how many: 1 is a program alone */
    unsigned char id[RANKS_ID]; /* by which they find each other */
};

/* Of this process, by LARDER_DEVICE ("cuda:0,1": two). In rank 0 the others are started
 * here, once, before anything is written. E_DEVICE. */
int ranks_start(struct ranks *r, struct error *err);
/* In rank 0: waits until the others have ended well. Nets are closed before it, since all
 * ranks leave NCCL together. */
int ranks_finish(const struct ranks *r, struct error *err);
/* When a rank of several has failed with rc: tells it and ends the process, and with it
 * all ranks. Nothing is closed: the GPU may wait for one that will not come. */
void ranks_fail(int rc, const struct error *err);

#endif
