/*
 * mat5 - numbers and texts of a struct array in a MATLAB 5 file (MAT-File Format,
 * MathWorks), as far as ILSVRC2012's meta.mat needs it.
 */
#ifndef ARCHIVE_MAT5_H
#define ARCHIVE_MAT5_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

/* A struct array: cells of `n` elements times `fields`, in that order. All-zero is
 * empty. */
struct mat5_cell {
    double number;  /* the first number, or 0 */
    char text[128]; /* characters below 128, cut */
};

struct mat5 {
    struct mat5_cell *cell;
    char (*field)[64];
    size_t n, fields;
    struct buf bytes; /* of the variable, inflated */
};

/* The variable of this name. E_INPUT says what is wrong with the n bytes. */
int mat5_read(struct mat5 *m, const void *bytes, size_t n, const char *name,
              struct error *err);
void mat5_release(struct mat5 *m);
/* The number of a field, or -1. */
int mat5_field(const struct mat5 *m, const char *name);
const struct mat5_cell *mat5_get(const struct mat5 *m, size_t element, int field);

#endif
