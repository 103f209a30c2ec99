/*
 * epochs - the files that the epochs of a training leave: epoch-01.safetensors, ...
 */
#ifndef LEARN_EPOCHS_H
#define LEARN_EPOCHS_H

#include "larder/buf.h"

/* "WHAT-NN" and the suffix; epochs count from 1. Resets name and returns it as text. */
const char *epoch_file(struct buf *name, const char *what, long epoch,
                       const char *suffix);
/* The same in a folder. */
const char *epoch_path(struct buf *path, const char *dir, const char *what, long epoch,
                       const char *suffix);

#endif
