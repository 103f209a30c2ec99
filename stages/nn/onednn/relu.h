/*
 * relu - max(x, 0), and its gate for operators that end in one.
 */
#ifndef NN_ONEDNN_RELU_H
#define NN_ONEDNN_RELU_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_relu;

/* dy is made 0 where y, the output of a ReLU, is not positive. */
void relu_gate(float *dy, const float *y, size_t n);

#endif
