#include "nn/plain/add.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/plain/relu.h"

void plain_add_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t n = (size_t)d->N * d->P * d->Q * d->K;

    for (size_t i = 0; i < n; i++)
        a->y[i] = a->xs[0][i] + a->xs[1][i];
    if (d->relu)
        plain_relu_clamp(a->y, n);
}

void plain_add_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t n = (size_t)d->N * d->P * d->Q * d->K;

    if (d->relu)
        plain_relu_gate(a->dy, a->y, n);
    for (int k = 0; k < 2; k++)
        if (a->dxs[k] != NULL)
            memcpy(a->dxs[k], a->dy, n * sizeof *a->dy);
}
