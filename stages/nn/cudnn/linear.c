#include "nn/cudnn/kernels.h"
#include "nn/cudnn/op.h"

#include "larder/banned.h"

/* Linears, and the convolutions that are linears of every pixel. Rows lie one behind the
 * other: what cuBLAS, which counts by columns, reads as the transposed matrix. x: M x F,
 * y: M x K, weights: K x F. */

bool gpu_is_linear(const struct nn_op_desc *d)
{
    return d->kind == NN_LINEAR ||
           (d->kind == NN_CONV && d->kernel == 1 && d->stride == 1 && d->pad == 0);
}

static int features(const struct nn_op_desc *d)
{
    return d->kind == NN_LINEAR ? d->C * d->H * d->W : d->C;
}

static int rows(const struct nn_op_desc *d)
{
    return d->N * d->P * d->Q;
}

static int prepare(struct gpu_op *op, struct error *err)
{
    (void)err;
    for (int i = 0; i < 3; i++)
        op->op.impl[i] = "cublas:sgemm";
    op->op.n_work = op->op.d.bias ? kernel_columns_work(op->op.d.K) : 0;
    return 0;
}

static const float one = 1, zero = 0;

static int forward(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    const float *bias = d->bias ? a->w + gpu_n_weight(d) : NULL;
    int F = features(d), rc = gpu_products(op->dev, d->tf32, err);

    if (rc == 0)
        rc = gpu_blas(cublasSgemm(op->dev->blas, CUBLAS_OP_T, CUBLAS_OP_N, d->K, rows(d),
                                  F, &one, a->w, F, a->x, F, &zero, a->y, d->K),
                      "a linear", err);
    if (rc < 0 || (bias == NULL && !d->relu))
        return rc;
    return gpu_cuda(kernel_bias_relu(a->y, bias, rows(d), d->K, d->relu), "a bias", err);
}

static int backward(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    int F = features(d), rc = gpu_products(op->dev, d->tf32, err);

    if (rc == 0 && d->relu && !d->gated)
        rc = gpu_cuda(kernel_gate(a->dy, a->y, gpu_n_y(d)), "a ReLU's gradient", err);
    if (rc == 0 && a->dx != NULL)
        rc = gpu_blas(cublasSgemm(op->dev->blas, CUBLAS_OP_N, CUBLAS_OP_N, F, rows(d),
                                  d->K, &one, a->w, F, a->dy, d->K, &zero, a->dx, F),
                      "a linear's gradient for its input", err);
    if (rc == 0 && a->dw != NULL)
        rc = gpu_blas(cublasSgemm(op->dev->blas, CUBLAS_OP_N, CUBLAS_OP_T, F, d->K,
                                  rows(d), &one, a->x, F, a->dy, d->K, &zero, a->dw, F),
                      "a linear's gradient for its weights", err);
    if (rc == 0 && a->dw != NULL && d->bias)
        rc = gpu_cuda(
            kernel_column_sums(a->dw + gpu_n_weight(d), a->dy, rows(d), d->K, a->work),
            "a bias's gradient", err);
    return rc;
}

const struct gpu_code gpu_linear = { prepare, NULL, forward, backward };
