#include "nn/onednn/avgpool.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/simd.h"

struct window {
    int h0, h1, w0, w1;
};

static struct window window_at(const struct nn_op_desc *d, int p, int q)
{
    return (struct window){ .h0 = p * d->H / d->P,
                            .h1 = ((p + 1) * d->H + d->P - 1) / d->P,
                            .w0 = q * d->W / d->Q,
                            .w1 = ((q + 1) * d->W + d->Q - 1) / d->Q };
}

static float size_of(const struct window *v)
{
    return (float)((v->h1 - v->h0) * (v->w1 - v->w0));
}

/* x: of the picture, W pixels a row; y: of the window, C values. */
NN_CLONES static void avgpool_sum(const struct window *v, int W, int C,
                                  const float *restrict x, float *restrict y, float size)
{
    memset(y, 0, (size_t)C * sizeof *y);
    for (int h = v->h0; h < v->h1; h++) {
        for (int w = v->w0; w < v->w1; w++) {
            const float *restrict from = x + ((size_t)h * W + w) * C;
            for (int c = 0; c < C; c++)
                y[c] += from[c];
        }
    }
    for (int c = 0; c < C; c++)
        y[c] /= size;
}

NN_CLONES static void avgpool_spread(const struct window *v, int W, int C,
                                     const float *restrict dy, float *restrict dx,
                                     float size)
{
    for (int h = v->h0; h < v->h1; h++) {
        for (int w = v->w0; w < v->w1; w++) {
            float *restrict to = dx + ((size_t)h * W + w) * C;
            for (int c = 0; c < C; c++)
                to[c] += dy[c] / size;
        }
    }
}

static int avgpool_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    float *y = a->y;

    (void)err;
    for (int n = 0; n < d->N; n++) {
        const float *x = a->x + (size_t)n * d->H * d->W * d->C;
        for (int p = 0; p < d->P; p++) {
            for (int q = 0; q < d->Q; q++, y += d->C) {
                struct window v = window_at(d, p, q);
                avgpool_sum(&v, d->W, d->C, x, y, size_of(&v));
            }
        }
    }
    return 0;
}

static int avgpool_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    const float *dy = a->dy;

    (void)err;
    if (a->dx == NULL)
        return 0;
    memset(a->dx, 0, (size_t)d->N * d->H * d->W * d->C * sizeof *a->dx);
    for (int n = 0; n < d->N; n++) {
        float *dx = a->dx + (size_t)n * d->H * d->W * d->C;
        for (int p = 0; p < d->P; p++) {
            for (int q = 0; q < d->Q; q++, dy += d->C) {
                struct window v = window_at(d, p, q);
                avgpool_spread(&v, d->W, d->C, dy, dx, size_of(&v));
            }
        }
    }
    return 0;
}

const struct onednn_code onednn_avgpool = {
    .prepare = onednn_prepare_loops,
    .discard = onednn_discard_loops,
    .forward = avgpool_forward,
    .backward = avgpool_backward,
};
