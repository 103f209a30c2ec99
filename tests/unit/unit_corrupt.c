#include "distort/corrupt.h"
#include "distort/drawn.h"
#include "distort/scramble.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "image/jpeg.h"
#include "image/resize.h"
#include "kit/tsv.h"
#include "larder/buf.h"
#include "made_picture.h"

static void make_frost(struct image *im, int k)
{
    image_init(im, 240 + 16 * k, 232 + 8 * k, 3);
    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++) {
            uint8_t *p = im->pixel + 3 * (y * im->width + x);

            p[0] = (uint8_t)(x * (k + 2) + y * 3);
            p[1] = (uint8_t)((x * y) >> (k + 4));
            p[2] = (uint8_t)(x ^ y);
        }
}

static void of_side(struct image *to, int side)
{
    struct image im;

    make_picture(&im);
    if (side == 224)
        image_fit(to, &im, 256, 224);
    else
        image_resize(to, &im, side, side);
    image_release(&im);
}

static struct image frost[CORRUPT_FROSTS];

static void make_frosts(void)
{
    for (int k = 0; k < CORRUPT_FROSTS; k++)
        make_frost(&frost[k], k);
}

static void release_frosts(void)
{
    for (int k = 0; k < CORRUPT_FROSTS; k++)
        image_release(&frost[k]);
}

TestSuite(corrupt, .init = make_frosts, .fini = release_frosts);

/* Two kernels of the smallest defocus add up to exactly 1 and leave flat areas at whole
 * levels, which are then cut off: the rounding of OpenCV's Fourier transform decides. So
 * their sums may differ by a level in some values. */
static bool is_cut_by_rounding(long side, const struct corruption *c)
{
    return side == 32 && strcmp(c->type, "defocus_blur") == 0 &&
           (c->severity == 1 || c->severity == 3);
}

/* One line of the vectors; says what differs. */
static bool holds(const struct tsv *t, size_t row)
{
    struct error err = { 0 };
    struct image from, to;
    struct buf file = { 0 };
    struct corruption c = { .type = tsv_get(t, row, 1), .frost = frost };
    struct draws d;
    long side, severity, sum, bytes, found = 0;
    char hex[9];
    bool same;

    cr_assert(tsv_long(t, row, 0, &side, &err) == 0 &&
              tsv_long(t, row, 2, &severity, &err) == 0 &&
              tsv_long(t, row, 3, &sum, &err) == 0 &&
              tsv_long(t, row, 5, &bytes, &err) == 0);
    c.severity = (int)severity;
    of_side(&from, (int)side);
    corrupt_draws(&d, &c, "TEST", 0);
    cr_assert(corrupt(&to, &from, &c, &d, &err) == 0, "%s", err.text);
    cr_assert(image_encode_jpeg(&to, 85, true, &file, &err) == 0, "%s", err.text);
    for (size_t e = 0; e < image_bytes(&to); e++)
        found += to.pixel[e];
    snprintf(hex, sizeof hex, "%08x", crc(&to));
    if (is_cut_by_rounding(side, &c))
        same = labs(found - sum) < 150;
    else
        same = strcmp(hex, tsv_get(t, row, 4)) == 0 && (long)file.len == bytes &&
               found == sum;
    if (!same)
        cr_log_error("%ld %s %ld: sum %ld, crc %s, %zu bytes; wanted %ld, %s, %ld", side,
                     c.type, severity, found, hex, file.len, sum, tsv_get(t, row, 4),
                     bytes);
    buf_release(&file);
    image_release(&to);
    image_release(&from);
    return same;
}

Test(corrupt, gives_the_pixels_of_the_original_functions)
{
    struct error err = { 0 };
    struct tsv t;
    size_t bad = 0;

    cr_assert(eq(int,
                 tsv_read(&t, LARDER_SOURCE "/tests/golden/corruption-vectors.tsv", &err),
                 0));
    cr_assert(eq(sz, t.n_rows, 15 * 5 * 3));
    for (size_t i = 0; i < t.n_rows; i++)
        bad += !holds(&t, i);
    cr_assert(eq(sz, bad, 0));
    tsv_release(&t);
}

Test(corrupt, starts_from_the_documented_picture)
{
    struct image im, crop;

    make_picture(&im);
    cr_expect(eq(u32, crc(&im), 0x95a1c3cf));
    image_fit(&crop, &im, 256, 224);
    cr_expect(eq(u32, crc(&crop), 0xe4dbd995));
    image_release(&crop);
    image_release(&im);
}

Test(corrupt, a_jpeg_is_that_of_pillow)
{
    struct error err = { 0 };
    struct buf file = { 0 };
    struct image im;

    of_side(&im, 224);
    cr_assert(eq(int, image_encode_jpeg(&im, 85, true, &file, &err), 0));
    cr_expect(eq(sz, file.len, 15357));
    cr_expect(eq(u32,
                 (unsigned)crc32(0, (const unsigned char *)file.s, (unsigned)file.len),
                 0x82e044b5));
    buf_release(&file);
    image_release(&im);
}

Test(corrupt, other_draws_give_other_noise_and_sizes_without_constants_are_refused)
{
    const struct corruption c = { .type = "gaussian_noise", .severity = 1 };
    struct error err = { 0 };
    struct image im, a, b, odd;
    struct draws d;

    of_side(&im, 32);
    corrupt_draws(&d, &c, "TEST", 0);
    cr_assert(eq(int, corrupt(&a, &im, &c, &d, &err), 0));
    corrupt_draws(&d, &c, "TEST", 1);
    cr_assert(eq(int, corrupt(&b, &im, &c, &d, &err), 0));
    cr_expect(ne(u32, crc(&a), crc(&b)));
    of_side(&odd, 48);
    odd.name = "odd";
    cr_expect(eq(int, corrupt(&b, &odd, &c, &d, &err), E_INPUT));
    cr_expect(strstr(err.text, "odd has 48 x 48 pixels of 3 channels") != NULL);
    image_release(&odd);
    image_release(&a);
    image_release(&b);
    image_release(&im);
}

