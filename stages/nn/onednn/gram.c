#include "nn/onednn/gram.h"

#include "larder/banned.h"
#include "nn/onednn/device.h"

static int gram_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                        struct nn_op **op, struct error *err)
{
    int rc = onednn_prepare_loops(dev, desc, op, err);

    if (rc == 0)
        (*op)->n_work = (size_t)desc->C * desc->C * sizeof(float);
    return rc;
}

/* x is pixels x C, y = x' x / pixels. */
static int gram_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    dnnl_dim_t C = d->C, pixels = (dnnl_dim_t)d->H * d->W;
    dnnl_status_t status = dnnl_success;

    for (int n = 0; n < d->N && status == dnnl_success; n++) {
        const float *x = a->x + (size_t)(n * pixels * C);
        status = dnnl_sgemm('T', 'N', C, C, pixels, 1 / (float)pixels, x, C, x, C, 0,
                            a->y + (size_t)(n * C * C), C);
    }
    return device_check(status, "multiplying channels", err);
}

/* dx = x (dy + dy') / pixels. */
static int gram_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    dnnl_dim_t C = d->C, pixels = (dnnl_dim_t)d->H * d->W;
    dnnl_status_t status = dnnl_success;
    float *both = a->work;

    for (int n = 0; n < d->N && a->dx != NULL && status == dnnl_success; n++) {
        const float *dy = a->dy + (size_t)(n * C * C);
        size_t at = (size_t)(n * pixels * C);
        for (int i = 0; i < d->C; i++)
            for (int j = 0; j < d->C; j++)
                both[i * C + j] = dy[i * C + j] + dy[j * C + i];
        status = dnnl_sgemm('N', 'N', pixels, C, C, 1 / (float)pixels, a->x + at, C, both,
                            C, 0, a->dx + at, C);
    }
    return device_check(status, "multiplying channels", err);
}

const struct onednn_code onednn_gram = {
    .prepare = gram_prepare,
    .discard = onednn_discard_loops,
    .forward = gram_forward,
    .backward = gram_backward,
};
