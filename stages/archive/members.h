/*
 * members - some files of a tar that may be compressed with gzip.
 */
#ifndef ARCHIVE_MEMBERS_H
#define ARCHIVE_MEMBERS_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

/* Fills to[i] with the bytes of the file name[i], in whichever folder of the archive it
 * is. E_INPUT, without the archive's name, when one is missing, is empty or larger than
 * `largest`, or the archive is cut or damaged. The caller releases to[] in either case.
 */
int members_read(const char *path, const char *const *name, size_t n, size_t largest,
                 struct buf *to, struct error *err);

#endif
