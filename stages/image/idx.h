/*
 * idx - arrays of bytes in the IDX format of the MNIST family, compressed with gzip.
 */
#ifndef IMAGE_IDX_H
#define IMAGE_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"

enum { IDX_DIMS_MAX = 3 };

struct idx {
    int n_dims;
    uint32_t dim[IDX_DIMS_MAX];
    uint8_t *bytes; /* dim[0] * dim[1] * ... */
};

/* Reads an array of n_dims dimensions. E_INPUT when the file is anything else: other
 * dimensions or another type, cut short, or with more behind it. */
int idx_read(struct idx *x, const char *path, int n_dims, struct error *err);
void idx_release(struct idx *x);

#endif
