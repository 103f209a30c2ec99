/*
 * versions - pictures to show, each in several versions: what `pick` has chosen.
 */
#ifndef IMAGE_VERSIONS_H
#define IMAGE_VERSIONS_H

#include <stdbool.h>

#include "image/set.h"
#include "kit/tsv.h"

/* All-zero is empty. */
struct versions {
    struct tsv picked;
    int row, image;       /* columns */
    struct imageset *set; /* VERSION/NAME */
    size_t n;             /* pictures to show */
};

/* Reads the outputs `picked` and `pictures`. */
int versions_open(struct versions *v, const char *picked, const char *pictures,
                  struct error *err);
void versions_close(struct versions *v);
/* What the row of picture i is called, and the picture; borrowed. */
const char *versions_row(const struct versions *v, size_t i);
const char *versions_image(const struct versions *v, size_t i);
/* Whether there is a version of that name. */
bool versions_has(const struct versions *v, const char *version);
/* *rgb is new: picture i in a version. */
int versions_rgb(const struct versions *v, const char *version, size_t i,
                 struct image *rgb, struct error *err);
/* E_INPUT when a version is none of the n names. option: what to name in the message. */
int versions_check(const struct versions *v, const char *const *name, size_t n,
                   const char *option, struct error *err);

#endif
