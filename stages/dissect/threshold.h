/*
 * threshold - the value that about one activation in two hundred of a channel exceeds,
 * exactly, without keeping the activations (Bau et al. 2017, section 3.1).
 *
 * NetDissect reads entry 994 of 1,000 evenly spaced quantiles, q = 994/999, from a
 * sketch that interpolates linearly through ((j + 0.5)/n, x_j), x sorted from j = 0
 * (CSAILVision/NetDissect-Lite, util/vecquantile.py). On exact data that is the place
 * q n - 0.5 of the sorted list. Floats sort as their bits do, with the sign turned, so
 * two passes over the same activations find it: the first counts by the upper 16 bits,
 * the second the lower 16 of the one or two values between which it lies.
 */
#ifndef DISSECT_THRESHOLD_H
#define DISSECT_THRESHOLD_H

#include <stdint.h>

enum { THRESHOLD_BINS = 65536 };

/* Of one channel; all-zero is empty. */
struct threshold {
    uint64_t n, zeros;  /* values; zeros are counted apart, there are so many */
    uint32_t *upper;    /* first pass */
    uint32_t *lower[2]; /* second pass: of the bins of the lower and of the upper value */
    int n_lower;        /* 1 when both lie in one bin */
    uint32_t bin[2];    /* the upper halves of both */
    uint64_t before[2]; /* values in bins before those */
    float most;
};

void threshold_open(struct threshold *t);
void threshold_close(struct threshold *t);
/* The first pass: n values, each `stride` after the other. */
void threshold_count(struct threshold *t, const float *v, int n, int stride);
/* Between the passes. There must have been a value. */
void threshold_turn(struct threshold *t);
/* The second pass: the same values in any order. */
void threshold_refine(struct threshold *t, const float *v, int n, int stride);
double threshold_value(const struct threshold *t);

#endif
