#include <math.h>

#include "kernels.h"
#include "mistakes.h"

enum { SIDE = 8 }; /* pictures of 2 x 1 x 4 x 8: VALUES values; filters of 3 x 3 */

/* A convolution of one channel, all sizes kept. */
struct scene {
    cudnnHandle_t h;
    cudnnTensorDescriptor_t x, y;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    float *in, *out, *filter;
    void *work;
    size_t n_work;
};

static cudnnConvolutionFwdAlgo_t with_room =
    CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;

static void scene_open(struct scene *s, cudnnTensorFormat_t filter)
{
    cudnnDataType_t t = CUDNN_DATA_FLOAT;

    cudnnCreate(&s->h);
    cudnnCreateTensorDescriptor(&s->x);
    cudnnCreateTensorDescriptor(&s->y);
    cudnnCreateFilterDescriptor(&s->w);
    cudnnCreateConvolutionDescriptor(&s->conv);
    cudnnSetTensor4dDescriptor(s->x, CUDNN_TENSOR_NHWC, t, 2, 2, 2, SIDE);
    cudnnSetTensor4dDescriptor(s->y, CUDNN_TENSOR_NHWC, t, 2, 2, 2, SIDE);
    cudnnSetFilter4dDescriptor(s->w, t, filter, 2, 2, 3, 3);
    cudnnSetConvolution2dDescriptor(s->conv, 1, 1, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, t);
    cudnnSetConvolutionMathType(s->conv, CUDNN_FMA_MATH);
    s->in = counted(0);
    s->filter = counted(0);
    s->out = counted(0);
    s->work = NULL;
    s->n_work = 0;
    cudnnGetConvolutionForwardWorkspaceSize(s->h, s->x, s->w, s->conv, s->y, with_room,
                                            &s->n_work);
    if (s->n_work > 0)
        cudaMalloc(&s->work, s->n_work);
}

static void scene_close(struct scene *s)
{
    cudaFree(s->work);
    cudaFree(s->in);
    cudaFree(s->out);
    cudaFree(s->filter);
    cudnnDestroyConvolutionDescriptor(s->conv);
    cudnnDestroyFilterDescriptor(s->w);
    cudnnDestroyTensorDescriptor(s->y);
    cudnnDestroyTensorDescriptor(s->x);
    cudnnDestroy(s->h);
}

/* 1 unless it was taken and computed. */
static int convolve(struct scene *s, const float *x, void *work, size_t n_work)
{
    const float one = 1, zero = 0;

    return cudnnConvolutionForward(s->h, &one, s->x, x, s->w, s->filter, s->conv, with_room,
                                   work, n_work, &zero, s->y,
                                   s->out) != CUDNN_STATUS_SUCCESS ||
           cudaDeviceSynchronize() != cudaSuccess;
}

/* The filter of 36 values lies in a block of 64. */
static int small_workspace(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    bad = convolve(&s, s.in, s.work, s.n_work - wrong);
    scene_close(&s);
    return bad;
}

static int workspace_of_host(bool wrong)
{
    struct scene s;
    char here[4096];
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    bad = convolve(&s, s.in, wrong ? here : s.work, s.n_work);
    scene_close(&s);
    return bad;
}

static int workspace_overlaps(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    cudaFree(s.work);
    cudaMalloc(&s.work, s.n_work + 2 * VALUES * sizeof(float));
    cudaMemset(s.work, 0, s.n_work + 2 * VALUES * sizeof(float));
    bad = convolve(&s, (float *)s.work + (wrong ? 0 : s.n_work / sizeof(float) + 1),
                   s.work, s.n_work);
    scene_close(&s);
    return bad;
}

/* What the caller keeps in the workspace is lost. */
static int workspace_kept(bool wrong)
{
    struct scene s;
    float first = 1;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    cudaMemset(s.work, 0, s.n_work);
    convolve(&s, s.in, s.work, s.n_work);
    if (!wrong)
        cudaMemset(s.work, 0, s.n_work);
    cudaMemcpy(&first, s.work, sizeof first, cudaMemcpyDeviceToHost);
    scene_close(&s);
    return isnan(first);
}

static int picture_too_short(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    bad = convolve(&s, s.in + (wrong ? 1 : 0), s.work, s.n_work);
    scene_close(&s);
    return bad;
}

static int wrong_size(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    if (wrong)
        cudnnSetTensor4dDescriptor(s.y, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 2, 2, 1,
                                   SIDE);
    bad = convolve(&s, s.in, s.work, s.n_work);
    scene_close(&s);
    return bad;
}

static int layouts_mixed(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, wrong ? CUDNN_TENSOR_NCHW : CUDNN_TENSOR_NHWC);
    bad = convolve(&s, s.in, s.work, s.n_work);
    scene_close(&s);
    return bad;
}

