/*
 * view - an array as it lies in a file: where, of what type, with which strides.
 */
#ifndef WEIGHTS_VIEW_H
#define WEIGHTS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"
#include "weights/dtype.h"
#include "weights/source.h"

enum { VIEW_DIMS = 8 };

/* A run of elements in a file, shared by the views that look at it. */
struct block {
    size_t at;    /* byte in the file */
    size_t items; /* elements */
    enum dtype dtype;
    bool has_crc, checked;
    uint32_t crc;
};

struct view {
    struct block *block; /* borrowed */
    size_t first;        /* element of the block */
    int n_dims;
    long dim[VIEW_DIMS], stride[VIEW_DIMS]; /* in elements */
    size_t n;                               /* elements: the product of dim */
};

/* Computes n and checks that every element is inside the block. E_INPUT: a dimension is
 * no size, a stride is negative, they leave the block, or there are too many elements. */
int view_check(struct view *v, struct error *err);
/* The strides of an array that lies row by row. */
void view_set_rows(struct view *v);

/* Puts the n values, row by row, into to. E_CORRUPT when the file's checksum is not that
 * of the bytes; E_INPUT names a value that float32 cannot hold. */
int view_read(const struct view *v, const struct source *f, float *to, struct error *err);

/* "64x3x11x11", or "scalar". */
const char *view_shape(int n_dims, const long *dim, char *text, size_t size);

#endif
