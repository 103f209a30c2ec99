/*
 * concat - the channels of all inputs side by side, pixel by pixel.
 */
#ifndef NN_PLAIN_CONCAT_H
#define NN_PLAIN_CONCAT_H

#include "nn/backend.h"

void plain_concat_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_concat_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
