#include "kernels.h"
#include "mistakes.h"

static float *pinned(float first)
{
    float *p;

    if (must(cudaMallocHost((void **)&p, VALUES * sizeof *p), "cudaMallocHost"))
        return NULL;
    for (int i = 0; i < VALUES; i++)
        p[i] = first + (float)i;
    return p;
}

static cudaStream_t stream(unsigned flags)
{
    cudaStream_t s = NULL;

    must(cudaStreamCreateWithFlags(&s, flags), "a stream");
    return s;
}

static int result_not_awaited(bool wrong)
{
    cudaStream_t s = stream(cudaStreamNonBlocking);
    float *x = counted(0), *host = pinned(100);
    int bad;

    cudaDeviceSynchronize();
    cudaMemcpyAsync(host, x, VALUES * sizeof *x, cudaMemcpyDeviceToHost, s);
    if (!wrong)
        cudaStreamSynchronize(s);
    bad = check_counts(host, 0);
    cudaDeviceSynchronize();
    cudaFreeHost(host);
    cudaStreamDestroy(s);
    cudaFree(x);
    return bad;
}

static int source_changed(bool wrong)
{
    cudaStream_t s = stream(cudaStreamNonBlocking);
    float *x = counted(0), *host = pinned(100);

    cudaDeviceSynchronize();
    cudaMemcpyAsync(x, host, VALUES * sizeof *x, cudaMemcpyHostToDevice, s);
    if (!wrong)
        cudaStreamSynchronize(s);
    host[3] = 0;
    cudaStreamSynchronize(s);
    cudaFreeHost(host);
    cudaStreamDestroy(s);
    return check_device(x, 100);
}

/* What one stream computes, another reads. */
static int event_forgotten(bool wrong)
{
    cudaStream_t a = stream(cudaStreamNonBlocking), b = stream(cudaStreamNonBlocking);
    float *x = counted(0), *y = counted(0), host[VALUES];
    cudaEvent_t done;

    cudaDeviceSynchronize();
    cudaEventCreateWithFlags(&done, cudaEventDisableTiming);
    mistake_add(x, x, 7, VALUES, a);
    cudaEventRecord(done, a);
    if (!wrong)
        cudaStreamWaitEvent(b, done, 0);
    mistake_add(y, x, 0, VALUES, b);
    cudaMemcpyAsync(host, y, sizeof host, cudaMemcpyDeviceToHost, b);
    cudaStreamSynchronize(b);
    cudaDeviceSynchronize();
    cudaEventDestroy(done);
    cudaStreamDestroy(a);
    cudaStreamDestroy(b);
    cudaFree(x);
    cudaFree(y);
    return check_counts(host, 7);
}

/* Seen only in an order of the streams other than that of the calls. */
static int order_relied_on(bool wrong)
{
    cudaStream_t a = stream(cudaStreamNonBlocking), b = stream(cudaStreamNonBlocking);
    float *x = counted(0);

    cudaDeviceSynchronize();
    mistake_add(x, x, 1, VALUES, a);
    if (!wrong)
        cudaStreamSynchronize(a);
    cudaMemsetAsync(x, 0, VALUES * sizeof *x, b);
    cudaDeviceSynchronize();
    cudaStreamDestroy(a);
    cudaStreamDestroy(b);
    float first = 1;
    cudaMemcpy(&first, x, sizeof first, cudaMemcpyDeviceToHost);
    cudaFree(x);
    return first != 0;
}

/* cudaMemset returns before it is done, and a stream that does not block passes it. */
static int cleared_too_late(bool wrong)
{
    cudaStream_t s = stream(wrong ? cudaStreamNonBlocking : cudaStreamDefault);
    float *x = counted(0), host[VALUES];

    cudaDeviceSynchronize();
    cudaMemset(x, 0, VALUES * sizeof *x);
    cudaMemcpyAsync(host, x, sizeof host, cudaMemcpyDeviceToHost, s);
    cudaStreamSynchronize(s);
    cudaStreamDestroy(s);
    cudaFree(x);
    return host[5] != 0;
}

/* cudaMemcpy from pageable memory returns before the copy has arrived. */
static int copied_too_late(bool wrong)
{
    cudaStream_t s = stream(cudaStreamNonBlocking);
    float *x = counted(3), host[VALUES] = { 0 };
    int bad;

    if (!wrong)
        cudaDeviceSynchronize();
    cudaMemcpyAsync(host, x, sizeof host, cudaMemcpyDeviceToHost, s);
    cudaStreamSynchronize(s);
    bad = check_counts(host, 3);
    cudaStreamDestroy(s);
    cudaFree(x);
    return bad;
}

