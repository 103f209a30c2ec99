/*
 * decode - pictures from the bytes of a JPEG or PNG file, as RGB or grey.
 *
 * The kind is told by the bytes, since one JPEG of ImageNet is a PNG. JPEG through
 * libjpeg-turbo with its defaults (accurate integer DCT, fancy upsampling), as Pillow 9
 * and OpenCV have it. Orientation tags and colour profiles are ignored.
 */
#ifndef IMAGE_DECODE_H
#define IMAGE_DECODE_H

#include "image/image.h"
#include "larder/error.h"

/* *im is new, its name is borrowed. Four inks become RGB as Pillow's convert() makes it;
 * transparency is dropped, a palette looked up, of 16 bits the upper 8 are kept. A file
 * that ends before its last row, or is no picture, is E_INPUT with the reason. */
int image_decode(struct image *im, const void *bytes, size_t n, struct error *err);
/* *rgb is new: a picture of a set with three channels, decoded if it is kept as a file.
 * The message names it. */
int image_load_rgb(struct image *rgb, const struct image *im, struct error *err);
/* *rgb is new: a file FOLDER/NAME, its name is borrowed. The message names it. */
int image_read_rgb(struct image *rgb, const char *folder, const char *name,
                   struct error *err);

#endif
