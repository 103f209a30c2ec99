#include "nn/onednn/reflect.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/onednn/add.h"

/* The row (or column) of an input of n that output row p shows. */
static int mirrored(int p, int pad, int n)
{
    int i = p < pad ? pad - p : p - pad;

    return i < n ? i : 2 * (n - 1) - i;
}

/* A row with its two ends: from, W pixels; to, pad more on each side. */
static void pad_row(const struct nn_op_desc *d, const float *from, float *to)
{
    size_t C = (size_t)d->C, pixel = C * sizeof *to;

    for (int q = 0; q < d->pad; q++) {
        memcpy(to + q * C, from + (d->pad - q) * C, pixel);
        memcpy(to + (d->pad + d->W + q) * C, from + (d->W - 2 - q) * C, pixel);
    }
    memcpy(to + d->pad * C, from, d->W * pixel);
}

static int reflect_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    size_t in = (size_t)d->W * d->C, out = (size_t)d->Q * d->C;

    (void)err;
    for (int n = 0; n < d->N; n++)
        for (int p = 0; p < d->P; p++)
            pad_row(d, a->x + ((size_t)n * d->H + mirrored(p, d->pad, d->H)) * in,
                    a->y + ((size_t)n * d->P + p) * out);
    return 0;
}

static int reflect_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    size_t C = (size_t)d->C;

    (void)err;
    if (a->dx == NULL)
        return 0;
    memset(a->dx, 0, (size_t)d->N * d->H * d->W * C * sizeof *a->dx);
    for (int n = 0; n < d->N; n++) {
        for (int p = 0; p < d->P; p++) {
            const float *dy = a->dy + ((size_t)n * d->P + p) * d->Q * C;
            float *dx = a->dx + ((size_t)n * d->H + mirrored(p, d->pad, d->H)) * d->W * C;
            for (int q = 0; q < d->pad; q++) {
                add_to(dx + (d->pad - q) * C, dy + q * C, C);
                add_to(dx + (d->W - 2 - q) * C, dy + (d->pad + d->W + q) * C, C);
            }
            add_to(dx, dy + d->pad * C, d->W * C);
        }
    }
    return 0;
}

const struct onednn_code onednn_reflect = {
    .prepare = onednn_prepare_loops,
    .discard = onednn_discard_loops,
    .forward = reflect_forward,
    .backward = reflect_backward,
};
