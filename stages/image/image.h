/*
 * image - a picture in memory: 8 bits a value, rows top to bottom, channels together
 * (height x width x channels), and what is known about it.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdint.h>

#include "larder/error.h"

struct image {
    const char *name;    /* borrowed: of the set it came from, or of the caller */
    int width, height;
    int channels;        /* 1 or 3 */
    int32_t label;       /* the class; of a cue-conflict picture the shape; -1: none */
    int32_t texture;     /* the class of the texture where it has its own; -1: none */
    uint8_t *pixel;      /* height * width * channels */
    int owned;           /* pixel was allocated here: image_release() frees it */
};

/* Allocates pixel, zeroed, and clears the rest. */
void image_init(struct image *im, int width, int height, int channels);
void image_release(struct image *im);

/* Writes a PNG (no time, no text chunks; the same bytes each time). */
int image_write_png(const struct image *im, const char *path, struct error *err);

#endif
