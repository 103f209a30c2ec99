/*
 * dropout - y = x times 0 or 1 / (1 - share), as nn/drop.h draws them; only in training.
 */
#ifndef NN_PLAIN_DROPOUT_H
#define NN_PLAIN_DROPOUT_H

#include "nn/backend.h"

size_t plain_dropout_state(const struct nn_op_desc *d); /* bytes: the factors */
void plain_dropout_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_dropout_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
