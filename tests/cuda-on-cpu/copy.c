/* What the specification leaves open is done as badly as it allows: an asynchronous copy
 * reads and writes host memory when it is done, pinned or not; a synchronous one from
 * pageable memory has read it when it returns, but has written nothing yet; a filling and
 * a copy on one device are never waited for. */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "capture.h"
#include "memory.h"
#include "stream.h"
#include "told.h"

struct copy {
    void *to;
    const void *from;
    size_t n;
    void *staged; /* what from points to, ours; NULL: the caller's or a device's */
};

struct fill {
    void *at;
    size_t n;
    int value;
};

static void run_copy(void *payload)
{
    const struct copy *c = payload;

    memcpy(c->to, c->from, c->n);
}

static void drop_copy(void *payload)
{
    free(((struct copy *)payload)->staged);
}

static void run_fill(void *payload)
{
    const struct fill *f = payload;

    memset(f->at, f->value, f->n);
}

static bool meet(const void *a, size_t n, const void *b, size_t m)
{
    return (const char *)a < (const char *)b + m && (const char *)b < (const char *)a + n;
}

bool copy_touches_host(const struct deed *d, const void *p, size_t n)
{
    const struct copy *c = (const void *)d->payload;

    return d->run == run_copy && (meet(c->to, c->n, p, n) || meet(c->from, c->n, p, n));
}

/* Which side is which, or the error. */
static cudaError_t kind_of(const void *to, const void *from, enum cudaMemcpyKind *kind)
{
    bool to_device = memory_device(to) >= 0, from_device = memory_device(from) >= 0;
    enum cudaMemcpyKind is =
        to_device     ? from_device ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice
        : from_device ? cudaMemcpyDeviceToHost
                      : cudaMemcpyHostToHost;

    if (*kind > cudaMemcpyDefault)
        return cudaErrorInvalidMemcpyDirection;
    if (*kind != cudaMemcpyDefault && *kind != is)
        told_stop("%s: to %s, from %s: not the direction that it was told", call_name(),
                  to_device ? "a device" : "host memory",
                  from_device ? "a device" : "host memory");
    *kind = is;
    return cudaSuccess;
}

static struct deed *deed_of(void *to, const void *from, size_t n)
{
    struct copy c = { to, from, n, NULL };
    struct deed *d = deed_new(run_copy, &c, sizeof c);

    d->drop = drop_copy;
    if (memory_device(to) >= 0)
        memory_check_device(memory_device(to), to, n, "what is written");
    if (memory_device(from) >= 0)
        memory_check_device(memory_device(from), from, n, "what is read");
    if (memory_device(to) == d->device)
        deed_touches(d, to, n, "what is written");
    if (memory_device(from) == d->device)
        deed_touches(d, from, n, "what is read");
    if (memory_device(to) == memory_device(from) && meet(to, n, from, n) && to != from)
        told_stop("%s: the two places overlap", call_name());
    return d;
}

static void stage(struct deed *d)
{
    struct copy *c = (void *)d->payload;

    c->staged = malloc(c->n);
    if (c->staged == NULL)
        told_stop("out of memory for the double itself");
    memcpy(c->staged, c->from, c->n);
    c->from = c->staged;
}

/* Whether the caller may go on before the copy is done. */
static bool goes_on(const void *from, size_t n, enum cudaMemcpyKind kind)
{
    return kind == cudaMemcpyDeviceToDevice ||
           (kind == cudaMemcpyHostToDevice && !memory_is_pinned(from, n));
}

static cudaError_t copy_now(void *to, const void *from, size_t n,
                            enum cudaMemcpyKind kind)
{
    struct CUstream_st *legacy = stream_of(NULL);
    cudaError_t e = capture_allows_wait(legacy);
    struct deed *d;

    if (e == cudaSuccess)
        e = kind_of(to, from, &kind);
    if (e != cudaSuccess || n == 0)
        return e;
    if (kind == cudaMemcpyHostToHost) {
        stream_demand(legacy);
        memmove(to, from, n);
        return call_error();
    }
    d = deed_of(to, from, n);
    if (kind == cudaMemcpyHostToDevice && goes_on(from, n, kind)) {
        stream_demand(legacy);
        stage(d);
    }
    e = stream_add(legacy, d);
    if (e != cudaSuccess || goes_on(from, n, kind))
        return e;
    stream_demand(legacy);
    return call_error();
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t n, enum cudaMemcpyKind kind)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaMemcpy");

    return call_leave(e != cudaSuccess ? e : copy_now(to, from, n, kind));
}

static cudaError_t copy_later(void *to, const void *from, size_t n,
                              enum cudaMemcpyKind kind, cudaStream_t s)
{
    struct CUstream_st *t = stream_of(s);
    cudaError_t e = kind_of(to, from, &kind);

    if (e != cudaSuccess || n == 0)
        return e;
    return stream_add(t, deed_of(to, from, n));
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n,
                            enum cudaMemcpyKind kind, cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaMemcpyAsync");

    return call_leave(e != cudaSuccess ? e : copy_later(to, from, n, kind, s));
}

cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from,
                                int from_device, size_t n, cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaMemcpyPeerAsync");

    memory_check_device(to_device, to, n, "what is written");
    memory_check_device(from_device, from, n, "what is read");
    if (e == cudaSuccess)
        e = copy_later(to, from, n, cudaMemcpyDeviceToDevice, s);
    return call_leave(e);
}

static cudaError_t fill(void *at, int value, size_t n, struct CUstream_st *s)
{
    struct fill f = { at, n, value };
    struct deed *d;

    if (n == 0)
        return cudaSuccess;
    if (memory_device(at) < 0 && !memory_is_pinned(at, n))
        told_stop("%s: what is filled is %s", call_name(), memory_words(at));
    d = deed_new(run_fill, &f, sizeof f);
    if (memory_device(at) >= 0)
        deed_touches(d, at, n, "what is filled");
    return stream_add(s, d);
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t n, cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaMemsetAsync");
    struct CUstream_st *t = stream_of(s);

    return call_leave(e != cudaSuccess ? e : fill(at, value, n, t));
}

cudaError_t cudaMemset(void *at, int value, size_t n)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaMemset");
    struct CUstream_st *t = stream_of(NULL);

    if (e == cudaSuccess)
        e = capture_allows_wait(t);
    if (e == cudaSuccess)
        e = fill(at, value, n, t);
    if (e == cudaSuccess && memory_device(at) < 0)
        stream_demand(t);
    return call_leave(e);
}

struct host_call {
    cudaHostFn_t function;
    void *argument;
};

static void run_host_call(void *payload)
{
    const struct host_call *h = payload;

    memory_close();
    call_in_host_function = true;
    h->function(h->argument);
    call_in_host_function = false;
    memory_open();
}

cudaError_t cudaLaunchHostFunc(cudaStream_t s, cudaHostFn_t function, void *argument)
{
    struct host_call h = { function, argument };
    cudaError_t e = call_enter(CALL_WORK, "cudaLaunchHostFunc");
    struct CUstream_st *t = stream_of(s);

    if (e == cudaSuccess && function == NULL)
        e = cudaErrorInvalidValue;
    if (e == cudaSuccess)
        e = stream_add(t, deed_new(run_host_call, &h, sizeof h));
    return call_leave(e);
}
