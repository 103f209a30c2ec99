#include "nn/onednn/weighted.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/onednn/relu.h"

static struct desc describe(const struct nn_op_desc *d)
{
    bool conv = d->kind == NN_CONV;

    return (struct desc){
        .N = d->N,
        .C = d->C,
        .H = d->H,
        .W = d->W,
        .K = d->K,
        .P = d->P,
        .Q = d->Q,
        .kernel = conv ? d->kernel : 0,
        .stride = d->stride,
        .dilation = d->dilation,
        .top = d->pad,
        .left = d->pad,
        .bottom = d->pad,
        .right = d->pad,
        .relu = d->relu,
        .training = d->input_gradient || d->weight_gradient,
        .bias = d->bias,
    };
}

static size_t floats(const dnnl_memory_desc_t *md)
{
    return (dnnl_memory_desc_get_size(md) / sizeof(float) + 15) / 16 * 16;
}

static void want_scratch(struct weighted *v, const struct prim *p)
{
    if (p->n_scratch > v->scratch)
        v->scratch = p->n_scratch;
}

static int open_forward(struct weighted *v, struct error *err)
{
    int args[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST,
                   v->desc.bias ? DNNL_ARG_BIAS : 0, 0 };
    const dnnl_memory_desc_t *w;
    dnnl_memory_desc_t plain;
    dnnl_primitive_desc_t pd;
    int rc;

    rc = desc_forward(&pd, v->dev, &v->desc, err);
    if (rc < 0)
        return rc;
    rc = prim_open(&v->forward, v->dev, pd, args, err);
    if (rc < 0)
        return rc;
    w = prim_layout(&v->forward, DNNL_ARG_WEIGHTS);
    desc_plain_weights(&plain, &v->desc);
    rc = prim_open_reorder(&v->pack, v->dev, &plain, w, err);
    if (rc == 0)
        rc = prim_open_reorder(&v->unpack, v->dev, w, &plain, err);
    v->bias = floats(w);
    v->op.n_weights = v->bias;
    if (v->desc.bias)
        v->op.n_weights += (size_t)(v->desc.K + 15) / 16 * 16;
    v->op.impl[0] = v->forward.impl;
    return rc;
}

static int open_data(struct weighted *v, struct error *err)
{
    static const int args[] = { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC,
                                0 };
    const dnnl_memory_desc_t *from, *to;
    dnnl_primitive_desc_t pd;
    int rc;

    rc = desc_data(&pd, v->dev, &v->desc, err);
    if (rc < 0)
        return rc;
    rc = prim_open(&v->data, v->dev, pd, args, err);
    if (rc < 0)
        return rc;
    v->op.impl[1] = v->data.impl;
    from = prim_layout(&v->forward, DNNL_ARG_WEIGHTS);
    to = prim_layout(&v->data, DNNL_ARG_WEIGHTS);
    if (dnnl_memory_desc_equal(from, to))
        return 0;
    v->op.n_derived = floats(to);
    return prim_open_reorder(&v->derive, v->dev, from, to, err);
}

static int open_weights(struct weighted *v, struct error *err)
{
    int args[] = { DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS,
                   v->desc.bias ? DNNL_ARG_DIFF_BIAS : 0, 0 };
    const dnnl_memory_desc_t *from, *to;
    dnnl_primitive_desc_t pd;
    int rc;

    rc = desc_weights(&pd, v->dev, &v->desc, err);
    if (rc < 0)
        return rc;
    rc = prim_open(&v->weights, v->dev, pd, args, err);
    if (rc < 0)
        return rc;
    v->op.impl[2] = v->weights.impl;
    from = prim_layout(&v->weights, DNNL_ARG_DIFF_WEIGHTS);
    to = prim_layout(&v->forward, DNNL_ARG_WEIGHTS);
    if (dnnl_memory_desc_equal(from, to))
        return 0;
    v->spare = floats(from) * sizeof(float);
    return prim_open_reorder(&v->gather, v->dev, from, to, err);
}

int weighted_open(struct weighted *v, struct nn_device *dev, const struct nn_op_desc *d,
                  bool data, struct error *err)
{
    int rc;

    v->op.d = *d;
    v->dev = dev;
    v->desc = describe(d);
    rc = open_forward(v, err);
    if (rc == 0 && data)
        rc = open_data(v, err);
    if (rc == 0 && d->weight_gradient)
        rc = open_weights(v, err);
    want_scratch(v, &v->forward);
    want_scratch(v, &v->data);
    want_scratch(v, &v->weights);
    want_scratch(v, &v->pack);
    want_scratch(v, &v->unpack);
    want_scratch(v, &v->derive);
    want_scratch(v, &v->gather);
    v->scratch = (v->scratch + 63) / 64 * 64;
    v->op.n_work = v->scratch + v->spare;
    return rc;
}

