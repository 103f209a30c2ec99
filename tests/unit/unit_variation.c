#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <math.h>

#include "learn/variation.h"

Test(variation, of_a_checkerboard_is_four)
{
    const float w[4] = { 0, 1, 1, 0 };
    struct variation v = variation_of(w, 1, 2, 2);

    cr_expect(eq(dbl, v.tv, 4));
    cr_expect(epsilon_eq(dbl, v.isotropic, sqrt(2) + 2, 1e-12));
    cr_expect(eq(dbl, v.l1, 2));
}

Test(variation, of_a_constant_and_of_a_single_value_is_nothing)
{
    const float w[9] = { 3, 3, 3, 3, 3, 3, 3, 3, 3 };

    cr_expect(eq(dbl, variation_of(w, 1, 3, 3).tv, 0));
    cr_expect(eq(dbl, variation_of(w, 9, 1, 1).tv, 0));
    cr_expect(eq(dbl, variation_of(w, 9, 1, 1).isotropic, 0));
}

Test(variation, ignores_an_offset_and_scales_with_the_weights)
{
    const float w[12] = { 1, 5, 2, 0, -3, 4, 2, 2, 9, 1, 0, -7 };
    float moved[12], scaled[12];
    double tv = variation_of(w, 2, 2, 3).tv;

    for (int i = 0; i < 12; i++) {
        moved[i] = w[i] + 8;
        scaled[i] = -2 * w[i];
    }
    cr_expect(gt(dbl, tv, 0));
    cr_expect(eq(dbl, variation_of(moved, 2, 2, 3).tv, tv));
    cr_expect(eq(dbl, variation_of(scaled, 2, 2, 3).tv, 2 * tv));
}

Test(variation, sums_channels_and_means_filters)
{
    /* Two filters of two channels: a checkerboard twice, and once beside zeroes. */
    const float w[16] = { 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0 };
    const long dim[4] = { 2, 2, 2, 2 };
    struct kernel_variation v = variation_mean(w, dim);

    cr_expect(eq(dbl, v.tv, 6));
    cr_expect(eq(dbl, v.tv_over_l1, 2));
}

Test(variation, over_l1_of_a_filter_of_zeroes_is_nothing)
{
    const float w[4] = { 0 };
    const long dim[4] = { 1, 1, 2, 2 };

    cr_expect(eq(dbl, variation_mean(w, dim).tv_over_l1, 0));
}
