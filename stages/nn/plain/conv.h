/*
 * conv - y[n][p][q][k] = b[k] + sum over c, i, j of w[k][c][i][j] x[n][p s + i e - pad][q
 * s + j e - pad][c], e the dilation; b is 0 where there is no bias.
 */
#ifndef NN_PLAIN_CONV_H
#define NN_PLAIN_CONV_H

#include "nn/backend.h"

void plain_conv_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_conv_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
