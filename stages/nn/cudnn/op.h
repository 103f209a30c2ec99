/*
 * op - an operator of the plug-in: what backend.h has, and how it is run.
 */
#ifndef NN_CUDNN_OP_H
#define NN_CUDNN_OP_H

#include "nn/cudnn/gpu.h"

struct gpu_op;

/* What a kind of operator does; NULL: nothing to do. All calls are for the current GPU.
 */
struct gpu_code {
    int (*prepare)(struct gpu_op *op, struct error *err); /* sizes, names, descriptors */
    void (*release)(struct gpu_op *op);
    int (*forward)(struct gpu_op *op, const struct nn_args *a, struct error *err);
    int (*backward)(struct gpu_op *op, const struct nn_args *a, struct error *err);
};

struct gpu_conv; /* conv.c */

struct gpu_op {
    struct nn_op op; /* first */
    struct nn_device *dev;
    const struct gpu_code *code;
    struct gpu_conv *conv;
};

/* What computes with matrices. */
extern const struct gpu_code gpu_conv, gpu_linear, gpu_gram;
extern const struct gpu_code gpu_normalise, gpu_relu, gpu_maxpool, gpu_avgpool,
    gpu_batchnorm, gpu_dropout, gpu_concat, gpu_add, gpu_reflect,
    gpu_upsample; /* kernels of our own */

/* Whether gpu_linear computes it. */
bool gpu_is_linear(const struct nn_op_desc *d);

/* Values of x and y. */
size_t gpu_n_x(const struct nn_op_desc *d);
size_t gpu_n_y(const struct nn_op_desc *d);
/* Weights without the bias, which lies behind them. */
size_t gpu_n_weight(const struct nn_op_desc *d);

#endif
