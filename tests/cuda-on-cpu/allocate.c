/* Taking and giving back memory, of devices and of the host. */
#include <stdlib.h>

#include "call.h"
#include "capture.h"
#include "memory.h"
#include "stream.h"
#include "told.h"
#include "work.h"

cudaError_t cudaMalloc(void **p, size_t n)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaMalloc");

    if (e == cudaSuccess && p == NULL)
        e = cudaErrorInvalidValue;
    if (e == cudaSuccess)
        e = capture_allows_unsafe(false);
    if (e != cudaSuccess)
        return call_leave(e);
    *p = n > 0 ? memory_take(call_device(), n) : NULL;
    return call_leave(n > 0 && *p == NULL ? cudaErrorMemoryAllocation : cudaSuccess);
}

/* Waits for all that the device has to do. */
cudaError_t cudaFree(void *p)
{
    cudaError_t e = call_enter(CALL_CLEANUP, "cudaFree"), allowed = cudaSuccess;

    if (p == NULL)
        return call_leave(e);
    if (memory_device(p) < 0)
        told_stop("cudaFree was given %s", memory_words(p));
    allowed = capture_allows_unsafe(false);
    if (allowed != cudaSuccess)
        return call_leave(allowed);
    if (e == cudaSuccess)
        stream_demand_device(memory_device(p));
    memory_free(p);
    return call_leave(e != cudaSuccess ? e : call_error());
}

static cudaError_t take_host(void **p, size_t n)
{
    cudaError_t e = capture_allows_unsafe(false);
    size_t size = (n + 4095) / 4096 * 4096;

    if (e != cudaSuccess || n == 0)
        return e;
    *p = aligned_alloc(4096, size);
    if (*p == NULL)
        return cudaErrorMemoryAllocation;
    memory_poison(*p, n);
    memory_pin(*p, n, false);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t n)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaMallocHost");

    return call_leave(e != cudaSuccess ? e : take_host(p, n));
}

cudaError_t cudaHostAlloc(void **p, size_t n, unsigned flags)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaHostAlloc");

    if (e == cudaSuccess && flags > 7)
        e = cudaErrorInvalidValue;
    return call_leave(e != cudaSuccess ? e : take_host(p, n));
}

/* Nothing says that this waits: a copy that is still to use it is a mistake. */
cudaError_t cudaFreeHost(void *p)
{
    cudaError_t e = call_enter(CALL_CLEANUP, "cudaFreeHost"), allowed = cudaSuccess;

    if (p == NULL)
        return call_leave(e);
    allowed = capture_allows_unsafe(false);
    if (allowed != cudaSuccess)
        return call_leave(allowed);
    if (e == cudaSuccess)
        work_check_host(p, memory_unpin(p, false));
    else
        memory_unpin(p, false);
    free(p);
    return call_leave(e);
}

cudaError_t cudaHostRegister(void *p, size_t n, unsigned flags)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaHostRegister");

    if (e == cudaSuccess)
        e = capture_allows_unsafe(false);
    if (e == cudaSuccess && (p == NULL || n == 0 || flags > 15))
        e = cudaErrorInvalidValue;
    if (e == cudaSuccess && memory_is_pinned(p, 1))
        e = cudaErrorHostMemoryAlreadyRegistered;
    if (e == cudaSuccess)
        memory_pin(p, n, true);
    return call_leave(e);
}

cudaError_t cudaHostUnregister(void *p)
{
    cudaError_t e = call_enter(CALL_CLEANUP, "cudaHostUnregister");

    if (e == cudaSuccess)
        work_check_host(p, memory_unpin(p, true));
    else
        memory_unpin(p, true);
    return call_leave(e);
}

cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaMemGetInfo");

    *left = memory_left(call_device());
    *total = memory_total();
    return call_leave(e);
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *a, const void *p)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaPointerGetAttributes");
    int device = memory_device(p);
    bool pinned = memory_is_pinned(p, 1);

    if (e != cudaSuccess)
        return call_leave(e);
    *a = (struct cudaPointerAttributes){ .type = device >= 0 ? cudaMemoryTypeDevice
                                                 : pinned    ? cudaMemoryTypeHost
                                                          : cudaMemoryTypeUnregistered,
                                         .device = device,
                                         .devicePointer = device >= 0 ? (void *)p : NULL,
                                         .hostPointer = pinned ? (void *)p : NULL };
    return call_leave(e);
}
