/*
 * avgpool - y[n][p][q][c] = the mean of x over rows floor(p H / P) .. ceil((p + 1) H / P)
 * - 1 and columns likewise: windows may overlap.
 */
#ifndef NN_PLAIN_AVGPOOL_H
#define NN_PLAIN_AVGPOOL_H

#include "nn/backend.h"

void plain_avgpool_forward(const struct nn_op_desc *d, const struct nn_args *a);
void plain_avgpool_backward(const struct nn_op_desc *d, const struct nn_args *a);

#endif
