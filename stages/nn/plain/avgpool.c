#include "nn/plain/avgpool.h"

#include <string.h>

#include "larder/banned.h"

/* Window (p, q) of picture n. */
struct window {
    int h0, h1, w0, w1;
    size_t x, y; /* where x[n] and y[n][p][q] begin */
    float size;
};

static void each_window(const struct nn_op_desc *d, const struct nn_args *a,
                        void (*visit)(const struct nn_op_desc *, const struct nn_args *,
                                      const struct window *))
{
    for (int n = 0; n < d->N; n++) {
        for (int p = 0; p < d->P; p++) {
            for (int q = 0; q < d->Q; q++) {
                struct window v = { .h0 = p * d->H / d->P,
                                    .h1 = ((p + 1) * d->H + d->P - 1) / d->P,
                                    .w0 = q * d->W / d->Q,
                                    .w1 = ((q + 1) * d->W + d->Q - 1) / d->Q };
                v.x = (size_t)n * d->H * d->W * d->C;
                v.y = (((size_t)n * d->P + p) * d->Q + q) * d->C;
                v.size = (float)((v.h1 - v.h0) * (v.w1 - v.w0));
                visit(d, a, &v);
            }
        }
    }
}

static void sum_window(const struct nn_op_desc *d, const struct nn_args *a,
                       const struct window *v)
{
    for (int c = 0; c < d->C; c++) {
        float sum = 0;
        for (int h = v->h0; h < v->h1; h++)
            for (int w = v->w0; w < v->w1; w++)
                sum += a->x[v->x + ((size_t)h * d->W + w) * d->C + c];
        a->y[v->y + c] = sum / v->size;
    }
}

static void spread_window(const struct nn_op_desc *d, const struct nn_args *a,
                          const struct window *v)
{
    for (int c = 0; c < d->C; c++)
        for (int h = v->h0; h < v->h1; h++)
            for (int w = v->w0; w < v->w1; w++)
                a->dx[v->x + ((size_t)h * d->W + w) * d->C + c] +=
                    a->dy[v->y + c] / v->size;
}

void plain_avgpool_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    each_window(d, a, sum_window);
}

void plain_avgpool_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    if (a->dx == NULL)
        return;
    memset(a->dx, 0, (size_t)d->N * d->H * d->W * d->C * sizeof *a->dx);
    each_window(d, a, spread_window);
}
