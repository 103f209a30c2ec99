/*
 * weather - ImageNet-C's snow, frost and fog.
 */
#ifndef DISTORT_WEATHER_H
#define DISTORT_WEATHER_H

#include "distort/job.h"

int snow(const struct job *job, struct error *err);
int frost(const struct job *job, struct error *err);
int fog(const struct job *job, struct error *err);

#endif
