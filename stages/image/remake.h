/*
 * remake - an image set made of another one, picture by picture.
 */
#ifndef IMAGE_REMAKE_H
#define IMAGE_REMAKE_H

#include "image/image.h"

/* Makes *to, new, of a picture; its name and labels are kept, and it is no larger. */
typedef int remake_picture(void *context, const struct image *from, struct image *to,
                           struct error *err);

/* A new set at `to` of the pictures of the set at `from`, with the same names and labels,
 * telling the progress. take: only the first pictures; 0: all. */
int remake_set(const char *from, const char *to, long take, remake_picture *make,
               void *context, struct error *err);

#endif
