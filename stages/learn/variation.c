#include "learn/variation.h"

#include <math.h>
#include <stddef.h>

#include "larder/banned.h"

struct variation variation_of(const float *w, long channels, long height, long width)
{
    struct variation v = { 0 };

    for (long c = 0; c < channels; c++, w += height * width)
        for (long y = 0; y < height; y++)
            for (long x = 0; x < width; x++) {
                const float *at = w + y * width + x;
                double here = (double)*at;
                double down = y + 1 < height ? (double)at[width] - here : 0;
                double right = x + 1 < width ? (double)at[1] - here : 0;

                v.tv += fabs(down) + fabs(right);
                v.isotropic += sqrt(down * down + right * right);
                v.l1 += fabs(here);
            }
    return v;
}

struct kernel_variation variation_mean(const float *w, const long dim[4])
{
    struct kernel_variation mean = { 0 };
    long filters = dim[0], size = dim[1] * dim[2] * dim[3];

    for (long f = 0; f < filters; f++) {
        struct variation v = variation_of(w + f * size, dim[1], dim[2], dim[3]);

        mean.tv += v.tv;
        mean.isotropic += v.isotropic;
        mean.tv_over_l1 += v.l1 > 0 ? v.tv / v.l1 : 0;
    }
    mean.tv /= (double)filters;
    mean.isotropic /= (double)filters;
    mean.tv_over_l1 /= (double)filters;
    return mean;
}
