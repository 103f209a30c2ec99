#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <math.h>

#include "image/augment.h"
#include "kit/tsv.h"

enum { W = 6, H = 5, C = 3, N = W * H * C };

/* The picture of tests/twin/augment.py. */
static void make_picture(struct image *im, uint8_t pixel[N])
{
    *im = (struct image){ .width = W, .height = H, .channels = C, .pixel = pixel };
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < C; c++)
                pixel[(y * W + x) * C + c] = (uint8_t)((37 * x + 11 * y + 91 * c) % 256);
}

static struct tsv vectors;

static void read_vectors(void)
{
    struct error err = { 0 };

    cr_assert(
        eq(int, tsv_read(&vectors, LARDER_SOURCE "/tests/twin/augment.tsv", &err), 0),
        "%s", err.text);
}

static double cell(size_t row, const char *column)
{
    return strtod(tsv_get(&vectors, row, tsv_find(&vectors, column)), NULL);
}

/* The crop of a row of the vectors, by our own draws. */
static struct crop crop_of_row(size_t row)
{
    const struct augment a = { .area = .5, .aspect = .288, .mirror = true };
    const char *name = tsv_get(&vectors, row, tsv_find(&vectors, "name"));
    const char *seed = tsv_get(&vectors, row, tsv_find(&vectors, "seed"));
    struct draws d;
    struct crop c;

    augment_draws(&d, name, strtoull(seed, NULL, 16));
    augment_crop(&c, &a, &d, (uint64_t)cell(row, "epoch"), W, H);
    return c;
}

Test(augment, draws_the_twins_part_of_each_picture)
{
    read_vectors();
    cr_assert(gt(sz, vectors.n_rows, 5));
    for (size_t i = 0; i < vectors.n_rows; i++) {
        struct crop c = crop_of_row(i);

        cr_expect(eq(int, c.mirror, (int)cell(i, "mirror")));
        cr_expect(epsilon_eq(dbl, c.x, cell(i, "x"), 1e-10));
        cr_expect(epsilon_eq(dbl, c.y, cell(i, "y"), 1e-10));
        cr_expect(epsilon_eq(dbl, c.width, cell(i, "width"), 1e-10));
        cr_expect(epsilon_eq(dbl, c.height, cell(i, "height"), 1e-10));
    }
    tsv_release(&vectors);
}

Test(augment, samples_the_twins_values)
{
    struct sampler s;
    uint8_t pixel[N];
    struct image im;
    float to[N];

    read_vectors();
    make_picture(&im, pixel);
    sampler_init(&s, W, H, C);
    for (size_t i = 0; i < vectors.n_rows; i++) {
        struct crop c = crop_of_row(i);
        char *at = (char *)tsv_get(&vectors, i, tsv_find(&vectors, "values"));

        sampler_run(&s, &c, &im, to);
        for (int k = 0; k < N; k++, at++)
            cr_expect(eq(flt, to[k], strtof(at, &at)), "row %zu, %d", i, k);
    }
    sampler_release(&s);
    tsv_release(&vectors);
}

Test(augment, the_whole_picture_is_sampled_as_it_is)
{
    struct crop whole = { .width = W, .height = H };
    struct sampler s;
    uint8_t pixel[N];
    struct image im;
    float to[N];

    make_picture(&im, pixel);
    sampler_init(&s, W, H, C);
    sampler_run(&s, &whole, &im, to);
    for (int k = 0; k < N; k++)
        cr_expect(epsilon_eq(flt, to[k], (float)pixel[k] / 255, 1e-6f));
    whole.mirror = true;
    sampler_run(&s, &whole, &im, to);
    for (int x = 0; x < W; x++)
        cr_expect(epsilon_eq(flt, to[x * C], (float)pixel[(W - 1 - x) * C] / 255, 1e-6f));
    sampler_release(&s);
}

Test(augment, parts_lie_inside_and_have_the_areas_asked_for)
{
    const struct augment a = { .area = .5, .aspect = .288, .mirror = true };
    int mirrored = 0;
    double least = 2, most = 0;
    struct draws d;

    augment_draws(&d, "train-000001", 42);
    for (uint64_t epoch = 0; epoch < 2000; epoch++) {
        struct crop c;
        double area;

        augment_crop(&c, &a, &d, epoch, 32, 32);
        area = c.width * c.height / (32 * 32);
        least = fmin(least, area);
        most = fmax(most, area);
        mirrored += c.mirror;
        cr_assert(c.x >= 0 && c.y >= 0 && c.x + c.width <= 32 + 1e-9 &&
                  c.y + c.height <= 32 + 1e-9);
    }
    cr_expect(epsilon_eq(dbl, least, .5, .01));
    cr_expect(epsilon_eq(dbl, most, 1, .01));
    cr_expect(lt(int, abs(mirrored - 1000), 100));
}

Test(augment, without_it_pictures_are_whole_and_not_mirrored)
{
    const struct augment none = { .area = 1 };
    struct draws d;
    struct crop c;

    augment_draws(&d, "train-000001", 42);
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        augment_crop(&c, &none, &d, epoch, 32, 24);
        cr_expect(c.x == 0 && c.y == 0 && c.width == 32 && c.height == 24 && !c.mirror);
    }
}

Test(augment, leading_zeroes_of_a_name_do_not_count)
{
    struct draws a, b, c;

    augment_draws(&a, "train-000123", 1);
    augment_draws(&b, "train-123", 1);
    augment_draws(&c, "train-124", 1);
    cr_expect(a.k0 == b.k0 && a.k1 == b.k1);
    cr_expect(ne(u32, a.k0, c.k0));
}
