/*
 * maxpool - y[n][p][q][c] = the largest x in its window; what lies outside does not
 * count. The whole gradient goes to the first of several maxima, row by row.
 */
#ifndef NN_PLAIN_MAXPOOL_H
#define NN_PLAIN_MAXPOOL_H

#include "nn/backend.h"

void plain_maxpool_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_maxpool_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
