/*
 * namedfile - a file for a picture of a set, whose name may have folders.
 */
#ifndef IMAGE_NAMEDFILE_H
#define IMAGE_NAMEDFILE_H

#include "larder/buf.h"
#include "larder/error.h"

/* Sets path to FOLDER/NAME and the suffix, and makes the folders on the way. E_INPUT for
 * a name that would lead out of the folder. */
int namedfile_path(struct buf *path, const char *folder, const char *name,
                   const char *suffix, struct error *err);

#endif
