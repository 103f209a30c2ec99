/*
 * digital - ImageNet-C's brightness, contrast, pixelate and JPEG.
 */
#ifndef DISTORT_DIGITAL_H
#define DISTORT_DIGITAL_H

#include "distort/job.h"

int brightness(const struct job *job, struct error *err);
int contrast(const struct job *job, struct error *err);
int pixelate(const struct job *job, struct error *err);
int jpeg_compression(const struct job *job, struct error *err);

#endif
