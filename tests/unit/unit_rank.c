#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "table/rank.h"

Test(rank, equal_values_share_the_mean_of_their_places)
{
    const float x[5] = { 3, 1, 3, 3, 0 };
    const double expected[5] = { 4, 2, 4, 4, 1 };
    double rank[5];

    rank_average(x, 5, rank);
    for (int i = 0; i < 5; i++)
        cr_assert(eq(dbl, rank[i], expected[i]), "value %d", i);
}

Test(rank, spearman_with_a_tie_is_pearson_of_the_ranks)
{
    const float a[4] = { 1, 2, 2, 3 }, b[4] = { 1, 2, 3, 4 };

    cr_assert(epsilon_eq(dbl, rank_spearman(a, b, 4), 0.948683, 1e-6));
}

Test(rank, spearman_sees_order_and_not_size)
{
    const float a[4] = { 1, 2, 3, 4 }, b[4] = { -5, 0, 0.5F, 1e6F };
    const float reversed[4] = { 4, 3, 2, 1 };

    cr_assert(epsilon_eq(dbl, rank_spearman(a, a, 4), 1, 1e-12));
    cr_assert(epsilon_eq(dbl, rank_spearman(a, b, 4), 1, 1e-12));
    cr_assert(epsilon_eq(dbl, rank_spearman(a, reversed, 4), -1, 1e-12));
}

Test(rank, a_constant_list_correlates_with_nothing)
{
    const float a[3] = { 1, 2, 3 }, constant[3] = { 7, 7, 7 };

    cr_assert(eq(dbl, rank_spearman(a, constant, 3), 0));
    cr_assert(eq(dbl, rank_spearman(constant, constant, 3), 0));
}
