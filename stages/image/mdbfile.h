/*
 * mdbfile - the items of an LMDB data file, read without trusting it.
 *
 * LMDB follows whatever its pages say, so a damaged file ends the process. This reader
 * checks each step against the size of the file and answers with an error instead. It
 * knows LMDB 0.9's data version 1 on 64-bit little-endian machines, one plain table
 * without duplicates: what liblmdb writes for an image set.
 */
#ifndef IMAGE_MDBFILE_H
#define IMAGE_MDBFILE_H

#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"

struct mdbfile_item {
    const uint8_t *key, *value; /* borrowed: parts of the file's bytes */
    size_t key_size, value_size;
};

typedef int mdbfile_each(void *self, const struct mdbfile_item *item, struct error *err);

/* Calls each for every item in the order of the keys; stops at its first error. E_CORRUPT
 * when the bytes are not such a file, or only its beginning. */
int mdbfile_read(const uint8_t *bytes, size_t size, mdbfile_each *each, void *self,
                 struct error *err);

#endif
