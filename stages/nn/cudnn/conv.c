#include <stdio.h>

#include "larder/mem.h"
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/op.h"

#include "larder/banned.h"

enum { PASSES = 3, MOST_ALGORITHMS = 16 };

/* More scratch than this is never taken, so that the choice is the same on any GPU. */
#define MOST_WORK ((size_t)1 << 30)

struct gpu_conv {
    cudnnTensorDescriptor_t x, y;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv[PASSES]; /* of y, dx, dw */
    int algorithm[PASSES];
    size_t work[PASSES];
    char name[PASSES][32];
};

/* What a search gave, whatever the pass. */
struct candidate {
    int algorithm;
    cudnnStatus_t status;
    cudnnDeterminism_t determinism;
    cudnnMathType_t math;
    size_t work;
};

/* Float32 products stay float32, but where TF32 may be. */
static cudnnStatus_t describe_pass(const struct nn_op_desc *d,
                                   cudnnConvolutionDescriptor_t *conv)
{
    cudnnStatus_t s = cudnnCreateConvolutionDescriptor(conv);

    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnSetConvolution2dDescriptor(*conv, d->pad, d->pad, d->stride, d->stride,
                                            d->dilation, d->dilation,
                                            CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnSetConvolutionMathType(*conv,
                                        d->tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH);
    return s;
}

static int describe(struct gpu_op *op, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    struct gpu_conv *c = op->conv;
    cudnnTensorFormat_t rows = CUDNN_TENSOR_NHWC;
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    cudnnStatus_t s = cudnnCreateTensorDescriptor(&c->x);

    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnCreateTensorDescriptor(&c->y);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnCreateFilterDescriptor(&c->w);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnSetTensor4dDescriptor(c->x, rows, type, d->N, d->C, d->H, d->W);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnSetTensor4dDescriptor(c->y, rows, type, d->N, d->K, d->P, d->Q);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnSetFilter4dDescriptor(c->w, type, rows, d->K, d->C, d->kernel,
                                       d->kernel);
    for (int i = 0; i < PASSES && s == CUDNN_STATUS_SUCCESS; i++)
        s = describe_pass(d, &c->conv[i]);
    return gpu_dnn(s, "describing a convolution", err);
}

/* Whether an algorithm that computes so is one that may be taken. */
static bool is_exact_enough(cudnnMathType_t math, bool tf32)
{
    return math == CUDNN_FMA_MATH || math == CUDNN_DEFAULT_MATH ||
           (tf32 && math == CUDNN_TENSOR_OP_MATH);
}

/* cuDNN's own order, which is of its rules and not of a timing: the first that always
 * gives the same bytes, in float32 unless TF32 may be. */
static int choose(struct gpu_op *op, int pass, const struct candidate *of, int n,
                  struct error *err)
{
    struct gpu_conv *c = op->conv;
    static const char *const what[] = { "y", "dx", "dw" };

    for (int i = 0; i < n; i++) {
        if (of[i].status != CUDNN_STATUS_SUCCESS ||
            of[i].determinism != CUDNN_DETERMINISTIC || of[i].work > MOST_WORK ||
            !is_exact_enough(of[i].math, op->op.d.tf32))
            continue;
        c->algorithm[pass] = of[i].algorithm;
        c->work[pass] = of[i].work;
        snprintf(c->name[pass], sizeof c->name[pass], "cudnn:%s:%d", what[pass],
                 of[i].algorithm);
        return !op->op.d.tf32
                   ? 0
                   : gpu_dnn(cudnnSetConvolutionMathType(c->conv[pass], of[i].math),
                             "describing a convolution", err);
    }
    return error_set(err, E_DEVICE, "cuDNN has no repeatable float32 convolution for %s",
                     what[pass]);
}

#define CANDIDATES(to, from, n)                                           \
    for (int i = 0; i < (n); i++)                                         \
        (to)[i] = (struct candidate)                                      \
        {                                                                 \
            (int)(from)[i].algo, (from)[i].status, (from)[i].determinism, \
                (from)[i].mathType, (from)[i].memory                      \
        }

static int find_forward(struct gpu_op *op, struct error *err)
{
    struct gpu_conv *c = op->conv;
    cudnnConvolutionFwdAlgoPerf_t found[MOST_ALGORITHMS];
    struct candidate of[MOST_ALGORITHMS];
    int n = 0, rc = gpu_dnn(cudnnGetConvolutionForwardAlgorithm_v7(
                                op->dev->dnn, c->x, c->w, c->conv[0], c->y,
                                MOST_ALGORITHMS, &n, found),
                            "looking for a convolution", err);

    CANDIDATES(of, found, n);
    return rc < 0 ? rc : choose(op, 0, of, n, err);
}

static int find_backward_data(struct gpu_op *op, struct error *err)
{
    struct gpu_conv *c = op->conv;
    cudnnConvolutionBwdDataAlgoPerf_t found[MOST_ALGORITHMS];
    struct candidate of[MOST_ALGORITHMS];
    int n = 0, rc = gpu_dnn(cudnnGetConvolutionBackwardDataAlgorithm_v7(
                                op->dev->dnn, c->w, c->y, c->conv[1], c->x,
                                MOST_ALGORITHMS, &n, found),
                            "looking for a convolution's gradient", err);

    CANDIDATES(of, found, n);
    return rc < 0 ? rc : choose(op, 1, of, n, err);
}

static int find_backward_filter(struct gpu_op *op, struct error *err)
{
    struct gpu_conv *c = op->conv;
    cudnnConvolutionBwdFilterAlgoPerf_t found[MOST_ALGORITHMS];
    struct candidate of[MOST_ALGORITHMS];
    int n = 0, rc = gpu_dnn(cudnnGetConvolutionBackwardFilterAlgorithm_v7(
                                op->dev->dnn, c->x, c->y, c->conv[2], c->w,
                                MOST_ALGORITHMS, &n, found),
                            "looking for a convolution's gradient", err);

    CANDIDATES(of, found, n);
    return rc < 0 ? rc : choose(op, 2, of, n, err);
}

static int prepare(struct gpu_op *op, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    struct gpu_conv *c = op->conv = xcalloc(1, sizeof *c);
    size_t work = d->bias ? kernel_columns_work(d->K) : 0;
    int rc = describe(op, err);

    if (rc == 0)
        rc = find_forward(op, err);
    if (rc == 0 && d->input_gradient)
        rc = find_backward_data(op, err);
    if (rc == 0 && d->weight_gradient)
        rc = find_backward_filter(op, err);
    for (int i = 0; i < PASSES; i++) {
        op->op.impl[i] = c->name[i];
        work = c->work[i] > work ? c->work[i] : work;
    }
    op->op.n_work = work;
    return rc;
}

static void release(struct gpu_op *op)
{
    struct gpu_conv *c = op->conv;

    if (c == NULL)
        return;
    for (int i = 0; i < PASSES; i++)
        if (c->conv[i] != NULL)
            cudnnDestroyConvolutionDescriptor(c->conv[i]);
    if (c->w != NULL)
        cudnnDestroyFilterDescriptor(c->w);
    if (c->y != NULL)
        cudnnDestroyTensorDescriptor(c->y);
    if (c->x != NULL)
        cudnnDestroyTensorDescriptor(c->x);
    free(c);
}

static const float one = 1, zero = 0;

static int forward(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    struct gpu_conv *c = op->conv;
    const float *bias = d->bias ? a->w + gpu_n_weight(d) : NULL;
    int rc = gpu_dnn(cudnnConvolutionForward(op->dev->dnn, &one, c->x, a->x, c->w, a->w,
                                             c->conv[0], c->algorithm[0], a->work,
                                             c->work[0], &zero, c->y, a->y),
                     "a convolution", err);

    if (rc < 0 || (bias == NULL && !d->relu))
        return rc;
    return gpu_cuda(
        kernel_bias_relu(a->y, bias, (size_t)d->N * d->P * d->Q, d->K, d->relu), "a bias",
        err);
}

static int backward(struct gpu_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->op.d;
    struct gpu_conv *c = op->conv;
    int rc = 0;

    if (d->relu && !d->gated)
        rc = gpu_cuda(kernel_gate(a->dy, a->y, gpu_n_y(d)), "a ReLU's gradient", err);
    if (rc == 0 && a->dx != NULL)
        rc = gpu_dnn(cudnnConvolutionBackwardData(
                         op->dev->dnn, &one, c->w, a->w, c->y, a->dy, c->conv[1],
                         c->algorithm[1], a->work, c->work[1], &zero, c->x, a->dx),
                     "a convolution's gradient for its input", err);
    if (rc == 0 && a->dw != NULL)
        rc = gpu_dnn(cudnnConvolutionBackwardFilter(
                         op->dev->dnn, &one, c->x, a->x, c->y, a->dy, c->conv[2],
                         c->algorithm[2], a->work, c->work[2], &zero, c->w, a->dw),
                     "a convolution's gradient for its weights", err);
    if (rc == 0 && a->dw != NULL && d->bias)
        rc = gpu_cuda(kernel_column_sums(a->dw + gpu_n_weight(d), a->dy,
                                         (size_t)d->N * d->P * d->Q, d->K, a->work),
                      "a bias's gradient", err);
    return rc;
}

const struct gpu_code gpu_conv = { prepare, release, forward, backward };
