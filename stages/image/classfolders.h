/*
 * classfolders - a tree of files whose first folders are classes.
 */
#ifndef IMAGE_CLASSFOLDERS_H
#define IMAGE_CLASSFOLDERS_H

#include <stddef.h>

#include "larder/error.h"

/* All-zero is empty. */
struct strings {
    char **s;
    size_t n, cap;
};

/* All-zero is empty. */
struct classfolders {
    const char *path;           /* borrowed */
    struct strings class, file; /* file: paths in the tree; both sorted by bytes */
    long long largest;          /* of the files, in bytes */
};

/* Reads the names, passing over those that begin with a dot. E_INPUT for a file that is
 * in no class, and a tree without files. Release it in either case. path is borrowed. */
int classfolders_read(struct classfolders *c, const char *path, struct error *err);
void classfolders_release(struct classfolders *c);
/* The class of a path in the tree. */
int classfolders_class(const struct classfolders *c, const char *file);

#endif
