/*
 * kernel - the filters of one convolution, out of a model's file.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "nn/tensors.h"

/* All-zero is empty. */
struct kernel {
    struct tensors model;
    const struct tensor *tensor;
    long filters, channels, height, width;
    long size; /* weights of a filter: channels * height * width */
};

/* name: of the parameter, "features.0.weight". E_INPUT when the model has none of that
 * name (with the nearest), or it is no kernel of two dimensions. */
int kernel_read(struct kernel *k, const char *path, const char *name, struct error *err);
void kernel_release(struct kernel *k);
/* The weights of filter i, channels x height x width; borrowed. */
const float *kernel_filter(const struct kernel *k, long i);

#endif
