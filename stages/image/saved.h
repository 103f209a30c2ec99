/*
 * saved - what is left of a picture once it has been saved as the original programs do.
 */
#ifndef IMAGE_SAVED_H
#define IMAGE_SAVED_H

#include <stdbool.h>

#include "image/image.h"

/* For an option: auto is jpeg, but raw at 32 pixels, whose originals keep arrays. */
#define SAVED_CHOICES "auto|jpeg|raw"

struct saving {
    const char *how; /* one of SAVED_CHOICES */
    int quality;     /* of the JPEG */
    bool optimise;   /* image_encode_jpeg() */
};

/* Puts in place of *im what is read again. On an error *im stays. */
int saved_replace(struct image *im, const struct saving *s, struct error *err);

#endif
