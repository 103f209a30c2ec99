/*
 * batchnorm - y = (x - mean[c]) / sqrt(var[c] + eps) gamma[c] + beta[c], then a ReLU
 * where it has one.
 *
 * In training mean and var are those of the pictures that count, over n, h and w, var
 * divided by their number M; the running ones move by a tenth towards mean and towards
 * var M / (M - 1). In evaluation they are the running ones.
 */
#ifndef NN_PLAIN_BATCHNORM_H
#define NN_PLAIN_BATCHNORM_H

#include "nn/backend.h"

/* Kept for the backward pass: mean, then 1 / sqrt(var + eps). */
size_t plain_batchnorm_state(const struct nn_op_desc *d);
void plain_batchnorm_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_batchnorm_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
