/*
 * load - opens the plug-in for NVIDIA GPUs.
 */
#ifndef NN_CUDNN_LOAD_H
#define NN_CUDNN_LOAD_H

#include <stdbool.h>

#include "nn/cudnn/plugin.h"

/* The backend for device "cuda:N" (borrowed, for the rest of the process). E_USAGE for
 * another text; E_DEVICE without a driver, such a GPU, or the plug-in. The plug-in is
 * looked for in the folder LARDER_CUDNN, else in ../lib/larder of the program's. */
int cudnn_load(const struct nn_backend **b, const char *device, struct error *err);

/* The plug-in itself, without a GPU; device is for messages. */
int cudnn_plugin(const struct nn_plugin **plugin, const char *device, struct error *err);
bool cudnn_driver(void); /* whether there is one */

#endif
