/*
 * add - y = a + b, then a ReLU where it has one.
 */
#ifndef NN_PLAIN_ADD_H
#define NN_PLAIN_ADD_H

#include "nn/backend.h"

void plain_add_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_add_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
