#include "nn/cudnn/queue.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"
#include "nn/cudnn/gpu.h"
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/together.h"

#include "larder/banned.h"

cudaStream_t kernel_stream;

/* Host memory that the GPU reads by itself; taken once, as large as it was needed. */
struct pinned {
    void *mem;
    size_t size;
};

/* What was sent before one arrive(). */
struct shipment {
    struct pinned *part;
    size_t n, cap; /* parts in use; parts that there are */
    cudaEvent_t gone;
    bool sent; /* `gone` was recorded */
};

static struct {
    int users;
    cudaStream_t copies;
    struct shipment shipment[2];
    int loading; /* the one that send() adds to */
} queue;

static int open_shipment(struct shipment *s, struct error *err)
{
    return gpu_cuda(cudaEventCreateWithFlags(&s->gone, cudaEventDisableTiming),
                    "making an event", err);
}

static void close_shipment(struct shipment *s)
{
    for (size_t i = 0; i < s->cap; i++)
        if (s->part[i].mem != NULL)
            cudaFreeHost(s->part[i].mem);
    free(s->part);
    if (s->gone != NULL)
        cudaEventDestroy(s->gone);
    *s = (struct shipment){ 0 };
}

static void close_all(void)
{
    if (queue.copies != NULL)
        cudaStreamSynchronize(queue.copies);
    for (int k = 0; k < 2; k++)
        close_shipment(&queue.shipment[k]);
    if (queue.copies != NULL)
        cudaStreamDestroy(queue.copies);
    if (kernel_stream != NULL)
        cudaStreamDestroy(kernel_stream);
    queue.copies = kernel_stream = NULL;
}

int queue_open(struct error *err)
{
    int rc = 0;

    if (queue.users++ > 0)
        return 0;
    rc = gpu_cuda(cudaStreamCreateWithFlags(&kernel_stream, cudaStreamNonBlocking),
                  "making a stream", err);
    if (rc == 0)
        rc = gpu_cuda(cudaStreamCreateWithFlags(&queue.copies, cudaStreamNonBlocking),
                      "making a stream", err);
    for (int k = 0; k < 2 && rc == 0; k++)
        rc = open_shipment(&queue.shipment[k], err);
    return rc;
}

void queue_close(void)
{
    if (--queue.users > 0)
        return;
#ifdef LARDER_NCCL
    together_leave();
#endif
    close_all();
}

static int wait_for(cudaError_t status, const char *what, struct error *err)
{
    int rc = gpu_cuda(status, what, err);

    return rc < 0 ? rc : gpu_cuda(cudaStreamSynchronize(kernel_stream), what, err);
}

int queue_upload(void *to, const void *host, size_t n, struct error *err)
{
    return wait_for(cudaMemcpyAsync(to, host, n, cudaMemcpyHostToDevice, kernel_stream),
                    "copying to the GPU", err);
}

int queue_download(void *host, const void *from, size_t n, struct error *err)
{
    return wait_for(cudaMemcpyAsync(host, from, n, cudaMemcpyDeviceToHost, kernel_stream),
                    "copying from the GPU", err);
}

int queue_clear(void *mem, size_t n, struct error *err)
{
    return wait_for(cudaMemsetAsync(mem, 0, n, kernel_stream), "clearing memory", err);
}

int queue_copy(void *to, const void *from, size_t n, struct error *err)
{
    return gpu_cuda(cudaMemcpyAsync(to, from, n, cudaMemcpyDeviceToDevice, kernel_stream),
                    "copying on the GPU", err);
}

/* The parts of the shipment may be written again: the GPU has read what they held. */
static int reuse(struct shipment *s, struct error *err)
{
    int rc = gpu_cuda(cudaEventSynchronize(s->gone), "waiting for a copy", err);

    s->sent = false;
    s->n = 0;
    return rc;
}

/* The next part, of at least n bytes. */
static int next_part(struct shipment *s, size_t n, void **mem, struct error *err)
{
    struct pinned *p;
    int rc = 0;

    if (s->n == s->cap) {
        s->part = xrealloc(s->part, (s->cap + 1) * sizeof *s->part);
        s->part[s->cap++] = (struct pinned){ 0 };
    }
    p = &s->part[s->n];
    if (p->size < n) {
        if (p->mem != NULL)
            cudaFreeHost(p->mem);
        *p = (struct pinned){ 0 };
        rc = gpu_take_host(&p->mem, n, err);
        p->size = rc < 0 ? 0 : n;
    }
    s->n += rc == 0;
    *mem = p->mem;
    return rc;
}

int queue_send(void *to, const void *host, size_t n, struct error *err)
{
    struct shipment *s = &queue.shipment[queue.loading];
    void *mem = NULL;
    int rc = s->sent ? reuse(s, err) : 0;

    if (rc == 0)
        rc = next_part(s, n, &mem, err);
    if (rc < 0)
        return rc;
    memcpy(mem, host, n);
    return gpu_cuda(cudaMemcpyAsync(to, mem, n, cudaMemcpyHostToDevice, queue.copies),
                    "copying to the GPU", err);
}

int queue_arrive(struct error *err)
{
    struct shipment *s = &queue.shipment[queue.loading];
    int rc;

    if (s->sent || s->n == 0)
        return 0; /* it has arrived, for another device */
    rc = gpu_cuda(cudaEventRecord(s->gone, queue.copies), "marking a copy", err);
    if (rc == 0)
        rc = gpu_cuda(cudaStreamWaitEvent(kernel_stream, s->gone, 0),
                      "waiting for a copy", err);
    s->sent = true;
    queue.loading = 1 - queue.loading;
    return rc;
}

int queue_record(struct error *err)
{
    int rc =
        gpu_cuda(cudaStreamBeginCapture(kernel_stream, cudaStreamCaptureModeThreadLocal),
                 "recording", err);

    if (rc < 0)
        cudaGetLastError(); /* whoever goes on without asks each launch for its own */
    return rc;
}

int queue_stop(cudaGraphExec_t *exec, struct error *err)
{
    cudaGraph_t graph = NULL;
    int rc = gpu_cuda(cudaStreamEndCapture(kernel_stream, &graph), "recording", err);

    if (rc == 0 && exec != NULL)
        rc = gpu_cuda(cudaGraphInstantiate(exec, graph, 0), "preparing what was recorded",
                      err);
    if (graph != NULL)
        cudaGraphDestroy(graph);
    if (rc < 0 || exec == NULL)
        cudaGetLastError();
    return rc;
}

int queue_play(cudaGraphExec_t graph, struct error *err)
{
    return gpu_cuda(cudaGraphLaunch(graph, kernel_stream), "playing what was recorded",
                    err);
}
