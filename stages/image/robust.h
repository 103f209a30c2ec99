/*
 * robust - the training transform of MadryLab/robustness
 * (robustness/data_augmentation.py, TRAIN_TRANSFORMS_IMAGENET), with the operators of
 * torchvision 0.14 and Pillow:
 *
 *   1. RandomResizedCrop(side): a random part of 0.08 to 1 of the area and a ratio of 3/4
 *      to 4/3, scaled bilinearly (image/resize.h)
 *   2. mirrored, one in two
 *   3. ColorJitter(0.1, 0.1, 0.1): brightness, contrast and saturation times a factor of
 *      0.9 to 1.1, in a random order, on 8-bit pixels
 *   4. pixels as 0..1
 *   5. Lighting: one shift of all pixels along the colours' principal axes. It is not
 *      clamped, so values may leave 0..1.
 *
 * What is drawn depends on the seed, the picture's name and the epoch alone
 * (docs/training.md).
 */
#ifndef IMAGE_ROBUST_H
#define IMAGE_ROBUST_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"
#include "kit/draws.h"

enum robust_jitter {
    ROBUST_BRIGHTNESS,
    ROBUST_CONTRAST,
    ROBUST_SATURATION,
    ROBUST_JITTERS
};

/* What one epoch does to one picture. */
struct robust {
    int x, y, width, height; /* the part, in pixels */
    bool mirror;
    enum robust_jitter order[ROBUST_JITTERS];
    float factor[ROBUST_JITTERS]; /* by robust_jitter */
    float light[3];               /* added to red, green and blue */
};

/* Of a width x height picture with these draws (augment_draws()). */
void robust_draw(struct robust *r, const struct draws *d, uint64_t epoch, int width,
                 int height);
/* Writes side x side x 3 values. rgb has three channels and the size given above. */
void robust_apply(const struct robust *r, const struct image *rgb, int side, float *to);

#endif
