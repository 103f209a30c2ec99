/*
 * torchzip - PyTorch's zip container: STEM/data.pkl, the object, and STEM/data/KEY, a
 * storage each; STEM/byteorder where the writer names it.
 */
#ifndef WEIGHTS_TORCHZIP_H
#define WEIGHTS_TORCHZIP_H

#include "weights/storage.h"

int torchzip_open(struct torch *t, const struct source *f, struct error *err);
/* Adds the storage that s names. E_INPUT when the file has none, or one of another size.
 */
int torchzip_storage(struct torch *t, const struct storage_id *s, struct block **b,
                     struct error *err);

#endif