static int destroyed_stream(bool wrong)
{
    cudaStream_t s = stream(cudaStreamDefault);
    float *x = counted(0);

    if (wrong)
        cudaStreamDestroy(s);
    mistake_add(x, x, 1, VALUES, s);
    if (!wrong)
        cudaStreamDestroy(s); /* the kernel still runs */
    return check_device(x, 1);
}

static int pinned_freed_too_early(bool wrong)
{
    float *x = counted(0), *host = pinned(100);

    cudaMemcpyAsync(x, host, VALUES * sizeof *x, cudaMemcpyHostToDevice, 0);
    if (!wrong)
        cudaStreamSynchronize(0);
    cudaFreeHost(host);
    return check_device(x, 100);
}

static void ask_cuda(void *device)
{
    cudaGetDevice(device);
}

static void ask_nothing(void *device)
{
    *(int *)device = 0;
}

static int cuda_in_host_function(bool wrong)
{
    int device = -1;

    cudaLaunchHostFunc(0, wrong ? ask_cuda : ask_nothing, &device);
    if (device != -1)
        return 1;
    cudaStreamSynchronize(0);
    return device != 0;
}

/* Asking comes to an end, though nothing is done that nobody asks for. */
static int asked_too_seldom(bool wrong)
{
    float *x = counted(0);
    cudaError_t e;

    mistake_add(x, x, 1, VALUES, 0);
    do
        e = cudaStreamQuery(0);
    while (!wrong && e == cudaErrorNotReady);
    cudaDeviceSynchronize();
    return check_device(x, 1) || e != cudaSuccess;
}

static int memory_unchecked(bool wrong)
{
    void *p = NULL;
    cudaError_t e = cudaMalloc(&p, 100);
    float *x;

    if (e == cudaSuccess)
        return 1;
    if (!wrong)
        return 0;
    x = counted(0);
    cudaFree(x);
    return 0;
}

static int launch_unchecked(bool wrong)
{
    float *x = counted(0);
    cudaError_t e;

    mistake_add(x, x, 1, VALUES, 0);
    mistake_add(x, x, 1, VALUES, 0); /* may share the question */
    e = wrong ? cudaErrorMemoryAllocation : cudaGetLastError();
    if (e == cudaSuccess)
        return 1;
    if (wrong)
        cudaMemsetAsync(x, 0, 4, 0);
    cudaFree(x);
    return 0;
}

/* A launch that fails late is told by the next wait, and by all that follows. */
static int late_failure_unchecked(bool wrong)
{
    float *x = counted(0);
    cudaError_t e;

    mistake_add(x, x, 1, VALUES, 0);
    if (cudaGetLastError() != cudaSuccess)
        return 1;
    e = cudaDeviceSynchronize();
    if (wrong)
        e = cudaMemset(x, 0, 4);
    cudaFree(x);
    return e != cudaErrorLaunchFailure || cudaGetLastError() != cudaErrorLaunchFailure;
}

const struct mistake mistakes_order[] = {
    { "result_not_awaited", result_not_awaited, NULL, { 0 } },
    { "source_changed", source_changed, NULL, { 0 } },
    { "event_forgotten", event_forgotten, NULL, { 0 } },
    { "event_forgotten_newest", event_forgotten, NULL, { "CUDA_ON_CPU_STREAMS=newest" } },
    { "event_forgotten_shuffled", event_forgotten, NULL,
      { "CUDA_ON_CPU_STREAMS=shuffled:5" } },
    { "order_relied_on", order_relied_on, NULL, { "CUDA_ON_CPU_STREAMS=newest" } },
    { "cleared_too_late", cleared_too_late, NULL, { 0 } },
    { "copied_too_late", copied_too_late, NULL, { 0 } },
    { "destroyed_stream", destroyed_stream, "a stream that was destroyed", { 0 } },
    { "pinned_freed_too_early", pinned_freed_too_early, "is still to use", { 0 } },
    { "cuda_in_host_function", cuda_in_host_function, "by a host function", { 0 } },
    { "asked_too_seldom", asked_too_seldom, NULL, { 0 } },
    { "memory_unchecked", memory_unchecked, "cudaMalloc failed and nobody heard",
      { "CUDA_ON_CPU_FAIL=1:memory:cudaMalloc" } },
    { "launch_unchecked", launch_unchecked, "add failed and nobody heard",
      { "CUDA_ON_CPU_FAIL=1:memory:add" } },
    { "late_failure_unchecked", late_failure_unchecked, "failed and nobody heard",
      { "CUDA_ON_CPU_FAIL=1:launch:add" } },
    { 0 },
};
