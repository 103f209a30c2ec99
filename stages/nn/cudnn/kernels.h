/*
 * kernels - what the plug-in computes itself, queued on kernel_stream. All pointers are
 * device memory. Values lie N x H x W x C; sums are taken in a fixed order, in double.
 * Each returns what the launch said.
 */
#ifndef NN_CUDNN_KERNELS_H
#define NN_CUDNN_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "nn/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the current GPU; queue.c opens it. */
extern cudaStream_t kernel_stream;

/* y = (x - mean) / std and dx = dy / std, over d->N x H x W x C. */
cudaError_t kernel_normalise(const struct nn_op_desc *d, const float *x, float *y);
cudaError_t kernel_normalise_back(const struct nn_op_desc *d, const float *dy, float *dx);

/* y += bias by column (NULL: none), then a ReLU where asked; y is M x K. */
cudaError_t kernel_bias_relu(float *y, const float *bias, size_t M, int K, bool relu);
/* dy = 0 where y is not above 0. */
cudaError_t kernel_gate(float *dy, const float *y, size_t n);
cudaError_t kernel_relu(float *y, const float *x, size_t n);
/* dx = dy where y is above 0, else 0. */
cudaError_t kernel_relu_back(float *dx, const float *dy, const float *y, size_t n);

/* to += from; y = a + b, then a ReLU where asked; y = x factor. */
cudaError_t kernel_accumulate(float *to, const float *from, size_t n);
cudaError_t kernel_add(float *y, const float *a, const float *b, size_t n, bool relu);
cudaError_t kernel_multiply(float *y, const float *x, const float *factor, size_t n);

/* Copies M rows of n values between arrays whose rows are `to_row` and `from_row` apart.
 */
cudaError_t kernel_copy_rows(float *to, size_t to_row, const float *from, size_t from_row,
                             size_t M, int n);

/* The sums of the columns of x (M x K), rounded to float. work: kernel_columns_work(K).
 */
cudaError_t kernel_column_sums(float *sum, const float *x, size_t M, int K, void *work);
size_t kernel_columns_work(int K);

/* arg: N x P x Q x C, where in its picture the maximum is; kept for backward. */
cudaError_t kernel_maxpool(const struct nn_op_desc *d, const float *x, float *y,
                           int32_t *arg);
cudaError_t kernel_maxpool_back(const struct nn_op_desc *d, const float *dy,
                                const float *x, const int32_t *arg, float *dx);
cudaError_t kernel_avgpool(const struct nn_op_desc *d, const float *x, float *y);
cudaError_t kernel_avgpool_back(const struct nn_op_desc *d, const float *dy, float *dx);

/* Reflection padding, and pixels repeated; both gradients are sums in a fixed order. */
cudaError_t kernel_reflect(const struct nn_op_desc *d, const float *x, float *y);
cudaError_t kernel_reflect_back(const struct nn_op_desc *d, const float *dy, float *dx);
cudaError_t kernel_upsample(const struct nn_op_desc *d, const float *x, float *y);
cudaError_t kernel_upsample_back(const struct nn_op_desc *d, const float *dy, float *dx);
/* sum = m + m', n matrices of C x C. */
cudaError_t kernel_add_transposed(float *sum, const float *m, size_t n, int C);

/* Weights (K x n, then K of bias) with a batch norm folded in, in double; bias NULL: none
 * before. */
cudaError_t kernel_fold(float *to, const float *weight, const float *bias,
                        const struct nn_norm *norm, size_t K, size_t n);

/* Batch norm as backend.h has it. state: 2 C floats; work: kernel_batchnorm_work(C). */
cudaError_t kernel_batchnorm(const struct nn_op_desc *d, const struct nn_args *a);
cudaError_t kernel_batchnorm_back(const struct nn_op_desc *d, const struct nn_args *a);
size_t kernel_batchnorm_work(int C);

/* Factors of all pictures by the rule of nn/drop.h. */
cudaError_t kernel_drop(const struct nn_op_desc *d, const struct nn_args *a,
                        float *factor);

/* The call `loss` of nn/backend.h. */
cudaError_t kernel_loss(const struct nn_loss *l);

enum { KERNEL_LANES = 64 };

/* The lanes' gradients by value, since the list itself is in host memory. */
struct kernel_update {
    float *w, *v;
    const float *g[KERNEL_LANES];
    int lanes;
    const struct nn_rates *rates;
    const double *squares;
};

/* *sum, one double of device memory, grows; work: kernel_norm_work(). */
cudaError_t kernel_norm(const struct kernel_update *u, size_t n, double *sum, void *work);
size_t kernel_norm_work(void);
cudaError_t kernel_sgd(const struct kernel_update *u, size_t n);

/* sum = the n values of each rank, ranks x n, in their order. */
cudaError_t kernel_sum_ranks(float *sum, const float *of, int ranks, size_t n);

/* to = from, with what is outside 0..1 moved to its edge. */
cudaError_t kernel_clamp(float *to, const float *from, size_t n);
cudaError_t kernel_ascend(const struct nn_ascent *a);
cudaError_t kernel_keep(const struct nn_keep *k);

#ifdef __cplusplus
}
#endif

#endif
