#include "nn/onednn/upsample.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/onednn/add.h"

static int upsample_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    size_t C = (size_t)d->C, row = (size_t)d->Q * C;
    float *y = a->y;

    (void)err;
    for (size_t h = 0; h < (size_t)d->N * d->H; h++, y += d->stride * row) {
        const float *x = a->x + h * d->W * C;
        for (int q = 0; q < d->Q; q++)
            memcpy(y + q * C, x + q / d->stride * C, C * sizeof *y);
        for (int k = 1; k < d->stride; k++)
            memcpy(y + k * row, y, row * sizeof *y);
    }
    return 0;
}

static int upsample_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    size_t C = (size_t)d->C, row = (size_t)d->Q * C;
    const float *dy = a->dy;

    (void)err;
    if (a->dx == NULL)
        return 0;
    memset(a->dx, 0, (size_t)d->N * d->H * d->W * C * sizeof *a->dx);
    for (size_t h = 0; h < (size_t)d->N * d->H; h++) {
        float *dx = a->dx + h * d->W * C;
        for (int k = 0; k < d->stride; k++, dy += row)
            for (int q = 0; q < d->Q; q++)
                add_to(dx + q / d->stride * C, dy + q * C, C);
    }
    return 0;
}

const struct onednn_code onednn_upsample = {
    .prepare = onednn_prepare_loops,
    .discard = onednn_discard_loops,
    .forward = upsample_forward,
    .backward = upsample_backward,
};
