/*
 * normalise - y = (x - mean[c]) / std[c].
 */
#ifndef NN_PLAIN_NORMALISE_H
#define NN_PLAIN_NORMALISE_H

#include "nn/backend.h"

void plain_normalise_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_normalise_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
