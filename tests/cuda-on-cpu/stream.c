#include "stream.h"

#include <stdlib.h>

#include "call.h"
#include "capture.h"
#include "handle.h"
#include "told.h"

static struct CUstream_st *first;

static struct CUstream_st *add_stream(struct CUstream_st *s, int device, unsigned flags)
{
    s->device = device;
    s->flags = flags;
    s->next = first;
    first = s;
    return s;
}

struct CUstream_st *stream_first(void)
{
    return first;
}

struct CUstream_st *stream_of(cudaStream_t s)
{
    static struct CUstream_st legacy[MOST_DEVICES];
    struct CUstream_st *own = &legacy[call_device()];

    if (s == cudaStreamPerThread)
        told_stop("%s: the double has no stream per thread", call_name());
    if (s != NULL && s != cudaStreamLegacy) {
        handle_check(HANDLE_STREAM, s);
        return s;
    }
    if (!own->legacy)
        add_stream(own, call_device(), cudaStreamDefault)->legacy = true;
    return own;
}

/* Whether the stream and the legacy one of its device follow each other. */
static bool blocks(const struct CUstream_st *s)
{
    return !s->legacy && (s->flags & cudaStreamNonBlocking) == 0;
}

void stream_follows(const struct CUstream_st *s, struct works *of)
{
    works_add_all(of, &s->tail);
    for (const struct CUstream_st *t = first; t != NULL; t = t->next)
        if (t->device == s->device && ((s->legacy && blocks(t)) || (t->legacy && blocks(s))))
            works_add_all(of, &t->tail);
}

void stream_ends_with(struct CUstream_st *s, struct work *w)
{
    works_clear(&s->tail);
    works_add(&s->tail, w);
    work_drop(w);
}

void stream_demand(const struct CUstream_st *s)
{
    struct works of = { 0 };

    stream_follows(s, &of);
    work_demand_all(&of);
    works_clear(&of);
}

void stream_demand_device(int device)
{
    struct works of = { 0 };

    work_of_device(device, &of);
    for (const struct CUstream_st *t = first; t != NULL; t = t->next)
        if (t->device == device)
            works_add_all(&of, &t->tail);
    work_demand_all(&of);
    works_clear(&of);
}

/* Whether work in s would have to follow what a capture holds. */
static bool meets_a_capture(const struct CUstream_st *s)
{
    for (const struct CUstream_st *t = first; t != NULL; t = t->next)
        if (s->legacy && t->device == s->device && t->capture != NULL && blocks(t)) {
            capture_spoil(t->capture);
            return true;
        }
    return false;
}

cudaError_t stream_add(struct CUstream_st *s, struct deed *d)
{
    struct works after = { 0 };

    if (s->device != d->device)
        told_stop("%s: the stream is of device %d, the current device is %d", d->name,
                  s->device, d->device);
    deed_check(d);
    if (s->capture != NULL)
        return capture_add(s->capture, d, &s->places);
    if (meets_a_capture(s)) {
        deed_drop(d);
        return cudaErrorStreamCaptureImplicit;
    }
    stream_follows(s, &after);
    stream_ends_with(s, work_queue(d, &after));
    works_clear(&after);
    return cudaSuccess;
}

static cudaError_t create(cudaStream_t *s, unsigned flags, const char *name)
{
    cudaError_t e = call_enter(CALL_SETUP, name);

    if (e == cudaSuccess && (s == NULL || flags > cudaStreamNonBlocking))
        e = cudaErrorInvalidValue;
    if (e == cudaSuccess)
        *s = add_stream(handle_new(HANDLE_STREAM, sizeof **s), call_device(), flags);
    return call_leave(e);
}

cudaError_t cudaStreamCreate(cudaStream_t *s)
{
    return create(s, cudaStreamDefault, "cudaStreamCreate");
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
    return create(s, flags, "cudaStreamCreateWithFlags");
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *s, unsigned flags, int priority)
{
    (void)priority; /* orders nothing that a program may rely on */
    return create(s, flags, "cudaStreamCreateWithPriority");
}

/* What is queued is still done when somebody waits for it. */
cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_CLEANUP, "cudaStreamDestroy");
    struct CUstream_st *t = stream_of(s), **at = &first;

    if (t->legacy)
        return call_leave(cudaErrorInvalidResourceHandle);
    if (t->capture != NULL)
        capture_spoil(t->capture);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    works_clear(&t->tail);
    free(t->places.at);
    handle_end(HANDLE_STREAM, t);
    return call_leave(e);
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaStreamSynchronize");
    struct CUstream_st *t = stream_of(s);

    if (e == cudaSuccess)
        e = capture_allows_wait(t);
    if (e == cudaSuccess)
        stream_demand(t);
    return call_leave(e != cudaSuccess ? e : call_error());
}

/* Each question lets one piece of the work be done, so that asking comes to an end. */
cudaError_t cudaStreamQuery(cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaStreamQuery");
    struct CUstream_st *t = stream_of(s);
    struct works of = { 0 };

    if (e == cudaSuccess)
        e = capture_allows_wait(t);
    if (e == cudaSuccess) {
        stream_follows(t, &of);
        if (of.n > 0)
            work_advance(of.w[0]);
        e = of.n > 0 ? cudaErrorNotReady : call_error();
        works_clear(&of);
    }
    return call_leave(e);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t event, unsigned flags)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaStreamWaitEvent");
    struct CUstream_st *t = stream_of(s);
    struct works after = { 0 };

    handle_check(HANDLE_EVENT, event);
    if (e == cudaSuccess && flags != cudaEventWaitDefault)
        e = cudaErrorNotSupported;
    if (e != cudaSuccess)
        return call_leave(e);
    if (t->capture != NULL || event->capture != NULL)
        return call_leave(capture_join(t, event));
    if (work_done(event->recorded))
        return call_leave(cudaSuccess);
    stream_follows(t, &after);
    works_add(&after, event->recorded);
    stream_ends_with(t, work_queue(NULL, &after));
    works_clear(&after);
    return call_leave(cudaSuccess);
}

cudaError_t cudaStreamGetPriority(cudaStream_t s, int *priority)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaStreamGetPriority");

    stream_of(s);
    *priority = 0;
    return call_leave(e);
}

cudaError_t cudaStreamGetFlags(cudaStream_t s, unsigned *flags)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaStreamGetFlags");

    *flags = stream_of(s)->flags;
    return call_leave(e);
}

cudaError_t cudaDeviceSynchronize(void)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaDeviceSynchronize");

    if (e == cudaSuccess)
        e = capture_allows_unsafe(true);
    if (e == cudaSuccess)
        stream_demand_device(call_device());
    return call_leave(e != cudaSuccess ? e : call_error());
}
