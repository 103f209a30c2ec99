#include "capture.h"

#include <pthread.h>
#include <stdlib.h>

#include "call.h"
#include "nodes.h"
#include "handle.h"
#include "told.h"

/* Lives as long as the process: events may go on pointing to it. */
struct capture {
    struct CUgraph_st *graph;
    enum cudaStreamCaptureMode mode;
    struct CUstream_st *origin;
    pthread_t thread;
    bool runs, spoiled;
    struct capture *next;
};

static struct capture *captures;
static __thread enum cudaStreamCaptureMode own_mode; /* 0: global */

cudaError_t capture_add(struct capture *c, struct deed *d, struct places *after)
{
    int at;

    if (c->spoiled) {
        deed_drop(d);
        return cudaErrorStreamCaptureInvalidated;
    }
    at = nodes_add(c->graph, d, after);
    after->n = 0;
    places_add(after, at);
    return cudaSuccess;
}

void capture_spoil(struct capture *c)
{
    c->spoiled = true;
}

static cudaError_t spoil(struct capture *c, cudaError_t e)
{
    capture_spoil(c);
    return e;
}

cudaError_t capture_join(struct CUstream_st *s, const struct CUevent_st *event)
{
    struct capture *c = event->capture;

    if (c == NULL) /* the event is of outside: nothing in a graph can wait for it */
        return spoil(s->capture, cudaErrorStreamCaptureIsolation);
    if (!c->runs)
        return cudaErrorCapturedEvent;
    if (s->capture != NULL && s->capture != c) {
        capture_spoil(s->capture);
        return spoil(c, cudaErrorStreamCaptureMerge);
    }
    if (s->legacy)
        return spoil(c, cudaErrorStreamCaptureImplicit);
    if (c->spoiled)
        return cudaErrorStreamCaptureInvalidated;
    s->capture = c;
    places_add_all(&s->places, &event->places);
    return cudaSuccess;
}

cudaError_t capture_record(const struct CUstream_st *s, struct CUevent_st *event)
{
    if (s->capture->spoiled)
        return cudaErrorStreamCaptureInvalidated;
    event->capture = s->capture;
    event->places.n = 0;
    places_add_all(&event->places, &s->places);
    return cudaSuccess;
}

cudaError_t capture_allows_wait(const struct CUstream_st *s)
{
    if (s->capture != NULL)
        return spoil(s->capture, cudaErrorStreamCaptureUnsupported);
    for (struct CUstream_st *t = stream_first(); s->legacy && t != NULL; t = t->next)
        if (t->capture != NULL && t->device == s->device &&
            (t->flags & cudaStreamNonBlocking) == 0)
            return spoil(t->capture, cudaErrorStreamCaptureImplicit);
    return capture_allows_unsafe(false);
}

cudaError_t capture_allows_event(const struct CUevent_st *event)
{
    if (event->capture == NULL)
        return capture_allows_unsafe(false);
    if (event->capture->runs)
        capture_spoil(event->capture);
    return cudaErrorCapturedEvent;
}

/* Whether a capture forbids this thread what is unsafe beside it. */
static bool forbids(const struct capture *c)
{
    bool own = pthread_equal(c->thread, pthread_self());

    if (!c->runs || own_mode == cudaStreamCaptureModeRelaxed)
        return false;
    if (c->mode == cudaStreamCaptureModeGlobal)
        return own || own_mode == cudaStreamCaptureModeGlobal;
    return c->mode == cudaStreamCaptureModeThreadLocal && own;
}

cudaError_t capture_allows_unsafe(bool device)
{
    for (struct capture *c = captures; c != NULL; c = c->next)
        if (forbids(c) ||
            (device && c->runs && c->origin->device == call_device()))
            return spoil(c, cudaErrorStreamCaptureUnsupported);
    return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaThreadExchangeStreamCaptureMode");
    enum cudaStreamCaptureMode old = own_mode;

    if (e == cudaSuccess) {
        own_mode = *mode;
        *mode = old;
    }
    return call_leave(e);
}

static void begin(struct CUstream_st *s, enum cudaStreamCaptureMode mode)
{
    struct capture *c = calloc(1, sizeof *c);

    if (c == NULL)
        told_stop("out of memory for the double itself");
    *c = (struct capture){ .graph = nodes_new(),
                           .mode = mode,
                           .origin = s,
                           .thread = pthread_self(),
                           .runs = true,
                           .next = captures };
    captures = c;
    s->capture = c;
    s->places.n = 0;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, enum cudaStreamCaptureMode mode)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaStreamBeginCapture");
    struct CUstream_st *t = stream_of(s);

    if (e == cudaSuccess && t->legacy)
        e = cudaErrorStreamCaptureUnsupported;
    if (e == cudaSuccess && (t->capture != NULL || mode > cudaStreamCaptureModeRelaxed))
        e = cudaErrorInvalidValue;
    if (e == cudaSuccess)
        begin(t, mode);
    return call_leave(e);
}

/* Whether all that other streams added is followed by what the origin has last. */
static bool joined(const struct capture *c)
{
    for (struct CUstream_st *t = stream_first(); t != NULL; t = t->next)
        if (t->capture == c && t != c->origin &&
            !nodes_reach(c->graph, &c->origin->places, &t->places))
            return false;
    return true;
}

static void leave(struct capture *c)
{
    for (struct CUstream_st *t = stream_first(); t != NULL; t = t->next) {
        if (t->capture != c)
            continue;
        t->capture = NULL;
        t->places.n = 0;
    }
    c->runs = false;
}

static cudaError_t end(struct CUstream_st *s, cudaGraph_t *graph)
{
    struct capture *c = s->capture;
    cudaError_t e = cudaSuccess;

    if (c == NULL)
        return cudaErrorIllegalState;
    if (c->mode != cudaStreamCaptureModeRelaxed &&
        !pthread_equal(c->thread, pthread_self()))
        return cudaErrorStreamCaptureWrongThread;
    if (s != c->origin)
        return spoil(c, cudaErrorStreamCaptureUnmatched);
    if (c->spoiled)
        e = cudaErrorStreamCaptureInvalidated;
    else if (!joined(c))
        e = cudaErrorStreamCaptureUnjoined;
    leave(c);
    if (e != cudaSuccess)
        nodes_free(c->graph);
    else
        *graph = c->graph;
    c->graph = NULL;
    return e;
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *graph)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaStreamEndCapture"), ended;
    struct CUstream_st *t = stream_of(s);

    *graph = NULL;
    ended = end(t, graph);
    if (e != cudaSuccess && *graph != NULL) { /* made to fail */
        nodes_free(*graph);
        *graph = NULL;
    }
    return call_leave(e != cudaSuccess ? e : ended);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t s, enum cudaStreamCaptureStatus *status)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaStreamIsCapturing");
    const struct CUstream_st *t = stream_of(s);

    *status = t->capture == NULL      ? cudaStreamCaptureStatusNone
              : t->capture->spoiled ? cudaStreamCaptureStatusInvalidated
                                    : cudaStreamCaptureStatusActive;
    return call_leave(e);
}
