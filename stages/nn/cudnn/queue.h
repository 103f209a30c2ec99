/*
 * queue - two streams of one GPU, shared by all devices of the process: one on which
 * everything is computed, in the order of the calls, and one on which the next batch is
 * copied meanwhile.
 */
#ifndef NN_CUDNN_QUEUE_H
#define NN_CUDNN_QUEUE_H

#include <cuda_runtime_api.h>
#include <stddef.h>

#include "larder/error.h"

/* Opened by the first device and closed by the last. */
int queue_open(struct error *err);
void queue_close(void);

/* Copies that are done when they return, after all that was queued. */
int queue_upload(void *to, const void *host, size_t n, struct error *err);
int queue_download(void *host, const void *from, size_t n, struct error *err);
int queue_clear(void *mem, size_t n, struct error *err);
/* One that is queued. */
int queue_copy(void *to, const void *from, size_t n, struct error *err);

/* The calls send() and arrive() of nn/backend.h: through memory of the host that the GPU
 * reads by itself. */
int queue_send(void *to, const void *host, size_t n, struct error *err);
int queue_arrive(struct error *err);

/* What is queued between them is noted as a graph, not computed. *graph is new; NULL: it
 * is forgotten. */
int queue_record(struct error *err);
int queue_stop(cudaGraphExec_t *graph, struct error *err);
int queue_play(cudaGraphExec_t graph, struct error *err);

#endif
