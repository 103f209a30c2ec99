/*
 * made_picture - the picture that the vectors of distortions are of, and its checksum.
 */
#ifndef UNIT_MADE_PICTURE_H
#define UNIT_MADE_PICTURE_H

#include <zlib.h>

#include "image/image.h"

/* The picture of tests/golden/make_corruption_vectors.py. */
static inline void make_picture(struct image *im)
{
    image_init(im, 302, 260, 3);
    im->name = "TEST";
    for (int y = 0; y < 260; y++)
        for (int x = 0; x < 302; x++) {
            uint8_t *p = im->pixel + 3 * (y * 302 + x);

            p[0] = (uint8_t)(3 * x + 2 * y);
            p[1] = (uint8_t)((x * y) >> 5);
            p[2] = ((x >> 5) + (y >> 5)) % 2 == 0 ? 230 : 40;
        }
}

static inline unsigned crc(const struct image *im)
{
    return (unsigned)crc32(0, im->pixel, (unsigned)image_bytes(im));
}

#endif
