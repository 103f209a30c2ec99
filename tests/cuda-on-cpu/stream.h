/*
 * stream - streams and events: what follows what.
 *
 * The legacy stream (0) follows all blocking streams of its device and is followed by
 * them; streams made with cudaStreamNonBlocking know nothing of it.
 */
#ifndef CUDA_ON_CPU_STREAM_H
#define CUDA_ON_CPU_STREAM_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "work.h"

struct capture;

/* Places in a graph under construction. */
struct places {
    int *at;
    int n, cap;
};

struct CUstream_st {
    int device;
    unsigned flags;
    bool legacy;
    struct works tail;       /* what the next work of the stream follows */
    struct capture *capture; /* NULL: it is not captured */
    struct places places;    /* what the next node of the stream follows */
    struct CUstream_st *next;
};

struct CUevent_st {
    int device;
    unsigned flags;
    struct work *recorded;   /* NULL: never */
    struct capture *capture; /* where it was last recorded; NULL: in no capture */
    struct places places;
};

/* The stream of a handle; NULL and cudaStreamLegacy: the legacy one of the device. */
struct CUstream_st *stream_of(cudaStream_t s);
/* The first of all streams that live, the legacy ones included. */
struct CUstream_st *stream_first(void);

/* Takes the deed: queues it behind what the stream has, or captures it. */
cudaError_t stream_add(struct CUstream_st *s, struct deed *d);
/* What work queued now in the stream follows. works_clear() it. */
void stream_follows(const struct CUstream_st *s, struct works *of);
/* What all later work of the stream follows, in place of what there was. Takes w. */
void stream_ends_with(struct CUstream_st *s, struct work *w);
/* Waits for all of it; for all of a device. */
void stream_demand(const struct CUstream_st *s);
void stream_demand_device(int device);

#endif
