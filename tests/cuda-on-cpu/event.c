#include <stdlib.h>

#include "call.h"
#include "capture.h"
#include "handle.h"
#include "stream.h"
#include "told.h"

static cudaError_t create(cudaEvent_t *event, unsigned flags, const char *name)
{
    const unsigned known =
        cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess;
    cudaError_t e = call_enter(CALL_SETUP, name);

    if (e == cudaSuccess && (event == NULL || (flags & ~known) != 0))
        e = cudaErrorInvalidValue;
    if (e == cudaSuccess) {
        *event = handle_new(HANDLE_EVENT, sizeof **event);
        (*event)->device = call_device();
        (*event)->flags = flags;
    }
    return call_leave(e);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return create(event, cudaEventDefault, "cudaEventCreate");
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    return create(event, flags, "cudaEventCreateWithFlags");
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    cudaError_t e = call_enter(CALL_CLEANUP, "cudaEventDestroy");

    handle_check(HANDLE_EVENT, event);
    work_drop(event->recorded);
    free(event->places.at);
    handle_end(HANDLE_EVENT, event);
    return call_leave(e);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaEventRecord");
    struct CUstream_st *t = stream_of(s);
    struct works after = { 0 };

    handle_check(HANDLE_EVENT, event);
    if (e == cudaSuccess && event->device != t->device)
        e = cudaErrorInvalidResourceHandle;
    if (e != cudaSuccess)
        return call_leave(e);
    if (t->capture != NULL)
        return call_leave(capture_record(t, event));
    event->capture = NULL;
    work_drop(event->recorded);
    stream_follows(t, &after);
    event->recorded = work_queue(NULL, &after);
    stream_ends_with(t, work_ref(event->recorded));
    works_clear(&after);
    return call_leave(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaEventSynchronize");

    handle_check(HANDLE_EVENT, event);
    if (e == cudaSuccess)
        e = capture_allows_event(event);
    if (e == cudaSuccess && !work_done(event->recorded))
        work_demand(event->recorded);
    return call_leave(e != cudaSuccess ? e : call_error());
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaEventQuery");

    handle_check(HANDLE_EVENT, event);
    if (e == cudaSuccess)
        e = capture_allows_event(event);
    if (e != cudaSuccess)
        return call_leave(e);
    if (work_done(event->recorded))
        return call_leave(call_error());
    work_advance(event->recorded);
    return call_leave(cudaErrorNotReady);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaEventElapsedTime");

    handle_check(HANDLE_EVENT, start);
    handle_check(HANDLE_EVENT, end);
    if (e != cudaSuccess)
        return call_leave(e);
    if (((start->flags | end->flags) & cudaEventDisableTiming) != 0 ||
        start->recorded == NULL || end->recorded == NULL || start->device != end->device)
        return call_leave(cudaErrorInvalidResourceHandle);
    if (!work_done(start->recorded) || !work_done(end->recorded))
        return call_leave(cudaErrorNotReady);
    *ms = (float)((work_when(end->recorded) - work_when(start->recorded)) * 1e3);
    return call_leave(cudaSuccess);
}
