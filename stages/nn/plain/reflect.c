#include "nn/plain/reflect.h"

#include <string.h>

#include "larder/banned.h"

/* The row (or column) of an input of n that output row p shows. */
static int mirrored(int p, int pad, int n)
{
    int i = p - pad;

    i = i < 0 ? -i : i;
    return i < n ? i : 2 * (n - 1) - i;
}

/* Where in x the pixel lies that y[n][p][q] shows. */
static size_t shown(const struct nn_op_desc *d, int n, int p, int q)
{
    int h = mirrored(p, d->pad, d->H), w = mirrored(q, d->pad, d->W);

    return (((size_t)n * d->H + h) * d->W + w) * d->C;
}

void plain_reflect_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    float *y = a->y;

    for (int n = 0; n < d->N; n++)
        for (int p = 0; p < d->P; p++)
            for (int q = 0; q < d->Q; q++, y += d->C)
                memcpy(y, a->x + shown(d, n, p, q), d->C * sizeof *y);
}

void plain_reflect_backward(const struct nn_op_desc *d, const struct nn_args *a)
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
