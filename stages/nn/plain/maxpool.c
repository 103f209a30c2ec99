#include "nn/plain/maxpool.h"

#include <string.h>

#include "larder/banned.h"

/* The rows (or columns) of window p that lie inside an input of n. */
static void window(const struct nn_op_desc *d, int p, int n, int *from, int *to)
{
    *from = p * d->stride - d->pad;
    *to = *from + d->kernel;
    if (*from < 0)
        *from = 0;
    if (*to > n)
        *to = n;
}

/* Where in x the first maximum of window (p, q) of picture n and channel c is. */
static size_t first_maximum(const struct nn_op_desc *d, const float *x, int n, int p,
                            int q, int c)
{
    int h0, h1, w0, w1;
    size_t best;

    window(d, p, d->H, &h0, &h1);
    window(d, q, d->W, &w0, &w1);
    best = (((size_t)n * d->H + h0) * d->W + w0) * d->C + c;
    for (int h = h0; h < h1; h++) {
        for (int w = w0; w < w1; w++) {
            size_t i = (((size_t)n * d->H + h) * d->W + w) * d->C + c;
            if (x[i] > x[best] || x[i] != x[i]) /* what is no number wins */
                best = i;
        }
    }
    return best;
}

void plain_maxpool_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t o = 0;

    for (int n = 0; n < d->N; n++)
        for (int p = 0; p < d->P; p++)
            for (int q = 0; q < d->Q; q++)
                for (int c = 0; c < d->C; c++)
                    a->y[o++] = a->x[first_maximum(d, a->x, n, p, q, c)];
}

void plain_maxpool_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t o = 0;

    if (a->dx == NULL)
        return;
    memset(a->dx, 0, (size_t)d->N * d->H * d->W * d->C * sizeof *a->dx);
    for (int n = 0; n < d->N; n++) {
        for (int p = 0; p < d->P; p++) {
            for (int q = 0; q < d->Q; q++) {
                for (int c = 0; c < d->C; c++, o++) {
                    size_t i = first_maximum(d, a->x, n, p, q, c);
                    if (!d->gate || a->x[i] > 0)
                        a->dx[i] += a->dy[o];
                }
            }
        }
    }
}
