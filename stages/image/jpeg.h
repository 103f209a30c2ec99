/*
 * jpeg - JPEG files, by libjpeg-turbo.
 */
#ifndef IMAGE_JPEG_H
#define IMAGE_JPEG_H

#include "image/image.h"
#include "larder/error.h"

/* For image_decode(), which has the promise. */
int image_decode_jpeg(struct image *im, const void *bytes, size_t n, struct error *err);

#endif
