#include "kernels.h"
#include "mistakes.h"

static cudaStream_t stream(unsigned flags)
{
    cudaStream_t s = NULL;

    must(cudaStreamCreateWithFlags(&s, flags), "a stream");
    return s;
}

/* Ends the capture; whether it gave a graph, which is destroyed. */
static bool ends_well(cudaStream_t s, cudaError_t *e)
{
    cudaGraph_t g = NULL;

    *e = cudaStreamEndCapture(s, &g);
    if (g != NULL)
        cudaGraphDestroy(g);
    return *e == cudaSuccess && g != NULL;
}

/* A capture in which something is done that must not be: `done` with the error that it is
 * to give, then the capture ends in `ends`. */
static int during(bool wrong, unsigned flags, cudaError_t (*done)(cudaStream_t s, float *x),
                  cudaError_t gives, cudaError_t ends)
{
    cudaStream_t s = stream(flags);
    cudaError_t e = cudaSuccess, end;
    float *x = counted(0);
    bool well;

    cudaDeviceSynchronize();
    must(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal), "a capture");
    mistake_add(x, x, 1, VALUES, s);
    if (wrong)
        e = done(s, x);
    well = ends_well(s, &end);
    cudaStreamDestroy(s);
    cudaFree(x);
    if (!wrong)
        return !well;
    return e == gives && end == ends && !well ? 1 : 0;
}

static cudaError_t wait_for(cudaStream_t s, float *x)
{
    (void)x;
    return cudaStreamSynchronize(s);
}

static int waited_for(bool wrong)
{
    return during(wrong, cudaStreamNonBlocking, wait_for, cudaErrorStreamCaptureUnsupported,
                  cudaErrorStreamCaptureInvalidated);
}

static cudaError_t wait_for_all(cudaStream_t s, float *x)
{
    (void)s;
    (void)x;
    return cudaDeviceSynchronize();
}

static int all_waited_for(bool wrong)
{
    return during(wrong, cudaStreamNonBlocking, wait_for_all,
                  cudaErrorStreamCaptureUnsupported, cudaErrorStreamCaptureInvalidated);
}

static cudaError_t take_memory(cudaStream_t s, float *x)
{
    void *p = NULL;

    (void)s;
    (void)x;
    return cudaMalloc(&p, 4);
}

static int memory_taken(bool wrong)
{
    return during(wrong, cudaStreamNonBlocking, take_memory,
                  cudaErrorStreamCaptureUnsupported, cudaErrorStreamCaptureInvalidated);
}

static cudaError_t use_legacy(cudaStream_t s, float *x)
{
    (void)s;
    mistake_add(x, x, 1, VALUES, 0);
    return cudaGetLastError();
}

static int legacy_used(bool wrong)
{
    return during(wrong, cudaStreamDefault, use_legacy, cudaErrorStreamCaptureImplicit,
                  cudaErrorStreamCaptureInvalidated);
}

static cudaError_t copy_now(cudaStream_t s, float *x)
{
    float host[VALUES];

    (void)s;
    return cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
}

static int copied(bool wrong)
{
    return during(wrong, cudaStreamDefault, copy_now, cudaErrorStreamCaptureImplicit,
                  cudaErrorStreamCaptureInvalidated);
}

static cudaError_t wait_for_outside(cudaStream_t s, float *x)
{
    cudaEvent_t event;
    cudaStream_t other = stream(cudaStreamNonBlocking);
    cudaError_t e;

    cudaEventCreate(&event);
    mistake_add(x, x, 1, VALUES, other);
    cudaEventRecord(event, other);
    e = cudaStreamWaitEvent(s, event, 0);
    cudaStreamDestroy(other);
    cudaEventDestroy(event);
    return e;
}

static int outside_waited_for(bool wrong)
{
    return during(wrong, cudaStreamNonBlocking, wait_for_outside,
                  cudaErrorStreamCaptureIsolation, cudaErrorStreamCaptureInvalidated);
}

static cudaError_t ask_event(cudaStream_t s, float *x)
{
    cudaEvent_t event;
    cudaError_t e;

    (void)x;
    cudaEventCreate(&event);
    cudaEventRecord(event, s);
    e = cudaEventQuery(event);
    cudaEventDestroy(event);
    return e;
}

static int event_asked(bool wrong)
{
    return during(wrong, cudaStreamNonBlocking, ask_event, cudaErrorCapturedEvent,
                  cudaErrorStreamCaptureInvalidated);
}

