/*
 * elastic - ImageNet-C's elastic transform.
 */
#ifndef DISTORT_ELASTIC_H
#define DISTORT_ELASTIC_H

#include "distort/job.h"

int elastic_transform(const struct job *job, struct error *err);

#endif
