/*
 * copy - copies and fillings, between host and devices.
 */
#ifndef CUDA_ON_CPU_COPY_H
#define CUDA_ON_CPU_COPY_H

#include <stdbool.h>

#include "work.h"

/* Whether the deed is a copy that reads or writes host memory among n bytes at p. */
bool copy_touches_host(const struct deed *d, const void *p, size_t n);

#endif