Test(corrupt, frost_needs_pictures_larger_than_the_picture)
{
    struct corruption c = { .type = "frost", .severity = 1 };
    struct error err = { 0 };
    struct image im, to, small[CORRUPT_FROSTS];
    struct draws d;

    of_side(&im, 224);
    corrupt_draws(&d, &c, "TEST", 0);
    cr_expect(eq(int, corrupt(&to, &im, &c, &d, &err), E_INPUT));
    for (int k = 0; k < CORRUPT_FROSTS; k++)
        image_init(&small[k], 224, 300, 3);
    c.frost = small;
    cr_expect(eq(int, corrupt(&to, &im, &c, &d, &err), E_INPUT));
    cr_expect(strstr(err.text, "too small for pictures of 224 pixels") != NULL);
    for (int k = 0; k < CORRUPT_FROSTS; k++)
        image_release(&small[k]);
    image_release(&im);
}

/* Across the place where the lower half of the index is full, and a part of a piece. */
Test(drawn, many_at_a_time_are_those_of_one_at_a_time)
{
    enum { N = 1000 };
    const uint64_t from = UINT64_C(0x1ffffff00);
    static double a[N], b[N], alone[N], normal[N];
    struct draws d;

    draws_init(&d, "imagenet_c", "severity=1,type=snow", "TEST", 0);
    drawn_both(&d, 3, from, N, a, b);
    drawn_ua(&d, 3, from, N, alone);
    drawn_normal(&d, 3, from, N, normal);
    for (uint64_t i = 0; i < N; i++) {
        double z = draws_normal(&d, 3, from + i);

        cr_assert(a[i] == draws_ua(&d, 3, from + i) && alone[i] == a[i]);
        cr_assert(b[i] == draws_ub(&d, 3, from + i));
        cr_assert(fabs(normal[i] - z) <= 4e-15, "%a, not %a", normal[i], z);
    }
}

/* The vectors of the specification: order, pixels, bytes of the JPEG. */
Test(scramble, gives_the_known_orders_and_pixels)
{
    static const struct {
        int p;
        const char *params;
        uint32_t first[4], crc;
        size_t bytes;
    } known[] = {
        { 2, "p=2", { 0, 2, 1, 3 }, 0x43e893cb, 12628 },
        { 4, "p=4", { 9, 15, 0, 1 }, 0x78aa7fa8, 12876 },
        { 8, "p=8", { 4, 0, 2, 53 }, 0xc65b58a0, 14652 },
    };
    struct error err = { 0 };
    struct image im, to;

    of_side(&im, 224);
    for (size_t i = 0; i < 3; i++) {
        uint32_t order[64];
        struct buf file = { 0 };
        struct draws d;

        draws_init(&d, "scrambled", known[i].params, "TEST", 0);
        scramble_order(&d, known[i].p, order);
        cr_expect_arr_eq(order, known[i].first, sizeof known[i].first);
        cr_assert(eq(int, scramble(&to, &im, known[i].p, order, &err), 0));
        cr_expect(eq(u32, crc(&to), known[i].crc));
        cr_assert(eq(int, image_encode_jpeg(&to, 75, false, &file, &err), 0));
        cr_expect(eq(sz, file.len, known[i].bytes));
        buf_release(&file);
        image_release(&to);
    }
    im.name = "im";
    cr_expect(eq(int, scramble(&to, &im, 3, (uint32_t[9]){ 0 }, &err), E_INPUT));
    image_release(&im);
}

/* Of two by two, one permutation in 24 is the identity: those are drawn again. */
/* numpy.random.seed(212); numpy.random.permutation(n) */
Test(scramble, the_released_order_is_numpys)
{
    static const uint32_t two[] = { 2, 3, 1, 0 };
    static const uint32_t four[] = {
        14, 15, 10, 12, 6, 5, 0, 7, 3, 11, 1, 9, 4, 2, 13, 8
    };
    static const uint32_t eight[] = { 59, 3, 50, 4, 27, 20, 8, 58, 42, 31 };
    uint32_t order[64];

    scramble_released(2, order);
    cr_assert(eq(int, memcmp(order, two, sizeof two), 0));
    scramble_released(4, order);
    cr_assert(eq(int, memcmp(order, four, sizeof four), 0));
    scramble_released(8, order);
    cr_assert(eq(int, memcmp(order, eight, sizeof eight), 0));
}

Test(scramble, no_picture_stays_as_it_is)
{
    uint32_t order[4];
    int again = 0;

    for (int i = 0; i < 500; i++) {
        struct draws d;
        uint32_t drawn[4];
        char key[16];

        snprintf(key, sizeof key, "%d", i);
        draws_init(&d, "scrambled", "p=2", key, 0);
        scramble_order(&d, 2, order);
        cr_assert(order[0] != 0 || order[1] != 1 || order[2] != 2 || order[3] != 3);
        draws_permutation(&d, drawn, 4);
        again += memcmp(order, drawn, sizeof order) != 0;
    }
    cr_expect(again > 5 && again < 50, "%d were drawn again", again);
}
