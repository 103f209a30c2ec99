/*
 * job - one distortion of one picture: what the functions behind corrupt() are given.
 */
#ifndef DISTORT_JOB_H
#define DISTORT_JOB_H

#include "distort/corrupt.h"

/* Which set of constants: by the side of the pictures. */
enum scale { SCALE_224, SCALE_64, SCALE_32, SCALES };

struct job {
    const struct image *from;
    uint8_t *to; /* side x side x 3 */
    int side;
    enum scale scale;
    int level; /* severity - 1 */
    const struct draws *d;
    const struct image *frost;
};

/* A constant by scale and severity. */
#define CONSTANT(table, job) ((table)[(job)->scale][(job)->level])

/* The common rule of the originals: clip to 0..1, times 255, cut off. */
static inline uint8_t byte_of(double v)
{
    return (uint8_t)((v < 0 ? 0 : v > 1 ? 1 : v) * 255);
}

static inline uint8_t byte_of_float(float v)
{
    return (uint8_t)((v < 0 ? 0 : v > 1 ? 1 : v) * 255);
}

#endif
