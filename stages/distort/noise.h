/*
 * noise - distortions of ImageNet-C that draw each value anew.
 */
#ifndef DISTORT_NOISE_H
#define DISTORT_NOISE_H

#include "distort/job.h"

int gaussian_noise(const struct job *job, struct error *err);
int shot_noise(const struct job *job, struct error *err);
int impulse_noise(const struct job *job, struct error *err);

#endif
