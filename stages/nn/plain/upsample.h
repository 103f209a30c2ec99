/*
 * upsample - each pixel of x becomes a square of stride x stride pixels.
 */
#ifndef NN_PLAIN_UPSAMPLE_H
#define NN_PLAIN_UPSAMPLE_H

#include "nn/backend.h"

void plain_upsample_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_upsample_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
