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

/* All-zero is empty. */
struct batches {
    struct imageset *set;
    long pictures; /* in the set */
    int batch;     /* pictures a batch */
    long n;        /* batches an epoch */
    int width, height, channels;
    uint64_t seed, epoch;
    struct augment augment;
    struct sampler sampler;
    struct draws *draws;  /* of each picture */
    struct draws *picked; /* of each picture of the batch loaded last */
    uint32_t *order;      /* of the epoch */
};

/* rest: what is left over is a batch too. Refuses (E_INPUT) a set with fewer pictures
 * than a batch, of several sizes, or with a label outside 0..classes-1. */
int batches_open(struct batches *b, const char *path, int batch, bool rest, int classes,
                 const struct augment *augment, uint64_t seed, struct error *err);
void batches_close(struct batches *b);
/* Sets the order of epoch e, from 0. */
void batches_begin(struct batches *b, uint64_t epoch);
/* The pictures of batch i < n. */
int batches_size(const struct batches *b, long i);
/* Fills pixels (pictures x height x width x channels, 0..1) and label with them. */
int batches_load(struct batches *b, long i, float *pixels, int32_t *label,
                 struct error *err);

#endif
