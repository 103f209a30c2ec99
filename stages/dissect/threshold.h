/*
 * threshold - the value that about one activation in two hundred of a channel exceeds,
 * exactly, without keeping the activations (Bau et al. 2017, section 3.1).
 *
 * NetDissect reads entry 994 of 1,000 evenly spaced quantiles, q = 994/999, from a
 * sketch that interpolates linearly through ((j + 0.5)/n, x_j), x sorted from j = 0
 * (CSAILVision/NetDissect-Lite, util/vecquantile.py). On exact data that is the place
 * q n - 0.5 of the sorted list, so of all values only the largest, one in two hundred,
 * are kept: those that are among them so far, until there is no more room.
 */
#ifndef DISSECT_THRESHOLD_H
#define DISSECT_THRESHOLD_H

#include <stddef.h>
#include <stdint.h>

/* Of one channel; all-zero is empty. */
struct threshold {
    uint64_t n;  /* values that there are in all */
    size_t keep; /* of them from the place on */
    float *value;
    size_t have, cap;
    float cut; /* what is not above it is not among the largest */
};

/* n: of all values, at least 1. */
void threshold_open(struct threshold *t, uint64_t n);
void threshold_close(struct threshold *t);
/* Bytes that a channel of n values takes. */
size_t threshold_room(uint64_t n);
/* Some of the values of neighbouring channels: rows of as many floats as there are
 * channels, each row `stride` after the other. */
void threshold_add(struct threshold *channel, int channels, const float *v, int rows,
                   int stride);
/* After all values: the threshold, and the largest of them. */
double threshold_value(struct threshold *t, float *most);

#endif
