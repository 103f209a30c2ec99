/*
 * device - an engine and a stream of oneDNN that work in the calling thread alone.
 */
#ifndef NN_ONEDNN_DEVICE_H
#define NN_ONEDNN_DEVICE_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>

#include "nn/backend.h"

struct nn_device {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

int device_open(struct nn_device **dev, int index, struct error *err);
void device_close(struct nn_device *dev);
/* "onednn 2.6.3 avx512_core": what the last bits of results may depend on. */
void device_platform(char *text, size_t n);

/* From now on oneDNN uses no other thread for what this thread asks of it. Before every
 * call that prepares or runs something; it costs nothing. */
void device_alone(void);

/* 0, or E_DEVICE with what was tried and oneDNN's reason. */
int device_check(dnnl_status_t status, const char *what, struct error *err);

#endif
