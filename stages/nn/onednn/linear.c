#include "nn/onednn/linear.h"

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/onednn/weighted.h"

static struct weighted *of(struct nn_op *op)
{
    return (struct weighted *)op;
}

static void linear_discard(struct nn_op *op)
{
    weighted_close(of(op));
    free(op);
}

static int linear_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                          struct nn_op **op, struct error *err)
{
    struct weighted *v = xcalloc(1, sizeof *v);
    int rc = weighted_open(v, dev, desc, desc->input_gradient, err);

    if (rc < 0) {
        linear_discard(&v->op);
        return rc;
    }
    *op = &v->op;
    return 0;
}

static int linear_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    return weighted_forward(of(op), a, err);
}

static int linear_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    int rc = weighted_backward_weights(of(op), a, err);

    return rc < 0 ? rc : weighted_backward_data(of(op), a, err);
}

static int linear_pack(struct nn_op *op, float *w, const float *weight, const float *bias,
                       void *work, struct error *err)
{
    return weighted_pack(of(op), w, weight, bias, work, err);
}

static int linear_unpack(struct nn_op *op, const float *w, float *weight, float *bias,
                         void *work, struct error *err)
{
    return weighted_unpack(of(op), w, weight, bias, work, err);
}

static int linear_refresh(struct nn_op *op, float *w, void *work, struct error *err)
{
    return weighted_refresh(of(op), w, work, err);
}

const struct onednn_code onednn_linear = {
    .prepare = linear_prepare,
    .discard = linear_discard,
    .forward = linear_forward,
    .backward = linear_backward,
    .pack = linear_pack,
    .unpack = linear_unpack,
    .refresh = linear_refresh,
};
