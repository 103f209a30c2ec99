#include "nn/onednn/maxpool.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/simd.h"

/* The part of a window that lies inside the input, and its place in y. */
struct window {
    int h0, h1, w0, w1;
    size_t y;
};

static struct window window_at(const struct nn_op_desc *d, int n, int p, int q)
{
    struct window v = { .h0 = p * d->stride - d->pad, .w0 = q * d->stride - d->pad };

    v.h1 = v.h0 + d->kernel < d->H ? v.h0 + d->kernel : d->H;
    v.w1 = v.w0 + d->kernel < d->W ? v.w0 + d->kernel : d->W;
    v.h0 = v.h0 > 0 ? v.h0 : 0;
    v.w0 = v.w0 > 0 ? v.w0 : 0;
    v.y = (((size_t)n * d->P + p) * d->Q + q) * d->C;
    return v;
}

/* Vectors run over the C channels; x is picture n. */
NN_CLONES static void window_forward(const struct nn_op_desc *d, struct window v,
                                     const float *restrict x, float *restrict y)
{
    int C = d->C;

    memcpy(y, x + ((size_t)v.h0 * d->W + v.w0) * C, C * sizeof *y);
    for (int h = v.h0; h < v.h1; h++) {
        for (int w = v.w0; w < v.w1; w++) {
            const float *restrict z = x + ((size_t)h * d->W + w) * C;
            for (int c = 0; c < C; c++) /* what is no number wins, as in PyTorch */
                y[c] = z[c] > y[c] || z[c] != z[c] ? z[c] : y[c];
        }
    }
}

/* rest: what is left of dy once the first maximum of a channel has been met. */
NN_CLONES static void window_backward(const struct nn_op_desc *d, struct window v,
                                      const float *restrict x, const float *restrict y,
                                      const float *restrict dy, float *restrict dx,
                                      float *restrict rest)
{
    int C = d->C;

    if (d->gate)
        for (int c = 0; c < C; c++)
            rest[c] = y[c] > 0 ? dy[c] : 0;
    else
        memcpy(rest, dy, C * sizeof *rest);
    for (int h = v.h0; h < v.h1; h++) {
        for (int w = v.w0; w < v.w1; w++) {
            const float *restrict z = x + ((size_t)h * d->W + w) * C;
            float *restrict dz = dx + ((size_t)h * d->W + w) * C;
            for (int c = 0; c < C; c++) {
                float hit = z[c] == y[c] ? rest[c] : 0;
                dz[c] += hit;
                rest[c] = z[c] == y[c] ? 0 : rest[c];
            }
        }
    }
}

static int maxpool_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                           struct nn_op **op, struct error *err)
{
    int rc = onednn_prepare_loops(dev, desc, op, err);

    if (rc == 0)
        (*op)->n_work = desc->C * sizeof(float);
    return rc;
}

static int maxpool_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;

    (void)err;
    for (int n = 0; n < d->N; n++) {
        const float *x = a->x + (size_t)n * d->H * d->W * d->C;
        for (int p = 0; p < d->P; p++)
            for (int q = 0; q < d->Q; q++) {
                struct window v = window_at(d, n, p, q);
                window_forward(d, v, x, a->y + v.y);
            }
    }
    return 0;
}

static int maxpool_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    size_t picture = (size_t)d->H * d->W * d->C;

    (void)err;
    if (a->dx == NULL)
        return 0;
    for (int n = 0; n < d->N; n++) {
        const float *x = a->x + n * picture;
        float *dx = a->dx + n * picture;
        memset(dx, 0, picture * sizeof *dx);
        for (int p = 0; p < d->P; p++)
            for (int q = 0; q < d->Q; q++) {
                struct window v = window_at(d, n, p, q);
                window_backward(d, v, x, a->y + v.y, a->dy + v.y, dx, a->work);
            }
    }
    return 0;
}

const struct onednn_code onednn_maxpool = {
    .prepare = maxpool_prepare,
    .discard = onednn_discard_loops,
    .forward = maxpool_forward,
    .backward = maxpool_backward,
};
