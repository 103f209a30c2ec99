/*
 * resize - bilinear scaling and cropping, bit for bit as Pillow does it (libImaging,
 * Resample.c; the same arithmetic from 6.2.2 to 9.4.0) and as torchvision calls it.
 */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/image.h"

/* *to is new: from at another size, with its name, label and texture. Shrinking widens
 * the filter (antialiasing). Both passes round to 8 bits. */
void image_resize(struct image *to, const struct image *from, int width, int height);

/* The same by Pillow's box filter, the mean of what a pixel covers. */
void image_resize_box(struct image *to, const struct image *from, int width, int height);

/* The same by Pillow's Lanczos filter of three lobes. */
void image_resize_lanczos(struct image *to, const struct image *from, int width,
                          int height);

/* *to is new: the part of from that begins at (x, y); what lies outside is black. */
void image_crop(struct image *to, const struct image *from, int x, int y, int width,
                int height);

/* torchvision's Resize(side) and CenterCrop(crop): the shorter side becomes `side` and
 * the other one follows, rounded down; an image of that size stays as it is; then the
 * middle, the offset rounded half to even. crop 0: no crop. *to is new. */
void image_fit(struct image *to, const struct image *from, int side, int crop);

/* RGB of a grey picture; others are copied. *to is new. */
void image_rgb(struct image *to, const struct image *from);

#endif
