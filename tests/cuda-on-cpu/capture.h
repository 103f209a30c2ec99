/*
 * capture - a stream whose work becomes a graph, and what may not be called meanwhile.
 */
#ifndef CUDA_ON_CPU_CAPTURE_H
#define CUDA_ON_CPU_CAPTURE_H

#include "stream.h"

struct capture;

/* Takes the deed: a node that follows those places, which become the node alone. */
cudaError_t capture_add(struct capture *c, struct deed *d, struct places *after);
/* What follows in the stream follows the event too, in the event's capture. */
cudaError_t capture_join(struct CUstream_st *s, const struct CUevent_st *event);
cudaError_t capture_record(const struct CUstream_st *s, struct CUevent_st *event);
/* The capture ends in an error. */
void capture_spoil(struct capture *c);

/* Whether a stream or an event may be waited for or asked; the error if not. */
cudaError_t capture_allows_wait(const struct CUstream_st *s);
cudaError_t capture_allows_event(const struct CUevent_st *event);
/* Whether what may not be called beside a capture may be; device: what waits for all. */
cudaError_t capture_allows_unsafe(bool device);

#endif
