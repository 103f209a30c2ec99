#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "table/share.h"

/* The examples of Newcombe 1998 (Statistics in Medicine 17:857), Table I, method 3. */
static void check_interval(long k, long n, double low, double high)
{
    struct interval i = share_wilson(k, n);

    cr_assert(epsilon_eq(dbl, i.low, low, 5e-5), "%ld of %ld: low %.5f", k, n, i.low);
    cr_assert(epsilon_eq(dbl, i.high, high, 5e-5), "%ld of %ld: high %.5f", k, n, i.high);
}

Test(share, wilson_intervals_are_those_of_newcombe)
{
    check_interval(81, 263, 0.2553, 0.3662);
    check_interval(15, 148, 0.0624, 0.1605);
    check_interval(0, 20, 0.0, 0.1611);
    check_interval(1, 29, 0.0061, 0.1718);
}

Test(share, wilson_ends_are_exact_where_all_or_none_count)
{
    cr_assert(eq(dbl, share_wilson(0, 7).low, 0));
    cr_assert(eq(dbl, share_wilson(7, 7).high, 1));
    cr_assert(
        epsilon_eq(dbl, share_wilson(7, 7).low, 1 - share_wilson(0, 7).high, 1e-12));
}

Test(share, wilson_of_nothing_is_everything)
{
    cr_assert(eq(dbl, share_wilson(0, 0).low, 0));
    cr_assert(eq(dbl, share_wilson(0, 0).high, 1));
}

Test(share, mcnemar_is_the_binomial_counted_by_hand)
{
    /* of 6: (1 + 6/2) / 64 twice; of 5: 1/2 of 1/32 twice */
    cr_assert(epsilon_eq(dbl, share_mcnemar(1, 5), 8.0 / 64, 1e-12));
    cr_assert(epsilon_eq(dbl, share_mcnemar(0, 5), 1.0 / 32, 1e-12));
    /* of 9: 2 (1 + 9) / 512 + 36 / 512 */
    cr_assert(epsilon_eq(dbl, share_mcnemar(2, 7), 56.0 / 512, 1e-12));
}

Test(share, mcnemar_does_not_care_which_is_first)
{
    cr_assert(eq(dbl, share_mcnemar(3, 11), share_mcnemar(11, 3)));
}

Test(share, mcnemar_is_one_when_neither_leads)
{
    cr_assert(eq(dbl, share_mcnemar(0, 0), 1));
    cr_assert(eq(dbl, share_mcnemar(12, 12), 1));
}

Test(share, mcnemar_of_many_is_near_the_normal_approximation)
{
    /* z = 100 / sqrt(2100), two-sided */
    cr_assert(epsilon_eq(dbl, share_mcnemar(1000, 1100), 0.029096, 2e-4));
    cr_assert(lt(dbl, share_mcnemar(0, 40000), 1e-300));
}
