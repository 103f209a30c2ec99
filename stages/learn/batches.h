/*
 * batches - the pictures of a training set, epoch by epoch, shuffled and augmented.
 *
 * The order of an epoch and what each picture looks like in it depend on the seed, the
 * epoch and the pictures' names alone (docs/training.md). What an epoch's order leaves
 * over after the last whole batch is a smaller one, or is not used in that epoch.
 */
#ifndef LEARN_BATCHES_H
#define LEARN_BATCHES_H

#include "image/augment.h"
#include "image/set.h"

struct batches_options {
    const char *const *set; /* paths; epoch e is of set e mod n_sets */
    int n_sets;
    int batch; /* pictures a batch */
    bool rest; /* what is left over is a batch too */
    int classes;
    int robust_side; /* image/robust.h, to so many pixels; 0: image/augment.h */
    struct augment augment;
    uint64_t seed;
    int threads;     /* that make pictures */
    int rank, ranks; /* of so many equal parts of a batch, the one that is made; 1, or 0:
                        all of it */
};

/* All-zero is empty. */
struct batches {
    struct batches_options o;    /* its paths are borrowed until batches_close() */
    struct imageset *set;        /* of the epoch */
    int at;                      /* which one it is */
    long pictures;               /* in the set */
    long n;                      /* batches an epoch */
    int width, height, channels; /* of what is loaded */
    uint64_t epoch;
    struct sampler *sampler; /* of each thread */
    struct workers *workers;
    struct draws *draws;  /* of each picture */
    struct draws *picked; /* of each picture of the batch loaded last */
    uint32_t *order;      /* of the epoch */
};

/* The sets must hold the same names: of one picture, so many versions. Refuses (E_INPUT)
 * sets with fewer pictures than a batch, with a label outside 0..classes-1, or, but for
 * robust_side, of several sizes. */
int batches_open(struct batches *b, const struct batches_options *o, struct error *err);
void batches_close(struct batches *b);
/* Turns to the set of epoch e, from 0, and draws its order. */
int batches_begin(struct batches *b, uint64_t epoch, struct error *err);
/* The pictures of batch i < n. */
int batches_size(const struct batches *b, long i);
/* Fills pixels (pictures x height x width x channels, 0..1; robust.h may leave that), but
 * for those of other ranks in a whole batch, and label with them. */
int batches_load(struct batches *b, long i, float *pixels, int32_t *label,
                 struct error *err);

#endif
