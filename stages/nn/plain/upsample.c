#include "nn/plain/upsample.h"

#include <string.h>

#include "larder/banned.h"

/* Where in x the pixel lies that y[n][p][q] shows. */
static size_t shown(const struct nn_op_desc *d, int n, int p, int q)
{
    return (((size_t)n * d->H + p / d->stride) * d->W + q / d->stride) * d->C;
}

void plain_upsample_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    float *y = a->y;

    for (int n = 0; n < d->N; n++)
        for (int p = 0; p < d->P; p++)
            for (int q = 0; q < d->Q; q++, y += d->C)
                memcpy(y, a->x + shown(d, n, p, q), d->C * sizeof *y);
}

void plain_upsample_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    const float *dy = a->dy;

    if (a->dx == NULL)
        return;
    memset(a->dx, 0, (size_t)d->N * d->H * d->W * d->C * sizeof *a->dx);
    for (int n = 0; n < d->N; n++)
        for (int p = 0; p < d->P; p++)
            for (int q = 0; q < d->Q; q++, dy += d->C)
                for (int c = 0; c < d->C; c++)
                    a->dx[shown(d, n, p, q) + c] += dy[c];
}
