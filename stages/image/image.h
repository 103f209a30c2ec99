/*
 * image - a picture in memory: 8 bits a value, rows top to bottom, channels together
 * (height x width x channels), and what is known about it.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"

struct image {
    const char *name;    /* borrowed: of the set it came from, or of the caller */
    int width, height;   /* 1 to 65535 */
    int channels;        /* 1 or 3 */
    int32_t label;       /* the class; of a cue-conflict picture the shape; -1: none */
    int32_t texture;     /* the class of the texture where it has its own; -1: none */
    uint8_t *pixel;      /* height * width * channels; NULL of a picture kept as a file */
    const uint8_t *file; /* borrowed: the bytes of that file (image/decode.h) */
    size_t file_bytes;
    int owned; /* pixel was allocated here: image_release() frees it */
};

/* Allocates pixel, zeroed; label and texture are -1, the rest is cleared. */
void image_init(struct image *im, int width, int height, int channels);
void image_release(struct image *im);
size_t image_bytes(const struct image *im); /* of pixel */

/* More pixels are refused: nothing that a network reads is so large. */
enum { IMAGE_MOST_PIXELS = 1 << 27 };

/* Of a picture in a file: E_INPUT for a side of 0 or above 65535, or too many pixels. */
int image_check_size(unsigned long width, unsigned long height, struct error *err);

#endif
