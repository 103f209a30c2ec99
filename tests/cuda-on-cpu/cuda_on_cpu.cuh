/*
 * cuda_on_cpu - the part of CUDA's C++ that kernels use, for a compiler of plain C++.
 * Included by launch.cuh in place of what nvcc has built in.
 */
#ifndef CUDA_ON_CPU_CUH
#define CUDA_ON_CPU_CUH

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <new>
#include <tuple>
#include <type_traits>

#include <cuda_runtime_api.h>

#include "launch.h"

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#define __global__
#define __device__
#define __host__
#define __shared__ static __attribute__((section("cuda_shared")))
#define __constant__ __attribute__((section("cuda_constant")))

#define threadIdx (launch_thread())
#define blockIdx (launch_block())
#define blockDim (launch_block_dim())
#define gridDim (launch_grid_dim())
#define __syncthreads() launch_barrier(__FILE__, __LINE__)

static inline double __dadd_rn(double a, double b)
{
    return a + b;
}

static inline double __dmul_rn(double a, double b)
{
    return a * b;
}

/* The arguments of a launch, kept as the kernel's own parameters are. */
template <class... P> struct launch_of {
    struct held {
        void (*kernel)(P...);
        std::tuple<P...> with;
    };

    static void thread(const void *arguments)
    {
        const held *h = static_cast<const held *>(arguments);

        std::apply(h->kernel, h->with);
    }

    template <class... A>
    static void queue(const char *name, void (*kernel)(P...), dim3 grid, dim3 block,
                      size_t shared, cudaStream_t stream, A... a)
    {
        static_assert((std::is_trivially_copyable<P>::value && ...),
                      "what a kernel is given is copied byte by byte");
        const held h = { kernel, std::tuple<P...>(a...) };

        launch_kernel(name, grid, block, shared, stream, thread, &h, sizeof h);
    }
};

template <class... P, class... A>
static void launch_on_cpu(const char *name, void (*kernel)(P...), dim3 grid, dim3 block,
                          size_t shared, cudaStream_t stream, A... a)
{
    launch_of<P...>::queue(name, kernel, grid, block, shared, stream, a...);
}

#define LAUNCH(kernel, grid, block, shared, stream, ...) \
    launch_on_cpu(#kernel, kernel, grid, block, shared, stream, __VA_ARGS__)

#endif