static int layout_unsupported(bool wrong)
{
    const float one = 1, zero = 0;
    cudnnConvolutionFwdAlgo_t a = wrong ? CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD
                                        : CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
    struct scene s;
    cudnnStatus_t status;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    status = cudnnConvolutionForward(s.h, &one, s.x, s.in, s.w, s.filter, s.conv, a, NULL,
                                     0, &zero, s.y, s.out);
    scene_close(&s);
    return status == CUDNN_STATUS_NOT_SUPPORTED;
}

static int never_set(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    if (wrong) {
        cudnnDestroyTensorDescriptor(s.x);
        cudnnCreateTensorDescriptor(&s.x);
    }
    bad = convolve(&s, s.in, s.work, s.n_work);
    scene_close(&s);
    return bad;
}

static int descriptor_destroyed(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    if (wrong)
        cudnnDestroyTensorDescriptor(s.x);
    bad = convolve(&s, s.in, s.work, s.n_work);
    scene_close(&s);
    return bad;
}

static int descriptor_kept(bool wrong)
{
    cudnnTensorDescriptor_t d;

    cudnnCreateTensorDescriptor(&d);
    if (!wrong)
        cudnnDestroyTensorDescriptor(d);
    return 0;
}

static int gemm(int lda, cublasMath_t math, const float *alpha, float *c, int rows)
{
    float *a = counted(0.1f), *b = counted(0.2f);
    const float zero = 0;
    cublasHandle_t h;
    cublasStatus_t s;

    cublasCreate(&h);
    cublasSetMathMode(h, math);
    s = cublasSgemm(h, CUBLAS_OP_N, CUBLAS_OP_N, rows, 8, 8, alpha, a, lda, b, 8, &zero, c,
                    8);
    cudaFree(a);
    cudaFree(b);
    cublasDestroy(h);
    return s != CUBLAS_STATUS_SUCCESS;
}

static int leading_too_small(bool wrong)
{
    const float one = 1;
    float *c = counted(0);
    int bad = gemm(wrong ? 7 : 8, CUBLAS_PEDANTIC_MATH, &one, c, 8);

    cudaFree(c);
    return bad;
}

static int matrix_too_short(bool wrong)
{
    const float one = 1;
    float *c = counted(0);
    int bad = gemm(wrong ? 9 : 8, CUBLAS_PEDANTIC_MATH, &one, c, 8);

    cudaFree(c);
    return bad;
}

static int scalar_of_device(bool wrong)
{
    const float one = 1;
    float *c = counted(1), *d = counted(1);
    int bad = gemm(8, CUBLAS_PEDANTIC_MATH, wrong ? d : &one, c, 8);

    cudaFree(c);
    cudaFree(d);
    return bad;
}

/* TF32 is wrong in the fourth digit. */
static int tf32(bool wrong)
{
    const float one = 1;
    float *c = counted(0), have[VALUES];
    double want = 0;

    gemm(8, wrong ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_PEDANTIC_MATH, &one, c, 8);
    cudaMemcpy(have, c, sizeof have, cudaMemcpyDeviceToHost);
    cudaFree(c);
    for (int k = 0; k < 8; k++)
        want += (double)(0.1f + (float)(8 * k)) * (double)(0.2f + (float)k);
    return fabs((double)have[0] / want - 1) > 1e-6;
}

static int failure_unchecked(bool wrong)
{
    struct scene s;
    int bad;

    scene_open(&s, CUDNN_TENSOR_NHWC);
    bad = convolve(&s, s.in, s.work, s.n_work);
    if (bad && wrong)
        convolve(&s, s.in, s.work, s.n_work);
    scene_close(&s);
    return !bad;
}

const struct mistake mistakes_library[] = {
    { "small_workspace", small_workspace, NULL, { 0 } },
    { "workspace_of_host", workspace_of_host, "the workspace of", { 0 } },
    { "workspace_overlaps", workspace_overlaps, "the workspace overlaps x", { 0 } },
    { "workspace_kept", workspace_kept, NULL, { 0 } },
    { "picture_too_short", picture_too_short, "x of 256 bytes", { 0 } },
    { "wrong_size", wrong_size, NULL, { 0 } },
    { "layouts_mixed", layouts_mixed, NULL, { 0 } },
    { "layout_unsupported", layout_unsupported, NULL, { 0 } },
    { "never_set", never_set, NULL, { 0 } },
    { "descriptor_destroyed", descriptor_destroyed, "descriptor that was destroyed",
      { 0 } },
    { "descriptor_kept", descriptor_kept, "a handle: tensor descriptor", { 0 } },
    { "leading_too_small", leading_too_small, NULL, { 0 } },
    { "matrix_too_short", matrix_too_short, "a of 284 bytes", { 0 } },
    { "scalar_of_device", scalar_of_device, "alpha is to be host memory", { 0 } },
    { "tf32", tf32, NULL, { 0 } },
    { "failure_unchecked", failure_unchecked,
      "cudnnConvolutionForward failed and nobody heard",
      { "CUDA_ON_CPU_FAIL=1:internal:cudnnConvolutionForward" } },
    { 0 },
};
