/*
 * torchtar - PyTorch's first container: a tar archive of four files. `storages` holds the
 * runs of elements, `tensors` shapes and strides over them, `pickle` the object, in which
 * a tensor is referred to by its number; `sys_info` the system that wrote it.
 */
#ifndef WEIGHTS_TORCHTAR_H
#define WEIGHTS_TORCHTAR_H

#include "weights/torch.h"

int torchtar_open(struct torch *t, const struct source *f, struct error *err);

#endif