void weighted_close(struct weighted *v)
{
    prim_close(&v->gather);
    prim_close(&v->derive);
    prim_close(&v->unpack);
    prim_close(&v->pack);
    prim_close(&v->weights);
    prim_close(&v->data);
    prim_close(&v->forward);
}

static int reorder(struct weighted *v, struct prim *p, const float *from, float *to,
                   void *work, struct error *err)
{
    prim_bind(p, DNNL_ARG_FROM, from);
    prim_bind(p, DNNL_ARG_TO, to);
    prim_bind(p, DNNL_ARG_SCRATCHPAD, work);
    return prim_run(p, v->dev, err);
}

int weighted_pack(struct weighted *v, float *w, const float *weight, const float *bias,
                  void *work, struct error *err)
{
    if (bias != NULL)
        memcpy(w + v->bias, bias, (size_t)v->desc.K * sizeof *w);
    return reorder(v, &v->pack, weight, w, work, err);
}

int weighted_unpack_weight(struct weighted *v, const float *w, float *weight, void *work,
                           struct error *err)
{
    return reorder(v, &v->unpack, w, weight, work, err);
}

int weighted_unpack(struct weighted *v, const float *w, float *weight, float *bias,
                    void *work, struct error *err)
{
    if (bias != NULL)
        memcpy(bias, w + v->bias, (size_t)v->desc.K * sizeof *w);
    return weighted_unpack_weight(v, w, weight, work, err);
}

int weighted_refresh(struct weighted *v, float *w, void *work, struct error *err)
{
    if (v->derive.primitive == NULL)
        return 0;
    return reorder(v, &v->derive, w, w + v->op.n_weights, work, err);
}

int weighted_forward(struct weighted *v, const struct nn_args *a, struct error *err)
{
    struct prim *p = &v->forward;

    prim_bind(p, DNNL_ARG_SRC, a->x);
    prim_bind(p, DNNL_ARG_WEIGHTS, a->w);
    if (v->desc.bias)
        prim_bind(p, DNNL_ARG_BIAS, a->w + v->bias);
    prim_bind(p, DNNL_ARG_DST, a->y);
    prim_bind(p, DNNL_ARG_SCRATCHPAD, a->work);
    return prim_run(p, v->dev, err);
}

int weighted_backward_weights(struct weighted *v, const struct nn_args *a,
                              struct error *err)
{
    const struct nn_op_desc *d = &v->op.d;
    struct prim *p = &v->weights;
    float *dw = a->dw;
    int rc;

    if (d->relu && !d->gated)
        relu_gate(a->dy, a->y, (size_t)d->N * d->P * d->Q * d->K);
    if (a->dw == NULL)
        return 0;
    if (v->gather.primitive != NULL)
        dw = (float *)((char *)a->work + v->scratch);
    prim_bind(p, DNNL_ARG_SRC, a->x);
    prim_bind(p, DNNL_ARG_DIFF_DST, a->dy);
    prim_bind(p, DNNL_ARG_DIFF_WEIGHTS, dw);
    if (v->desc.bias)
        prim_bind(p, DNNL_ARG_DIFF_BIAS, a->dw + v->bias);
    prim_bind(p, DNNL_ARG_SCRATCHPAD, a->work);
    rc = prim_run(p, v->dev, err);
    if (rc == 0 && v->gather.primitive != NULL)
        rc = reorder(v, &v->gather, dw, a->dw, a->work, err);
    return rc;
}

int weighted_backward_data(struct weighted *v, const struct nn_args *a, struct error *err)
{
    struct prim *p = &v->data;

    if (a->dx == NULL)
        return 0;
    prim_bind(p, DNNL_ARG_DIFF_DST, a->dy);
    prim_bind(p, DNNL_ARG_WEIGHTS,
              v->derive.primitive != NULL ? a->w + v->op.n_weights : a->w);
    prim_bind(p, DNNL_ARG_DIFF_SRC, a->dx);
    prim_bind(p, DNNL_ARG_SCRATCHPAD, a->work);
    return prim_run(p, v->dev, err);
}
