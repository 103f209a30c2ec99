/*
 * linear - y[n][k] = b[k] + sum over c, h, w of weight[k][c][h][w] x[n][h][w][c].
 */
#ifndef NN_PLAIN_LINEAR_H
#define NN_PLAIN_LINEAR_H

#include "nn/backend.h"

void plain_linear_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_linear_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
