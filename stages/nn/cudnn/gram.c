#include "nn/cudnn/kernels.h"
#include "nn/cudnn/op.h"

#include "larder/banned.h"

/* Products of channels, a picture each. x is pixels x C, which cuBLAS, counting by
 * columns, reads as C x pixels. */

static int prepare(struct gpu_op *op, struct error *err)
{
    (void)err;
    for (int i = 0; i < 2; i++)
        op->op.impl[i] = "cublas:sgemm";
    op->op.n_work = gpu_n_y(&op->op.d) * sizeof(float);
    return 0;
}

static int forward(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    int C = d->C, pixels = d->H * d->W;
    float share = 1 / (float)pixels, zero = 0;
    int rc = gpu_products(op->dev, d->tf32, err);

    return rc < 0
               ? rc
               : gpu_blas(cublasSgemmStridedBatched(op->dev->blas, CUBLAS_OP_N,
                                                    CUBLAS_OP_T, C, C, pixels, &share,
                                                    a->x, C, (long long)pixels * C, a->x,
                                                    C, (long long)pixels * C, &zero, a->y,
                                                    C, (long long)C * C, d->N),
                          "products of channels", err);
}

static int backward(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    int C = d->C, pixels = d->H * d->W, rc;
    float share = 1 / (float)pixels, zero = 0;

    if (a->dx == NULL)
        return 0;
    rc = gpu_products(op->dev, d->tf32, err);
    if (rc == 0)
        rc = gpu_cuda(kernel_add_transposed(a->work, a->dy, d->N, C), "a transposed sum",
                      err);
    return rc < 0
               ? rc
               : gpu_blas(cublasSgemmStridedBatched(op->dev->blas, CUBLAS_OP_N,
                                                    CUBLAS_OP_N, C, pixels, C, &share,
                                                    a->work, C, (long long)C * C, a->x, C,
                                                    (long long)pixels * C, &zero, a->dx,
                                                    C, (long long)pixels * C, d->N),
                          "the gradient of products of channels", err);
}

const struct gpu_code gpu_gram = { prepare, NULL, forward, backward };
