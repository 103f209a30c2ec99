#include "nn/plain/concat.h"

#include <string.h>

#include "larder/banned.h"

void plain_concat_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = (size_t)d->N * d->P * d->Q;
    float *y = a->y;

    for (size_t i = 0; i < pixels; i++) {
        for (int k = 0; k < d->inputs; k++) {
            size_t C = (size_t)d->channels[k];
            memcpy(y, a->xs[k] + i * C, C * sizeof *y);
            y += C;
        }
    }
}

void plain_concat_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = (size_t)d->N * d->P * d->Q;
    const float *dy = a->dy;

    for (size_t i = 0; i < pixels; i++) {
        for (int k = 0; k < d->inputs; k++) {
            size_t C = (size_t)d->channels[k];
            if (a->dxs[k] != NULL)
                memcpy(a->dxs[k] + i * C, dy, C * sizeof *dy);
            dy += C;
        }
    }
}
