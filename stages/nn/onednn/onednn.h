/*
 * onednn - the backend for CPUs: convolutions and linears by oneDNN, the rest by loops.
 * Each device is an engine and a stream that use the calling thread alone.
 */
#ifndef NN_ONEDNN_H
#define NN_ONEDNN_H

#include "nn/backend.h"

extern const struct nn_backend backend_onednn;

#endif
