/*
 * torchstream - PyTorch's older container: five pickles (a magic number, the protocol,
 * the system, the object, the keys of the storages), then each storage: the number of its
 * elements in 8 bytes, and its bytes.
 */
#ifndef WEIGHTS_TORCHSTREAM_H
#define WEIGHTS_TORCHSTREAM_H

#include "weights/torch.h"

int torchstream_open(struct torch *t, const struct source *f, struct error *err);

/* The pickle of the system that wrote the file (also of torchtar): its numbers must be
 * little-endian. */
int torchstream_check_system(const struct node *system, struct error *err);

#endif
