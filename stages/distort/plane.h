/*
 * plane - filters that several distortions share, on planes of doubles, row by row.
 */
#ifndef DISTORT_PLANE_H
#define DISTORT_PLANE_H

#include <stdint.h>

/* The place of i in 0..n-1 when the border is continued: by its last value; mirrored
 * between pixels (b a | a b), for any i; mirrored in the last pixel (c b | a b c). */
int border_edge(int i, int n);
int border_mirror(int i, int n);
int border_reflect(int i, int n);

/* Gaussian of scipy.ndimage, in its order of summation: rows first, radius
 * trunc(reach sigma + 0.5). sigma 0 changes nothing. */
void plane_gaussian(double *v, int width, int height, double sigma, double reach,
                    int (*border)(int i, int n));

/* The same with weights of the caller's: weight[0] of the middle, weight[k] of both
 * neighbours at k. */
void plane_filter(double *v, int width, int height, const double *weight, int radius,
                  int (*border)(int i, int n));

/* How scipy.ndimage.zoom (order 1) enlarges a side by a factor and the originals cut the
 * result: output i of the side reads between place[i] and the next, weighted part[i]. */
struct zoom {
    int *place;
    double *part;
};
void zoom_open(struct zoom *z, int side, double factor);
void zoom_close(struct zoom *z);
/* One output value of a channel: v has the side's width and `step` values a pixel. */
double zoom_at(const struct zoom *z, const float *v, int side, int step, int y, int x);
double zoom_at_double(const struct zoom *z, const double *v, int side, int y, int x);

/* ImageMagick 6's MotionBlurImage, 16 bits: to and from have `channels` values a pixel.
 */
void motion(uint8_t *to, const uint8_t *from, int side, int channels, double radius,
            double sigma, double degrees);

#endif
