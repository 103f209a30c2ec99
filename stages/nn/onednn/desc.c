#include "nn/onednn/desc.h"

#include "larder/banned.h"

/* The layouts of one product: x, w, y and the bias. */
struct layouts {
    dnnl_memory_desc_t x, w, b, y;
    dnnl_dims_t stride, dilates, begin, end; /* dilates: pixels passed over */
};

static void weight_dims(dnnl_dims_t dims, const struct desc *d)
{
    dims[0] = d->K;
    dims[1] = d->C;
    dims[2] = d->kernel > 0 ? d->kernel : d->H;
    dims[3] = d->kernel > 0 ? d->kernel : d->W;
}

static void set_layouts(struct layouts *l, const struct desc *d)
{
    dnnl_dims_t x = { d->N, d->C, d->H, d->W }, y = { d->N, d->K, d->P, d->Q };
    dnnl_dims_t b = { d->K }, w;

    weight_dims(w, d);
    dnnl_memory_desc_init_by_tag(&l->x, 4, x, dnnl_f32, dnnl_nhwc);
    dnnl_memory_desc_init_by_tag(&l->w, 4, w, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&l->b, 1, b, dnnl_f32, dnnl_x);
    if (d->kernel > 0)
        dnnl_memory_desc_init_by_tag(&l->y, 4, y, dnnl_f32, dnnl_nhwc);
    else
        dnnl_memory_desc_init_by_tag(&l->y, 2, y, dnnl_f32, dnnl_nc);
    l->stride[0] = l->stride[1] = d->stride;
    l->dilates[0] = l->dilates[1] = d->dilation - 1;
    l->begin[0] = d->top;
    l->begin[1] = d->left;
    l->end[0] = d->bottom;
    l->end[1] = d->right;
}

void desc_plain_weights(dnnl_memory_desc_t *md, const struct desc *d)
{
    dnnl_dims_t w;

    weight_dims(w, d);
    dnnl_memory_desc_init_by_tag(md, 4, w, dnnl_f32, dnnl_oihw);
}

/* Scratch memory is ours to give; a ReLU may follow. */
static dnnl_status_t new_attr(dnnl_primitive_attr_t *attr, bool relu)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status;

    status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status =
            dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status != dnnl_success || !relu)
        return status;
    status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success)
        status = dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_relu, 0.f, 0.f);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    if (ops != NULL)
        dnnl_post_ops_destroy(ops);
    return status;
}

static int create(dnnl_primitive_desc_t *pd, const struct nn_device *dev,
                  const_dnnl_op_desc_t op, bool relu, const_dnnl_primitive_desc_t hint,
                  struct error *err)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = new_attr(&attr, relu);

    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(pd, op, attr, dev->engine, hint);
    if (attr != NULL)
        dnnl_primitive_attr_destroy(attr);
    return device_check(status, "describing an operator", err);
}

int desc_forward(dnnl_primitive_desc_t *pd, const struct nn_device *dev,
                 const struct desc *d, struct error *err)
{
    dnnl_prop_kind_t kind = d->training ? dnnl_forward_training : dnnl_forward_inference;
    struct layouts l;
    dnnl_status_t status;

    set_layouts(&l, d);
    if (d->kernel > 0) {
        dnnl_convolution_desc_t op;
        status = dnnl_dilated_convolution_forward_desc_init(
            &op, kind, dnnl_convolution_direct, &l.x, &l.w, d->bias ? &l.b : NULL, &l.y,
            l.stride, l.dilates, l.begin, l.end);
        return status == dnnl_success
                   ? create(pd, dev, &op, d->relu, NULL, err)
                   : device_check(status, "describing a convolution", err);
    }
    dnnl_inner_product_desc_t op;
    status = dnnl_inner_product_forward_desc_init(&op, kind, &l.x, &l.w,
                                                  d->bias ? &l.b : NULL, &l.y);
    return status == dnnl_success ? create(pd, dev, &op, d->relu, NULL, err)
                                  : device_check(status, "describing a linear", err);
}

int desc_data(dnnl_primitive_desc_t *pd, const struct nn_device *dev,
              const struct desc *d, struct error *err)
{
    dnnl_primitive_desc_t hint = NULL;
    struct layouts l;
    int rc;

    set_layouts(&l, d);
    rc = desc_forward(&hint, dev, d, err);
    if (rc < 0)
        return rc;
    if (d->kernel > 0) {
        dnnl_convolution_desc_t op;
        rc = device_check(dnnl_dilated_convolution_backward_data_desc_init(
                              &op, dnnl_convolution_direct, &l.x, &l.w, &l.y, l.stride,
                              l.dilates, l.begin, l.end),
                          "describing the gradient of a convolution", err);
        if (rc == 0)
            rc = create(pd, dev, &op, false, hint, err);
    } else {
        dnnl_inner_product_desc_t op;
        rc = device_check(
            dnnl_inner_product_backward_data_desc_init(&op, &l.x, &l.w, &l.y),
            "describing the gradient of a linear", err);
        if (rc == 0)
            rc = create(pd, dev, &op, false, hint, err);
    }
    dnnl_primitive_desc_destroy(hint);
    return rc;
}

int desc_weights(dnnl_primitive_desc_t *pd, const struct nn_device *dev,
                 const struct desc *d, struct error *err)
{
    dnnl_primitive_desc_t hint = NULL;
    struct layouts l;
    int rc;

    set_layouts(&l, d);
    rc = desc_forward(&hint, dev, d, err);
    if (rc < 0)
        return rc;
    if (d->kernel > 0) {
        dnnl_convolution_desc_t op;
        rc = device_check(dnnl_dilated_convolution_backward_weights_desc_init(
                              &op, dnnl_convolution_direct, &l.x, &l.w,
                              d->bias ? &l.b : NULL, &l.y, l.stride, l.dilates, l.begin,
                              l.end),
                          "describing the gradient of a convolution", err);
        if (rc == 0)
            rc = create(pd, dev, &op, false, hint, err);
    } else {
        dnnl_inner_product_desc_t op;
        rc = device_check(dnnl_inner_product_backward_weights_desc_init(
                              &op, &l.x, &l.w, d->bias ? &l.b : NULL, &l.y),
                          "describing the gradient of a linear", err);
        if (rc == 0)
            rc = create(pd, dev, &op, false, hint, err);
    }
    dnnl_primitive_desc_destroy(hint);
    return rc;
}
