/*
 * relu - y = max(x, 0); the gradient at 0 is 0.
 */
#ifndef NN_PLAIN_RELU_H
#define NN_PLAIN_RELU_H

#include "nn/backend.h"

void plain_relu_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_relu_backward(const struct nn_op_desc *d, const struct nn_args *a);

/* The same in place, for operators that end in one: y is the ReLU's output. */
void plain_relu_clamp(float *y, size_t n);
void plain_relu_gate(float *dy, const float *y, size_t n);

#endif
