/*
 * add - a + b with the ReLU behind it in one loop, and the sum of gradients.
 */
#ifndef NN_ONEDNN_ADD_H
#define NN_ONEDNN_ADD_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_add;

/* to += from */
void add_to(float *to, const float *from, size_t n);

#endif
