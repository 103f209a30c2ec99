#include "nn/onednn/conv.h"

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/onednn/stem.h"
#include "nn/onednn/weighted.h"

struct conv {
    struct weighted v; /* first: this is one */
    struct stem *stem; /* makes the input gradient where it suits, else NULL */
};

static struct conv *of(struct nn_op *op)
{
    return (struct conv *)op;
}

static void conv_discard(struct nn_op *op)
{
    stem_close(of(op)->stem);
    weighted_close(&of(op)->v);
    free(op);
}

static int conv_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                        struct nn_op **op, struct error *err)
{
    struct conv *c = xcalloc(1, sizeof *c);
    bool stem = desc->input_gradient && stem_suits(desc);
    size_t weights, work;
    int rc;

    rc = weighted_open(&c->v, dev, desc, desc->input_gradient && !stem, err);
    if (rc < 0)
        goto out;
    if (stem) {
        rc = stem_open(&c->stem, dev, desc, err);
        if (rc < 0)
            goto out;
        weights = (size_t)desc->K * desc->C * desc->kernel * desc->kernel * sizeof(float);
        weights = (weights + 63) / 64 * 64;
        work = weights +
               (stem_work(c->stem) > c->v.scratch ? stem_work(c->stem) : c->v.scratch);
        c->v.op.n_derived = stem_derived(c->stem);
        c->v.op.impl[1] = stem_impl(c->stem);
        if (work > c->v.op.n_work)
            c->v.op.n_work = work;
    }
    *op = &c->v.op;
out:
    if (rc < 0)
        conv_discard(&c->v.op);
    return rc;
}

static int conv_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    return weighted_forward(&of(op)->v, a, err);
}

static int conv_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    struct conv *c = of(op);
    int rc = weighted_backward_weights(&c->v, a, err);

    if (rc < 0 || a->dx == NULL)
        return rc;
    if (c->stem != NULL)
        return stem_backward(c->stem, a->w + op->n_weights, a->dy, a->dx, a->work, err);
    return weighted_backward_data(&c->v, a, err);
}

static int conv_pack(struct nn_op *op, float *w, const float *weight, const float *bias,
                     void *work, struct error *err)
{
    return weighted_pack(&of(op)->v, w, weight, bias, work, err);
}

static int conv_unpack(struct nn_op *op, const float *w, float *weight, float *bias,
                       void *work, struct error *err)
{
    return weighted_unpack(&of(op)->v, w, weight, bias, work, err);
}

static int conv_refresh(struct nn_op *op, float *w, void *work, struct error *err)
{
    struct conv *c = of(op);
    const struct nn_op_desc *d = &op->d;
    size_t n = ((size_t)d->K * d->C * d->kernel * d->kernel + 15) / 16 * 16;
    float *weight = work;
    int rc;

    if (c->stem == NULL)
        return weighted_refresh(&c->v, w, work, err);
    rc = weighted_unpack_weight(&c->v, w, weight, weight + n, err);
    if (rc < 0)
        return rc;
    return stem_refresh(c->stem, w + op->n_weights, weight, weight + n, err);
}

const struct onednn_code onednn_conv = {
    .prepare = conv_prepare,
    .discard = conv_discard,
    .forward = conv_forward,
    .backward = conv_backward,
    .pack = conv_pack,
    .unpack = conv_unpack,
    .refresh = conv_refresh,
};
