#include "kit/draws.h"

#include <math.h>

#include <criterion/criterion.h>

/* The known answers that come with Random123 (kat_vectors, philox4x32 10). */
Test(draws, philox_gives_the_published_answers)
{
    static const uint32_t in[3][6] = {
        { 0, 0, 0, 0, 0, 0 },
        { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
        { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0 },
    };
    static const uint32_t out[3][4] = {
        { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 },
        { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
        { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 },
    };

    for (int i = 0; i < 3; i++) {
        uint32_t w[4];

        philox(in[i], in[i] + 4, w);
        cr_assert_arr_eq(w, out[i], sizeof w, "vector %d", i);
    }
}

static struct draws test_draws(uint64_t seed)
{
    struct draws d;

    draws_init(&d, "imagenet_c", "severity=3,type=gaussian_noise", "TEST", seed);
    return d;
}

Test(draws, the_key_comes_from_stage_params_and_item)
{
    struct draws d = test_draws(0);

    cr_assert_eq(d.k0, 0x297ff2e4u);
    cr_assert_eq(d.k1, 0x8f92db92u);
}

Test(draws, a_seed_is_xored_into_both_halves_of_the_key)
{
    struct draws d = test_draws(0x0123456789abcdef);

    cr_assert_eq(d.k0, 0x297ff2e4u ^ 0x89abcdefu);
    cr_assert_eq(d.k1, 0x8f92db92u ^ 0x01234567u);
}

Test(draws, uniforms_and_normals_match_the_documented_vectors)
{
    static const double ua[] = { 0.59004664, 0.93230470, 0.19599329 };
    static const double normal[] = { -1.12338266, 1.99855957 };
    struct draws d = test_draws(0);

    for (int i = 0; i < 3; i++)
        cr_assert_float_eq(draws_ua(&d, 0, i), ua[i], 1e-8);
    for (int i = 0; i < 2; i++)
        cr_assert_float_eq(draws_normal(&d, 0, i), normal[i], 1e-8);
}

Test(draws, ua_and_ub_are_the_two_halves_of_one_block)
{
    struct draws d = test_draws(7);
    uint32_t w[4];

    draws_block(&d, 3, 1ull << 40, w);
    cr_assert_eq(draws_ua(&d, 3, 1ull << 40),
                 ldexp(w[0] >> 5, -27) + ldexp(w[1] >> 6, -53));
    cr_assert_eq(draws_ub(&d, 3, 1ull << 40),
                 ldexp(w[2] >> 5, -27) + ldexp(w[3] >> 6, -53));
}

Test(draws, streams_and_high_index_bits_tell_draws_apart)
{
    struct draws d = test_draws(0);

    cr_assert_neq(draws_ua(&d, 0, 5), draws_ua(&d, 1, 5));
    cr_assert_neq(draws_ua(&d, 0, 5), draws_ua(&d, 0, 5 + (1ull << 32)));
}

Test(draws, uniform_and_below_stay_in_their_range)
{
    struct draws d = test_draws(1);
    int seen[7] = { 0 };

    for (int i = 0; i < 7000; i++) {
        double u = draws_uniform(&d, 2, i, -75, 75);

        cr_assert(u >= -75 && u < 75);
        seen[draws_below(&d, 4, i, 7)]++;
    }
    for (int k = 0; k < 7; k++)
        cr_assert(seen[k] > 850 && seen[k] < 1150, "%d was drawn %d times", k, seen[k]);
}

Test(draws, poisson_has_its_mean_and_nothing_at_zero)
{
    struct draws d = test_draws(2);
    double sum = 0;

    for (int i = 0; i < 20000; i++) {
        sum += draws_poisson(&d, 0, i, 6.5);
        cr_assert_eq(draws_poisson(&d, 0, i, 0), 0);
    }
    cr_assert_float_eq(sum / 20000, 6.5, 0.1);
}

Test(draws, a_permutation_is_fisher_yates_on_stream_0)
{
    enum { N = 64 };
    struct draws d = test_draws(0);
    uint32_t p[N], q[N];
    int seen[N] = { 0 };

    draws_permutation(&d, p, N);
    for (int i = 0; i < N; i++)
        q[i] = i;
    for (int i = N - 1; i >= 1; i--) {
        int j = (int)floor(draws_ua(&d, 0, i) * (i + 1));
        uint32_t t = q[i];

        q[i] = q[j];
        q[j] = t;
    }
    cr_assert_arr_eq(p, q, sizeof p);
    for (int i = 0; i < N; i++)
        cr_assert_eq(++seen[p[i]], 1);
}

Test(draws, a_permutation_of_nothing_or_one_is_trivial)
{
    struct draws d = test_draws(0);
    uint32_t p[1] = { 9 };

    draws_permutation(&d, p, 0);
    cr_assert_eq(p[0], 9);
    draws_permutation(&d, p, 1);
    cr_assert_eq(p[0], 0);
}
