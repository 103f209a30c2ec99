/*
 * plugin - what larder-cudnn.so exports: the backend for NVIDIA GPUs, opened only when a
 * step is given one, so that programs start and run where there is no driver.
 */
#ifndef NN_CUDNN_PLUGIN_H
#define NN_CUDNN_PLUGIN_H

#include <stdio.h>

#include "nn/backend.h"

/* Another number: another layout of what is shared (struct nn_backend and below). */
enum { NN_PLUGIN_ABI = 5 };

#define NN_PLUGIN_SYMBOL "larder_nn_plugin"

struct nn_plugin {
    int abi; /* first, and read first */
    /* Devices opened from here on are on this GPU. E_DEVICE when there is none, or the
     * libraries do not fit. */
    int (*start)(int gpu, struct error *err);
    const struct nn_backend *backend;
    /* Writes what there is: the libraries, then each GPU; a line each, of three columns:
     * "fine" or "note" (it cannot be used), what it is, and what to know of it. As
     * start(). */
    int (*describe)(FILE *to, struct error *err);
};

#endif
