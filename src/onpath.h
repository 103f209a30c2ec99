/*
 * onpath - where PATH has a command, and where we are ourselves.
 */
#ifndef LARDER_ONPATH_H
#define LARDER_ONPATH_H

#include <stdbool.h>

#include "larder/buf.h"

/* Sets *path; false where no folder of PATH has an executable of that name. */
bool on_path(const char *command, struct buf *path);
/* Appends the path of the executable that runs; nothing where /proc is not there. */
void own_path(struct buf *path);

#endif
