/* What training does to weights, and an attack to pictures. */
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/launch.cuh"

static __device__ float summed(const struct kernel_update &u, size_t i)
{
    float g = u.g[0][i];

    for (int lane = 1; lane < u.lanes; lane++)
        g += u.g[lane][i];
    return g;
}

/* Sixty-four blocks of 256 sums each, then one thread adds them in their order. */
enum { NORM_BLOCKS = 64 };

static __global__ void norm_shares(struct kernel_update u, size_t n, double *part)
{
    __shared__ double seen[THREADS];
    double sum = 0;

    EACH(i, n) {
        double g = summed(u, i);
        sum += g * g;
    }
    seen[threadIdx.x] = sum;
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            seen[threadIdx.x] += seen[threadIdx.x + half];
    }
    if (threadIdx.x == 0)
        part[blockIdx.x] = seen[0];
}

size_t kernel_norm_work(void)
{
    return NORM_BLOCKS * sizeof(double);
}

cudaError_t kernel_norm(const struct kernel_update *u, size_t n, double *sum, void *work)
{
    double *part = (double *)work;

    LAUNCH(norm_shares, NORM_BLOCKS, THREADS, 0, 0, *u, n, part);
    return launch(1, [=] __device__(size_t) {
        double total = 0;
        for (int i = 0; i < NORM_BLOCKS; i++)
            total += part[i];
        *sum = total;
    });
}

cudaError_t kernel_sgd(const struct kernel_update *update, size_t n)
{
    struct kernel_update u = *update;

    return launch(n, [=] __device__(size_t i) {
        float d = summed(u, i) * u.scale + u.weight_decay * u.w[i];
        float v = u.momentum * u.v[i] + d;
        u.v[i] = v;
        u.w[i] -= u.lr * v;
    });
}

/* Products and sums one by one, so that they are rounded as on the CPU. */
cudaError_t kernel_fold(float *to, const float *weight, const float *bias,
                        const struct nn_norm *norm, size_t K, size_t n)
{
    const float *gamma = norm->w, *beta = gamma + K, *mean = norm->running,
                *var = mean + K;
    double eps = norm->eps;

    return launch(K * (n + 1), [=] __device__(size_t i) {
        size_t k = i < K * n ? i / n : i - K * n;
        double scale = (double)gamma[k] / sqrt((double)var[k] + eps);
        double b = bias != NULL ? (double)bias[k] : 0;
        double v = i < K * n ? scale * (double)weight[i]
                             : __dadd_rn((double)beta[k],
                                         __dmul_rn(b - (double)mean[k], scale));
        to[i] = (float)v;
    });
}

static __device__ float in_range(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

cudaError_t kernel_clamp(float *to, const float *from, size_t n)
{
    return launch(n, [=] __device__(size_t i) { to[i] = in_range(from[i]); });
}

enum { CLIMBERS = 1024 };

/* The sum over the threads of a block, for all of them. */
static __device__ double block_sum(double v, double *seen)
{
    __syncthreads(); /* the last sum has been read */
    seen[threadIdx.x] = v;
    for (unsigned half = CLIMBERS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            seen[threadIdx.x] += seen[threadIdx.x + half];
    }
    __syncthreads();
    return seen[0];
}

/* A block a picture. */
static __global__ void ascend(struct nn_ascent a)
{
    __shared__ double seen[CLIMBERS];
    size_t at = blockIdx.x * a.size;
    float *x = a.x + at, *g = a.g + at;
    const float *x0 = a.x0 + at;
    double squares = 0, length;
    float divisor, step = (float)a.step, scale = 1;

    for (size_t i = threadIdx.x; i < a.size; i += CLIMBERS) {
        if (x[i] < 0 || x[i] > 1)
            g[i] = 0;
        squares += (double)g[i] * (double)g[i];
    }
    divisor = (float)sqrt(block_sum(squares, seen)) + 1e-10f;
    squares = 0;
    for (size_t i = threadIdx.x; i < a.size; i += CLIMBERS) {
        float d = x[i] + g[i] / divisor * step - x0[i];
        g[i] = d;
        squares += (double)d * (double)d;
    }
    length = sqrt(block_sum(squares, seen));
    if (length > a.radius)
        scale = (float)(a.radius / (length + 1e-7));
    for (size_t i = threadIdx.x; i < a.size; i += CLIMBERS)
        x[i] = in_range(x0[i] + g[i] * scale);
}

cudaError_t kernel_ascend(const struct nn_ascent *a)
{
    if (a->n == 0)
        return cudaSuccess;
    LAUNCH(ascend, a->n, CLIMBERS, 0, 0, *a);
    return cudaGetLastError();
}
