/*
 * desc - describing convolutions and linears to oneDNN: the part of its C interface that
 * differs between its major versions. This is for 2.x.
 */
#ifndef NN_ONEDNN_DESC_H
#define NN_ONEDNN_DESC_H

#include "nn/onednn/device.h"

/* What is computed: a convolution (w is K x C x kernel x kernel) or, with kernel = 0, a
 * linear over the whole of x. Activations are N x H x W x C; the layout of the weights is
 * oneDNN's choice. */
struct desc {
    int N, C, H, W, K, P, Q;
    int kernel, stride, dilation;
    int top, left, bottom, right; /* padding */
    bool relu;                    /* after the forward pass */
    bool training;                /* a backward pass will follow */
    bool bias;
};

int desc_forward(dnnl_primitive_desc_t *pd, const struct nn_device *dev,
                 const struct desc *d, struct error *err);
/* The gradient of x. */
int desc_data(dnnl_primitive_desc_t *pd, const struct nn_device *dev,
              const struct desc *d, struct error *err);
/* The gradients of weights and bias. */
int desc_weights(dnnl_primitive_desc_t *pd, const struct nn_device *dev,
                 const struct desc *d, struct error *err);

/* PyTorch's layout of the weights. */
void desc_plain_weights(dnnl_memory_desc_t *md, const struct desc *d);

#endif
