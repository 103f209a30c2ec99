/* Chroma and effective rank of a bank of filters (stages/kernel/bank.h). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "kernel/bank.h"

enum { COLOURS = 3, PLACES = 4, SIZE = COLOURS * PLACES, MOST = 12 };

static float weights[MOST * SIZE];

static struct kernel bank(long filters)
{
    static struct tensor t;

    t.value = weights;
    return (struct kernel){ .tensor = &t,
                            .filters = filters,
                            .channels = COLOURS,
                            .height = 2,
                            .width = 2,
                            .size = SIZE };
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

Test(bank, chroma_is_what_is_left_without_grey)
{
    struct kernel k = bank(4);

    for (int i = 0; i < PLACES; i++) {
        weights[i] = weights[PLACES + i] = weights[2 * PLACES + i] = (float)(i - 2);
        weights[SIZE + i] = (float)(i + 1); /* red alone */
        weights[2 * SIZE + i] = 1;          /* red against green */
        weights[2 * SIZE + PLACES + i] = -1;
    }
    cr_assert(is_near(bank_chroma(&k, 0), 0));
    cr_assert(is_near(bank_chroma(&k, 1), sqrt(2. / 3)));
    cr_assert(is_near(bank_chroma(&k, 2), 1));
    cr_assert(is_near(bank_chroma(&k, 3), 0)); /* nothing */
}

Test(bank, rank_counts_directions)
{
    struct kernel k = bank(5);

    for (int f = 0; f < 5; f++)
        for (int i = 0; i < SIZE; i++)
            weights[f * SIZE + i] = (float)((f + 1) * (i - 3));
    cr_assert(is_near(bank_rank(&k), 1), "%.12g", bank_rank(&k));
    for (int f = 0; f < 5; f++)
        for (int i = 0; i < SIZE; i++)
            weights[f * SIZE + i] = i == f ? (float)(f + 1) : 0;
    cr_assert(is_near(bank_rank(&k), 5), "%.12g", bank_rank(&k));
    weights[4 * SIZE + 4] = 0; /* a filter that is nothing is left out */
    cr_assert(is_near(bank_rank(&k), 4), "%.12g", bank_rank(&k));
}

/* Two at an angle with cosine c: singular values sqrt(1 + c) and sqrt(1 - c). */
Test(bank, rank_of_two_follows_their_angle)
{
    struct kernel k = bank(2);
    double c = .6, a = sqrt(1 + c), b = sqrt(1 - c), p = a / (a + b), q = b / (a + b);

    memset(weights, 0, sizeof weights);
    weights[0] = 2;
    weights[SIZE] = .6f;
    weights[SIZE + 1] = .8f;
    cr_assert(fabs(bank_rank(&k) - exp(-p * log(p) - q * log(q))) < 1e-6, "%.12g",
              bank_rank(&k));
}
