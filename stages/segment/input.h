/*
 * input - a picture as DeepLab is given it (kazuto1011/deeplab-pytorch, demo.py): turned
 * as its orientation tag says, scaled so that its longer side has so many pixels, blue
 * before green before red, 0..255.
 */
#ifndef SEGMENT_INPUT_H
#define SEGMENT_INPUT_H

#include "image/image.h"

/* *to is new: im, RGB, at rint(f h) x rint(f w), f = side / max(h, w), with OpenCV's
 * bilinear weights of 11 bits, for both directions (cv2.resize, INTER_LINEAR, 8 bits). */
void input_scale(struct image *to, const struct image *im, int side);

/* *to is new: a picture of a set, decoded if it is kept as a file, then turned (EXIF
 * orientation, 1 where there is none) as cv2.imread() does. */
int input_load(struct image *to, const struct image *im, struct error *err);

/* The orientation of the bytes of a JPEG file: 1 to 8. */
int input_orientation(const uint8_t *bytes, size_t n);

/* Writes the pixels of an RGB picture as the network reads them. */
void input_floats(const struct image *im, float *to);

#endif
