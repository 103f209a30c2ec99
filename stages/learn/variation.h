/*
 * variation - the total variation of convolution kernels: how rough they are.
 *
 * A filter w[c][y][x] has TV = sum over c, y, x of |w[c][y+1][x] - w[c][y][x]| +
 * |w[c][y][x+1] - w[c][y][x]| on the raw weights; a 1x1 filter has 0. The isotropic form
 * (Rudin, Osher, Fatemi 1992) takes the root of the sum of the two squares instead.
 */
#ifndef LEARN_VARIATION_H
#define LEARN_VARIATION_H

struct variation {
    double tv, isotropic, l1; /* l1: sum of |w| */
};

/* Of one filter: channels x height x width. */
struct variation variation_of(const float *w, long channels, long height, long width);

/* Means over the filters of a kernel, filters x channels x height x width; tv_over_l1 is
 * 0 for a filter of zeroes. */
struct kernel_variation {
    double tv, tv_over_l1, isotropic;
};
struct kernel_variation variation_mean(const float *w, const long dim[4]);

#endif