/* Work in a second stream, joined by an event or not. */
static int not_joined(bool wrong)
{
    cudaStream_t a = stream(cudaStreamNonBlocking), b = stream(cudaStreamNonBlocking);
    float *x = counted(0), *y = counted(0);
    cudaEvent_t fork, join;
    cudaError_t e;
    bool well;

    cudaDeviceSynchronize();
    cudaEventCreate(&fork);
    cudaEventCreate(&join);
    cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal);
    cudaEventRecord(fork, a);
    cudaStreamWaitEvent(b, fork, 0);
    mistake_add(x, x, 1, VALUES, a);
    mistake_add(y, y, 1, VALUES, b);
    cudaEventRecord(join, b);
    if (!wrong)
        cudaStreamWaitEvent(a, join, 0);
    well = ends_well(a, &e);
    cudaEventDestroy(fork);
    cudaEventDestroy(join);
    cudaStreamDestroy(a);
    cudaStreamDestroy(b);
    cudaFree(x);
    cudaFree(y);
    return wrong ? e == cudaErrorStreamCaptureUnjoined : !well;
}

static int graph_kept(bool wrong)
{
    cudaStream_t s = stream(cudaStreamNonBlocking);
    cudaGraph_t g;

    cudaStreamBeginCapture(s, cudaStreamCaptureModeRelaxed);
    cudaStreamEndCapture(s, &g);
    if (!wrong)
        cudaGraphDestroy(g);
    cudaStreamDestroy(s);
    return 0;
}

/* A launched graph reads host memory then, and the arguments of its kernels as they were
 * when it was captured. */
static int host_read_at_launch(bool wrong)
{
    cudaStream_t s = stream(cudaStreamNonBlocking);
    float *x = counted(0), *host, v = 1;
    cudaGraphExec_t exec;
    cudaGraph_t g;
    int bad = 0;

    cudaMallocHost((void **)&host, VALUES * sizeof *host);
    cudaDeviceSynchronize();
    cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal);
    cudaMemcpyAsync(x, host, VALUES * sizeof *x, cudaMemcpyHostToDevice, s);
    mistake_add(x, x, v, VALUES, s);
    cudaMemcpyAsync(host, x, VALUES * sizeof *x, cudaMemcpyDeviceToHost, s);
    cudaStreamEndCapture(s, &g);
    must(cudaGraphInstantiate(&exec, g, 0), "a graph");
    cudaGraphDestroy(g);
    v = 50;
    for (int i = 0; i < VALUES; i++)
        host[i] = (float)i;
    for (int k = 1; k <= 3; k++) {
        must(cudaGraphLaunch(exec, s), "a launch");
        if (!wrong)
            cudaStreamSynchronize(s);
        bad |= check_counts(host, (float)k);
    }
    cudaStreamSynchronize(s);
    cudaGraphExecDestroy(exec);
    cudaStreamDestroy(s);
    cudaFreeHost(host);
    return check_device(x, 3) || bad;
}

static int freed_under_a_graph(bool wrong)
{
    cudaStream_t s = stream(cudaStreamNonBlocking);
    float *x = counted(0);
    cudaGraphExec_t exec;
    cudaGraph_t g;

    cudaDeviceSynchronize();
    cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal);
    cudaMemsetAsync(x, 0, VALUES * sizeof *x, s);
    cudaStreamEndCapture(s, &g);
    cudaGraphInstantiate(&exec, g, 0);
    cudaGraphDestroy(g);
    if (wrong)
        cudaFree(x);
    cudaGraphLaunch(exec, s);
    cudaStreamSynchronize(s);
    if (!wrong)
        cudaFree(x);
    cudaGraphExecDestroy(exec);
    cudaStreamDestroy(s);
    return 0;
}

const struct mistake mistakes_capture[] = {
    { "capture_waited_for", waited_for, NULL, { 0 } },
    { "capture_all_waited_for", all_waited_for, NULL, { 0 } },
    { "capture_memory_taken", memory_taken, NULL, { 0 } },
    { "capture_legacy_used", legacy_used, NULL, { 0 } },
    { "capture_copied", copied, NULL, { 0 } },
    { "capture_outside_waited_for", outside_waited_for, NULL, { 0 } },
    { "capture_event_asked", event_asked, NULL, { 0 } },
    { "capture_not_joined", not_joined, NULL, { 0 } },
    { "graph_kept", graph_kept, "a handle: graph", { 0 } },
    { "host_read_at_launch", host_read_at_launch, NULL, { 0 } },
    { "freed_under_a_graph", freed_under_a_graph, "freed since", { 0 } },
    { 0 },
};
