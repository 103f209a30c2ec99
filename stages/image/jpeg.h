/*
 * jpeg - JPEG files, by libjpeg-turbo.
 */
#ifndef IMAGE_JPEG_H
#define IMAGE_JPEG_H

#include <stdbool.h>

#include "image/image.h"
#include "larder/buf.h"
#include "larder/error.h"

/* For image_decode(), which has the promise. */
int image_decode_jpeg(struct image *im, const void *bytes, size_t n, struct error *err);

/* Appends an RGB or grey picture as a file, byte for byte as Pillow saves it: baseline,
 * colour at half the resolution. optimise: Huffman tables made for it. */
int image_encode_jpeg(const struct image *im, int quality, bool optimise, struct buf *to,
                      struct error *err);
/* *to is new: what is left of a picture that was such a file. */
int image_through_jpeg(struct image *to, const struct image *from, int quality,
                       bool optimise, struct error *err);

#endif
