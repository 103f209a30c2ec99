/*
 * enlarge - cv2.resize(im, (0, 0), fx=factor, fy=factor) of 8-bit pictures, bilinear,
 * without antialiasing, in OpenCV's fixed point.
 */
#ifndef DISTORT_ENLARGE_H
#define DISTORT_ENLARGE_H

#include "image/image.h"

/* *to is new. factor > 0 */
void enlarge(struct image *to, const struct image *from, double factor);

#endif
