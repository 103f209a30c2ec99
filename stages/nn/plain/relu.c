#include "nn/plain/relu.h"

#include "larder/banned.h"

void plain_relu_clamp(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (y[i] < 0)
            y[i] = 0;
}

void plain_relu_gate(float *dy, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(y[i] > 0))
            dy[i] = 0;
}

void plain_relu_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t n = (size_t)d->N * d->H * d->W * d->C;

    for (size_t i = 0; i < n; i++)
        a->y[i] = a->x[i] < 0 ? 0 : a->x[i];
}

void plain_relu_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t n = (size_t)d->N * d->H * d->W * d->C;

    for (size_t i = 0; i < n && a->dx != NULL; i++)
        a->dx[i] = a->y[i] > 0 ? a->dy[i] : 0;
}
