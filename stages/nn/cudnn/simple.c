/* The operators that are one kernel of our own, or two. */
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/op.h"

#include "larder/banned.h"

static int told(cudaError_t status, const struct gpu_op *op, struct error *err)
{
    static const char *const name[NN_KINDS] = {
        [NN_NORMALISE] = "a normalisation", [NN_RELU] = "a ReLU",
        [NN_MAXPOOL] = "a maximum pooling", [NN_AVGPOOL] = "an average pooling",
        [NN_BATCHNORM] = "a batch norm",    [NN_DROPOUT] = "a dropout",
        [NN_CONCAT] = "a concatenation",    [NN_ADD] = "a sum",
        [NN_REFLECT] = "a reflection",      [NN_UPSAMPLE] = "an enlargement",
    };

    return gpu_cuda(status, name[op->op.d.kind], err);
}

static int normalise(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_normalise(&op->op.d, a->x, a->y), op, err);
}

static int normalise_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    if (a->dx == NULL)
        return 0;
    return told(kernel_normalise_back(&op->op.d, a->dy, a->dx), op, err);
}

const struct gpu_code gpu_normalise = { NULL, NULL, normalise, normalise_back };

static int relu(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_relu(a->y, a->x, gpu_n_y(&op->op.d)), op, err);
}

static int relu_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    if (a->dx == NULL)
        return 0;
    return told(kernel_relu_back(a->dx, a->dy, a->y, gpu_n_y(&op->op.d)), op, err);
}

const struct gpu_code gpu_relu = { NULL, NULL, relu, relu_back };

static int prepare_maxpool(struct gpu_op *op, struct error *err)
{
    (void)err;
    op->op.n_state = gpu_n_y(&op->op.d) * sizeof(int32_t);
    return 0;
}

static int maxpool(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_maxpool(&op->op.d, a->x, a->y, a->state), op, err);
}

static int maxpool_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    if (a->dx == NULL)
        return 0;
    return told(kernel_maxpool_back(&op->op.d, a->dy, a->x, a->state, a->dx), op, err);
}

const struct gpu_code gpu_maxpool = { prepare_maxpool, NULL, maxpool, maxpool_back };

static int avgpool(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_avgpool(&op->op.d, a->x, a->y), op, err);
}

static int avgpool_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    if (a->dx == NULL)
        return 0;
    return told(kernel_avgpool_back(&op->op.d, a->dy, a->dx), op, err);
}

const struct gpu_code gpu_avgpool = { NULL, NULL, avgpool, avgpool_back };

static int prepare_batchnorm(struct gpu_op *op, struct error *err)
{
    (void)err;
    op->op.n_state = 2 * (size_t)op->op.d.C * sizeof(float);
    op->op.n_work = kernel_batchnorm_work(op->op.d.C);
    return 0;
}

static int batchnorm(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_batchnorm(&op->op.d, a), op, err);
}

static int batchnorm_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_batchnorm_back(&op->op.d, a), op, err);
}

const struct gpu_code gpu_batchnorm = { prepare_batchnorm, NULL, batchnorm,
                                        batchnorm_back };

static int prepare_dropout(struct gpu_op *op, struct error *err)
{
    (void)err;
    op->op.n_state = gpu_n_x(&op->op.d) * sizeof(float);
    return 0;
}

/* The state holds the factors; pictures that do not count have 0. */
static int dropout(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    float *factor = a->state;
    cudaError_t status = kernel_drop(d, a, factor);

    if (status == cudaSuccess)
        status = kernel_multiply(a->y, a->x, factor, gpu_n_x(d));
    return told(status, op, err);
}

static int dropout_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    if (a->dx == NULL)
        return 0;
    return told(kernel_multiply(a->dx, a->dy, a->state, gpu_n_x(&op->op.d)), op, err);
}

const struct gpu_code gpu_dropout = { prepare_dropout, NULL, dropout, dropout_back };

static size_t pixels(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->P * d->Q;
}

static int concat(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    cudaError_t status = cudaSuccess;
    size_t at = 0;

    for (int k = 0; k < d->inputs && status == cudaSuccess; k++) {
        int C = d->channels[k];
        status = kernel_copy_rows(a->y + at, d->K, a->xs[k], C, pixels(d), C);
        at += C;
    }
    return told(status, op, err);
}

static int concat_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    cudaError_t status = cudaSuccess;
    size_t at = 0;

    for (int k = 0; k < d->inputs && status == cudaSuccess; k++) {
        int C = d->channels[k];
        if (a->dxs[k] != NULL)
            status = kernel_copy_rows(a->dxs[k], C, a->dy + at, d->K, pixels(d), C);
        at += C;
    }
    return told(status, op, err);
}

const struct gpu_code gpu_concat = { NULL, NULL, concat, concat_back };

static int add(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;

    return told(kernel_add(a->y, a->xs[0], a->xs[1], gpu_n_y(d), d->relu), op, err);
}

static int add_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    size_t n = gpu_n_y(d);
    cudaError_t status = d->relu ? kernel_gate(a->dy, a->y, n) : cudaSuccess;

    for (int k = 0; k < 2 && status == cudaSuccess; k++)
        if (a->dxs[k] != NULL)
            status = cudaMemcpyAsync(a->dxs[k], a->dy, n * sizeof *a->dy,
                                     cudaMemcpyDeviceToDevice, kernel_stream);
    return told(status, op, err);
}

const struct gpu_code gpu_add = { NULL, NULL, add, add_back };

static int reflect(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_reflect(&op->op.d, a->x, a->y), op, err);
}

static int reflect_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    if (a->dx == NULL)
        return 0;
    return told(kernel_reflect_back(&op->op.d, a->dy, a->dx), op, err);
}

const struct gpu_code gpu_reflect = { NULL, NULL, reflect, reflect_back };

static int upsample(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    return told(kernel_upsample(&op->op.d, a->x, a->y), op, err);
}

static int upsample_back(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    if (a->dx == NULL)
        return 0;
    return told(kernel_upsample_back(&op->op.d, a->dy, a->dx), op, err);
}

const struct gpu_code gpu_upsample = { NULL, NULL, upsample, upsample_back };
