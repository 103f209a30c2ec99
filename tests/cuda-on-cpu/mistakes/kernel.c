#include "kernels.h"
#include "mistakes.h"

static int turned(float *x)
{
    float host[VALUES];

    cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
    cudaFree(x);
    for (int i = 0; i < VALUES; i++)
        if (host[i] != (float)(VALUES - 1 - i))
            return 1;
    return 0;
}

static int barrier_forgotten(bool wrong)
{
    float *x = counted(0);

    mistake_turn(x, !wrong, 0);
    return turned(x);
}

static int dynamic_barrier_forgotten(bool wrong)
{
    float *x = counted(0);

    mistake_turn_dynamic(x, !wrong, 0);
    return turned(x);
}

static int barriers_apart(bool wrong)
{
    float *x = counted(0);

    mistake_part(x, wrong, 0);
    return check_device(x, 1);
}

static int too_many_threads(bool wrong)
{
    mistake_threads(wrong ? 1025 : 1024, 0);
    return cudaGetLastError() != cudaSuccess;
}

const struct mistake mistakes_kernel[] = {
    { "barrier_forgotten", barrier_forgotten, "no __syncthreads() is between", { 0 } },
    { "barrier_forgotten_descending", barrier_forgotten, "no __syncthreads() is between",
      { "CUDA_ON_CPU_THREADS=descending" } },
    { "barrier_forgotten_shuffled", barrier_forgotten, "no __syncthreads() is between",
      { "CUDA_ON_CPU_THREADS=shuffled:9" } },
    { "dynamic_barrier_forgotten", dynamic_barrier_forgotten,
      "no __syncthreads() is between", { 0 } },
    { "barriers_apart", barriers_apart, "wait at two barriers", { 0 } },
    { "too_many_threads", too_many_threads, NULL, { 0 } },
    { 0 },
};
