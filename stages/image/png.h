/*
 * png - pictures as PNG files, by libpng.
 */
#ifndef IMAGE_PNG_H
#define IMAGE_PNG_H

#include "image/image.h"
#include "larder/error.h"

/* Writes im, grey or RGB. No time and no text are written, and filter and compression are
 * fixed, so equal pictures give equal bytes (with one version of zlib). */
int image_write_png(const struct image *im, const char *path, struct error *err);

/* For image_decode(), which has the promise. */
int image_decode_png(struct image *im, const void *bytes, size_t n, struct error *err);

#endif
