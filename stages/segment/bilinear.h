/*
 * bilinear - values between places as PyTorch's interpolate() takes them, mode bilinear,
 * align_corners false: without antialiasing.
 */
#ifndef SEGMENT_BILINEAR_H
#define SEGMENT_BILINEAR_H

/* A map of height x width places with so many values each. */
struct map_size {
    int height, width, values;
};

/* Fills to (height x width of `out`) from `from`. scale: places of the source for one of
 * the result, in both directions; 0: the ratio of the sizes, of each direction. */
void bilinear_resize(const float *from, struct map_size in, float *to,
                     struct map_size out, double scale);

/* The place of the largest value (the first on a tie) at each place of out, whose number
 * of values is that of in. The enlarged map itself is never in memory. */
void bilinear_largest(const float *from, struct map_size in, int *to,
                      struct map_size out);

#endif
