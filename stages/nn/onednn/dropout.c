#include "nn/onednn/dropout.h"

#include "larder/banned.h"
#include "nn/drop.h"

static size_t n_values(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->H * d->W * d->C;
}

static int dropout_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                           struct nn_op **op, struct error *err)
{
    int rc = onednn_prepare_loops(dev, desc, op, err);

    (*op)->n_state = n_values(desc) * sizeof(float);
    return rc;
}

static int dropout_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const float *factor = a->state;

    (void)err;
    drop_draw(&op->d, a, a->state);
    for (size_t i = 0; i < n_values(&op->d); i++)
        a->y[i] = a->x[i] * factor[i];
    return 0;
}

static int dropout_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const float *factor = a->state;

    (void)err;
    for (size_t i = 0; i < n_values(&op->d) && a->dx != NULL; i++)
        a->dx[i] = a->dy[i] * factor[i];
    return 0;
}

const struct onednn_code onednn_dropout = {
    .prepare = dropout_prepare,
    .discard = onednn_discard_loops,
    .forward = dropout_forward,
    .backward = dropout_backward,
};
