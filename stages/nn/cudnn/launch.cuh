/*
 * launch - how a kernel is launched, and a kernel over n values. The tests compile the
 * same kernels for the CPU (tests/cuda-on-cpu), where LAUNCH is a call.
 */
#ifndef NN_CUDNN_LAUNCH_CUH
#define NN_CUDNN_LAUNCH_CUH

#include "nn/cudnn/kernels.h"

#ifdef LARDER_CUDA_DOUBLE
#include "cuda_on_cpu.cuh"
#else
#define LAUNCH(kernel, grid, block, shared, stream, ...) \
    kernel<<<grid, block, shared, stream>>>(__VA_ARGS__)
#endif

/* A thread takes every so many values; the order of a sum never depends on the GPU. */
enum { THREADS = 256, MOST_BLOCKS = 4096 };

static unsigned blocks_for(size_t n)
{
    size_t blocks = (n + THREADS - 1) / THREADS;

    return (unsigned)(blocks < 1 ? 1 : blocks > MOST_BLOCKS ? MOST_BLOCKS : blocks);
}

#define EACH(i, n)                                                          \
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n); \
         i += (size_t)gridDim.x * blockDim.x)

template <class F> __global__ void each(size_t n, F f)
{
    EACH(i, n)
    f(i);
}

/* f(i) for every i below n, in no order. */
template <class F> static cudaError_t launch(size_t n, F f)
{
    if (n == 0)
        return cudaSuccess;
    LAUNCH(each<F>, blocks_for(n), THREADS, 0, kernel_stream, n, f);
    return cudaGetLastError();
}

#endif
