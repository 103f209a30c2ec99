/*
 * gram - y[i C + j] = mean over the pixels of x_i x_j, a picture each.
 */
#ifndef NN_PLAIN_GRAM_H
#define NN_PLAIN_GRAM_H

#include "nn/backend.h"

void plain_gram_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_gram_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
