/*
 * difference - how two key documents differ, field by field.
 */
#ifndef LARDER_DIFFERENCE_H
#define LARDER_DIFFERENCE_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/mem.h"

struct difference {
    const char *kind; /* the word the field begins with: "option", "in", ... */
    const char *name; /* what it is about, "epochs"; "" where there is one such field */
    const char *was, *is; /* NULL: it is not in the older, or newer, document */
};

/* The differences in the order of the newer document, then what is only in the older one;
 * *d is in arena memory. */
void key_differences(const char *was, const char *is, struct arena *arena,
                     struct difference **d, size_t *n);

/* Appends "option epochs: 30 → 31", "program train changed", "input data changed". */
void difference_tell(const struct difference *d, struct buf *to);

#endif
