#include "nn/plain/normalise.h"

#include "larder/banned.h"

void plain_normalise_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = (size_t)d->N * d->H * d->W;
    int C = d->C;

    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < C; c++)
            a->y[i * C + c] = (a->x[i * C + c] - d->mean[c]) / d->std[c];
}

void plain_normalise_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = (size_t)d->N * d->H * d->W;
    int C = d->C;

    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < C; c++)
            a->dx[i * C + c] = a->dy[i * C + c] / d->std[c];
}
