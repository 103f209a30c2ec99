/*
 * reflect - reflection padding: y[p][q] = x[|p - pad|][|q - pad|], mirrored at the far
 * edge likewise; the edge itself is not repeated.
 */
#ifndef NN_PLAIN_REFLECT_H
#define NN_PLAIN_REFLECT_H

#include "nn/backend.h"

void plain_reflect_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_reflect_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
