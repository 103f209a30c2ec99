#include "kernels.h"

#include "nn/cudnn/launch.cuh"

static __global__ void add(float *to, const float *from, float v, int n)
{
    EACH(i, (size_t)n)
        to[i] = from[i] + v;
}

void mistake_add(float *to, const float *from, float v, int n, cudaStream_t s)
{
    LAUNCH(add, 2, 32, 0, s, to, from, v, n);
}

static __global__ void turn(float *x, bool barrier)
{
    __shared__ float seen[64];

    seen[threadIdx.x] = x[threadIdx.x];
    if (barrier)
        __syncthreads();
    x[threadIdx.x] = seen[63 - threadIdx.x];
}

void mistake_turn(float *x, bool barrier, cudaStream_t s)
{
    LAUNCH(turn, 1, 64, 0, s, x, barrier);
}

static __global__ void turn_dynamic(float *x, bool barrier)
{
    float *seen = (float *)launch_dynamic_shared();

    seen[threadIdx.x] = x[threadIdx.x];
    if (barrier)
        __syncthreads();
    x[threadIdx.x] = seen[63 - threadIdx.x];
}

void mistake_turn_dynamic(float *x, bool barrier, cudaStream_t s)
{
    LAUNCH(turn_dynamic, 1, 64, 64 * sizeof *x, s, x, barrier);
}

static __global__ void part(float *x, bool apart)
{
    if (apart && threadIdx.x % 2 == 0)
        __syncthreads();
    else
        __syncthreads();
    x[threadIdx.x] += 1;
}

void mistake_part(float *x, bool apart, cudaStream_t s)
{
    LAUNCH(part, 1, 64, 0, s, x, apart);
}

static __global__ void nothing(int)
{
}

void mistake_threads(int n, cudaStream_t s)
{
    LAUNCH(nothing, 1, n, 0, s, n);
}
