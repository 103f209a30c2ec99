/*
 * tarindex - where the files of a tar lie, so that they can be read in any order without
 * unpacking; by libarchive.
 */
#ifndef ARCHIVE_TARINDEX_H
#define ARCHIVE_TARINDEX_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

struct tarfile {
    char *name; /* without folders */
    long long at;
    size_t size;
};

/* All-zero is empty. */
struct tarindex {
    struct tarfile *file; /* in the order of their names' bytes */
    size_t n, cap;
};

/* The regular files of the tar in the bytes [from, from + size) of fd; size -1: to its
 * end. The tar is not compressed. Of the files only the headers are read. E_INPUT for
 * what is no tar, one that is cut (the two empty blocks at its end must be there), or two
 * files of one name. *t is empty after an error. */
int tarindex_read(struct tarindex *t, int fd, long long from, long long size,
                  struct error *err);
void tarindex_release(struct tarindex *t);

/* Replaces to by the bytes of a file. */
int tarfile_read(const struct tarfile *f, int fd, struct buf *to, struct error *err);

#endif
