/*
 * blur - distortions of ImageNet-C that mix a pixel with those around it.
 */
#ifndef DISTORT_BLUR_H
#define DISTORT_BLUR_H

#include "distort/job.h"

int defocus_blur(const struct job *job, struct error *err);
int glass_blur(const struct job *job, struct error *err);
int motion_blur(const struct job *job, struct error *err);
int zoom_blur(const struct job *job, struct error *err);

#endif
