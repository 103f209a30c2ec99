/*
 * runpath - the folders in which a library itself says that those it needs lie.
 */
#ifndef LARDER_RUNPATH_H
#define LARDER_RUNPATH_H

#include "larder/buf.h"

/* Appends them with colons between, as they stand in the file at path but for $ORIGIN,
 * which is its folder; nothing where it names none, or is no library of this machine. */
void runpath_of(const char *path, struct buf *folders);

#endif
