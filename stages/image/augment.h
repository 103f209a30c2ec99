/*
 * augment - what a training picture looks like in one epoch: mirrored or not, and a
 * random part of it scaled back to the picture's size.
 *
 * What is drawn depends on the seed, the picture's name and the epoch alone, so it is the
 * same for every network, order and number of threads. docs/training.md has the draws and
 * the sampling formula.
 */
#ifndef IMAGE_AUGMENT_H
#define IMAGE_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"
#include "kit/draws.h"

struct augment {
    double area;   /* the smallest part of the picture that is kept, 0 < area <= 1 */
    double aspect; /* the part's sides are scaled by exp(+-u/2), u in -aspect..aspect */
    bool mirror;   /* with probability 1/2 */
};

/* The part to sample, in pixels; columns are read from right to left when mirrored. */
struct crop {
    double x, y, width, height;
    bool mirror;
};

/* The draws of a picture: `train-000123` gives the item `train/123`; a name that does not
 * end in "-" and decimal digits is the item as it stands. */
void augment_draws(struct draws *d, const char *name, uint64_t seed);
/* The part of a width x height picture that epoch (from 0) sees. */
void augment_crop(struct crop *c, const struct augment *a, const struct draws *d,
                  uint64_t epoch, int width, int height);

/* Where each output column is read: prepared once, so that sampling allocates nothing.
 * All-zero is empty. */
struct sampler {
    int width, height, channels;
    int *left, *right; /* offsets of the two source pixels of a column, in values */
    float *part;       /* the weight of the right one */
    float *row;        /* width * channels: the blend of two source rows */
};

void sampler_init(struct sampler *s, int width, int height, int channels);
void sampler_release(struct sampler *s);
/* Writes height x width x channels values in 0..1: the part c of a picture, scaled to the
 * whole size, bilinear, edge pixels repeated. The picture has the sampler's shape. */
void sampler_run(struct sampler *s, const struct crop *c, const struct image *im,
                 float *to);

#endif
