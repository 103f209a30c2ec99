#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "mistakes.h"

static int host_for_device(bool wrong)
{
    float *x = counted(0), host[VALUES] = { 0 };

    must(cudaMemcpyAsync(x, wrong ? host : x, sizeof host, cudaMemcpyDeviceToDevice, 0),
         "a copy");
    return check_device(x, 0);
}

static int host_in_kernel(bool wrong)
{
    float *x = counted(0), host[VALUES] = { 0 };

    mistake_add(x, wrong ? host : x, 1, VALUES, 0);
    return check_device(x, 1);
}

static int device_for_host(bool wrong)
{
    float *x = counted(1), first = 0;

    must(cudaMemcpy(&first, x, sizeof first, cudaMemcpyDeviceToHost), "a copy");
    if (wrong)
        first = x[0];
    cudaFree(x);
    return first != 1;
}

static int device_copied_from_host(bool wrong)
{
    float *x = counted(1), *y = counted(2);

    if (wrong)
        memcpy(x, y, sizeof *x);
    cudaFree(y);
    return check_device(x, 1);
}

static int freed_in_kernel(bool wrong)
{
    float *x = counted(0), *y = counted(5);

    if (wrong)
        cudaFree(y);
    mistake_add(x, y, 1, VALUES, 0);
    if (!wrong) {
        cudaDeviceSynchronize();
        cudaFree(y);
    }
    return check_device(x, 6);
}

static int freed_in_copy(bool wrong)
{
    float *x = counted(0), *y = counted(5);

    if (wrong)
        cudaFree(y);
    cudaMemcpyAsync(x, y, VALUES * sizeof *x, cudaMemcpyDeviceToDevice, 0);
    if (!wrong)
        cudaFree(y); /* waits for the copy */
    return check_device(x, 5);
}

static int freed_twice(bool wrong)
{
    float *x = counted(0);

    cudaFree(x);
    if (wrong)
        cudaFree(x);
    return 0;
}

static int freed_inside(bool wrong)
{
    float *x = counted(0);

    cudaFree(wrong ? x + 16 : x);
    return 0;
}

static int host_freed_as_device(bool wrong)
{
    void *p = malloc(8);

    if (wrong)
        cudaFree(p);
    free(p);
    return 0;
}

static int past_the_end(bool wrong)
{
    float *x = counted(0), *y;

    cudaMalloc((void **)&y, (VALUES - 1) * sizeof *y);
    cudaMemset(y, 0, (VALUES - 1) * sizeof *y);
    mistake_add(x, y, 1, wrong ? VALUES : VALUES - 1, 0);
    cudaFree(y);
    cudaFree(x);
    return 0;
}

static int copied_past_the_end(bool wrong)
{
    float *x = counted(0), host[VALUES + 1] = { 0 };

    cudaMemcpy(x, host, (VALUES + (wrong ? 1 : 0)) * sizeof *x, cudaMemcpyHostToDevice);
    cudaFree(x);
    return 0;
}

static int memory_kept(bool wrong)
{
    float *x = counted(0);

    if (!wrong)
        cudaFree(x);
    return 0;
}

static int pinned_kept(bool wrong)
{
    void *p;

    cudaMallocHost(&p, 100);
    if (!wrong)
        cudaFreeHost(p);
    return 0;
}

static int stream_kept(bool wrong)
{
    cudaStream_t s;

    cudaStreamCreate(&s);
    if (!wrong)
        cudaStreamDestroy(s);
    return 0;
}

static int event_kept(bool wrong)
{
    cudaEvent_t e;

    cudaEventCreate(&e);
    if (!wrong)
        cudaEventDestroy(e);
    return 0;
}

static int fresh_memory_read(bool wrong)
{
    float *x = counted(0), *y;

    cudaMalloc((void **)&y, VALUES * sizeof *y);
    if (!wrong)
        cudaMemset(y, 0, VALUES * sizeof *y);
    mistake_add(x, y, 0, VALUES, 0);
    mistake_add(x, x, 0, VALUES, 0);
    cudaFree(y);
    float first = 1;
    cudaMemcpy(&first, x, sizeof first, cudaMemcpyDeviceToHost);
    cudaFree(x);
    return first != 0;
}

static int wrong_direction(bool wrong)
{
    float *x = counted(0), host[VALUES];

    cudaMemcpy(host, x, sizeof host,
               wrong ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost);
    cudaFree(x);
    return 0;
}

static int overlap(bool wrong)
{
    float *x = counted(0);

    cudaMemcpyAsync(x + (wrong ? 8 : 16), x, 16 * sizeof *x, cudaMemcpyDeviceToDevice, 0);
    cudaFree(x);
    return 0;
}

static int too_much(bool wrong)
{
    void *p = NULL;
    cudaError_t e = cudaMalloc(&p, wrong ? (size_t)2 << 20 : (size_t)1 << 20);

    cudaFree(p);
    return e != cudaSuccess;
}

static int other_device(bool wrong)
{
    float *x = counted(0);

    cudaDeviceSynchronize();
    cudaSetDevice(wrong ? 1 : 0);
    mistake_add(x, x, 1, VALUES, 0);
    cudaDeviceSynchronize();
    cudaSetDevice(0);
    return check_device(x, 1);
}

static int stream_of_other_device(bool wrong)
{
    cudaStream_t s;
    float *x;

    cudaStreamCreate(&s);
    cudaSetDevice(wrong ? 1 : 0);
    x = counted(0);
    mistake_add(x, x, 1, VALUES, s);
    cudaStreamSynchronize(s);
    cudaStreamDestroy(s);
    return check_device(x, 1);
}

const struct mistake mistakes_memory[] = {
    { "host_for_device", host_for_device, "not the direction that it was told", { 0 } },
    { "host_in_kernel", host_in_kernel, "reads 4 bytes: ordinary host memory", { 0 } },
    { "device_for_host", device_for_host, "the host program touched byte 0", { 0 } },
    { "device_copied_from_host", device_copied_from_host, "the host program touched",
      { 0 } },
    { "freed_in_kernel", freed_in_kernel, "freed since", { 0 } },
    { "freed_in_copy", freed_in_copy, "freed since", { 0 } },
    { "freed_twice", freed_twice, "a second time", { 0 } },
    { "freed_inside", freed_inside, "the inside of a block", { 0 } },
    { "host_freed_as_device", host_freed_as_device, "cudaFree was given ordinary host",
      { 0 } },
    { "past_the_end", past_the_end, "byte 252 of a block of 252 bytes", { 0 } },
    { "copied_past_the_end", copied_past_the_end, "what is written of 260 bytes", { 0 } },
    { "memory_kept", memory_kept, "at exit 1 not freed, the first is device memory", { 0 } },
    { "pinned_kept", pinned_kept, "the first is pinned memory", { 0 } },
    { "stream_kept", stream_kept, "a handle: stream", { 0 } },
    { "event_kept", event_kept, "a handle: event", { 0 } },
    { "fresh_memory_read", fresh_memory_read, NULL, { 0 } },
    { "wrong_direction", wrong_direction, "not the direction", { 0 } },
    { "overlap", overlap, "overlap", { 0 } },
    { "too_much", too_much, NULL, { "CUDA_ON_CPU_MEMORY=1" } },
    { "other_device", other_device, "of device 0", { "CUDA_ON_CPU_DEVICES=2" } },
    { "stream_of_other_device", stream_of_other_device, "the stream is of device 0",
      { "CUDA_ON_CPU_DEVICES=2" } },
    { 0 },
};
