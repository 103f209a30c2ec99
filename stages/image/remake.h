/*
 * remake - an image set made of another one, picture by picture.
 */
#ifndef IMAGE_REMAKE_H
#define IMAGE_REMAKE_H

#include <stdbool.h>

#include "image/image.h"

struct remake {
    const char *from, *to; /* paths of sets */
    long take;             /* only the first pictures; 0: all */
    bool files;            /* pictures that are kept as files are welcome */
    long long each;        /* bytes of a picture made, or more; 0: as many as it had */
};

/* Makes *to, new, of a picture; name and labels are added. */
typedef int remake_picture(void *context, const struct image *from, struct image *to,
                           struct error *err);

/* A new set of the pictures of another, with the same names and labels, telling the
 * progress. */
int remake_set(const struct remake *r, remake_picture *make, void *context,
               struct error *err);

#endif
