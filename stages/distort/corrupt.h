/*
 * corrupt - the fifteen distortions of ImageNet-C (Hendrycks and Dietterich 2019,
 * arXiv 1903.12261), each at five severities, with its authors' constants: for pictures
 * of 224 pixels (hendrycks/robustness, ImageNet-C/create_c/make_imagenet_c.py), of 64
 * (make_imagenet_64_c.py) and of 32 (make_cifar_c.py).
 *
 * Given the same draws the pixels are those of the original functions, bit for bit;
 * docs/corruptions.md has the draws, and what the originals leave to their libraries.
 */
#ifndef DISTORT_CORRUPT_H
#define DISTORT_CORRUPT_H

#include "image/image.h"
#include "kit/draws.h"
#include "larder/error.h"

#define CORRUPT_TYPES                                                              \
    "gaussian_noise|shot_noise|impulse_noise|defocus_blur|glass_blur|motion_blur|" \
    "zoom_blur|snow|frost|fog|brightness|contrast|elastic_transform|pixelate|"     \
    "jpeg_compression"

enum { CORRUPT_SEVERITIES = 5, CORRUPT_FROSTS = 5 };

struct corruption {
    const char *type;          /* one of CORRUPT_TYPES */
    int severity;              /* 1 to CORRUPT_SEVERITIES */
    const struct image *frost; /* CORRUPT_FROSTS RGB pictures, for the type frost */
};

/* The draws of a picture: key is its name. */
void corrupt_draws(struct draws *d, const struct corruption *c, const char *key,
                   uint64_t seed);
/* *to is new: the pixels of from, distorted. E_INPUT for a picture that is not
 * RGB and square of 224, 64 or 32 pixels, and for frost pictures that are too small. */
int corrupt(struct image *to, const struct image *from, const struct corruption *c,
            const struct draws *d, struct error *err);

#endif
