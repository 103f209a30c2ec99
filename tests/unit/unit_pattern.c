#include "image/pattern.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

static char path[] = "/tmp/unit-pattern-XXXXXX";

static void make_file(void)
{
    close(mkstemp(path));
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(pattern, .init = make_file, .fini = remove_file);

static void add_u32(struct buf *b, uint32_t x)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_addc(b, (char)(x >> shift));
}

/* A file with the name "ab" and pixels 0, 1, 2, ... (modulo 256). */
static void build(struct buf *b, uint32_t width, uint32_t height, uint32_t depth,
                  size_t n)
{
    buf_reset(b);
    add_u32(b, 27);
    add_u32(b, 1);
    add_u32(b, width);
    add_u32(b, height);
    add_u32(b, depth);
    buf_adds(b, "GPATab");
    buf_addc(b, '\0');
    for (size_t i = 0; i < n; i++)
        buf_addc(b, (char)i);
}

static void put(const struct buf *b)
{
    cr_assert_eq(fs_write(path, buf_str(b), b->len, false, NULL), 0);
}

static void refuses(const char *why)
{
    struct pattern p;
    struct error err = { 0 };

    cr_assert_eq(pattern_read(&p, path, &err), E_INPUT, "taken, where \"%s\"", why);
    cr_assert(strstr(err.text, path) != NULL && strstr(err.text, why) != NULL, "%s",
              err.text);
    cr_assert_null(p.value);
}

Test(pattern, reads_grey)
{
    struct pattern p;
    struct buf b = { 0 };

    build(&b, 3, 2, 1, 6);
    put(&b);
    cr_assert_eq(pattern_read(&p, path, NULL), 0);
    cr_assert_eq(p.width, 3);
    cr_assert_eq(p.height, 2);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(p.value[i], i / 255.0);
    pattern_release(&p);
    buf_release(&b);
}

Test(pattern, reads_colour_as_luminance)
{
    struct pattern p;
    struct buf b = { 0 };

    build(&b, 1, 2, 3, 6);
    put(&b);
    cr_assert_eq(pattern_read(&p, path, NULL), 0);
    cr_assert_float_eq(p.value[1], (.299 * 3 + .587 * 4 + .114 * 5) / 255, 1e-15);
    pattern_release(&p);
    buf_release(&b);
}

Test(pattern, what_is_no_such_file_is_refused)
{
    struct buf b = { 0 };

    put(&b);
    refuses("not a GIMP pattern");
    buf_adds(&b, "P5 640 480 255 and then some more bytes");
    put(&b);
    refuses("not a GIMP pattern");
    build(&b, 3, 2, 4, 24);
    put(&b);
    refuses("4 bytes a pixel");
    build(&b, 0, 2, 1, 0);
    put(&b);
    refuses("0x2 pixels");
    build(&b, 70000, 70000, 1, 10);
    put(&b);
    refuses("70000x70000 pixels");
    build(&b, 3, 2, 1, 5);
    put(&b);
    refuses("do not fit");
    build(&b, 3, 2, 1, 7);
    put(&b);
    refuses("do not fit");
    buf_release(&b);
}

Test(pattern, mutated_and_cut_files_never_crash)
{
    struct buf b = { 0 };
    uint32_t state = 3;
    int taken = 0;

    build(&b, 16, 16, 3, 16 * 16 * 3);
    for (int round = 0; round < 3000; round++) {
        struct pattern p;
        size_t at, n = b.len;
        char was;

        state = state * 1664525 + 1013904223;
        at = (state >> 8) % 27;
        was = b.s[at];
        state = state * 1664525 + 1013904223;
        b.s[at] = (char)(state >> 24);
        if (round % 3 == 0)
            n = (state >> 8) % b.len;
        cr_assert_eq(fs_write(path, b.s, n, false, NULL), 0);
        if (pattern_read(&p, path, NULL) == 0) {
            taken++;
            pattern_release(&p);
        }
        b.s[at] = was;
    }
    cr_assert(taken > 0 && taken < 1000, "%d of 3000 were taken", taken);
    buf_release(&b);
}

/* A pattern of the given function, without a file. */
static struct pattern make(int width, int height, double (*f)(int x, int y))
{
    struct pattern p = { .width = width, .height = height };

    p.value = xcalloc((size_t)width * height, sizeof *p.value);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            p.value[y * width + x] = f(x, y);
    return p;
}

static double noise(int x, int y)
{
    uint32_t h = (uint32_t)x * 73856093u ^ (uint32_t)y * 19349663u;

    h = (h ^ h >> 13) * 1274126177;
    return (h >> 8) * 0x1p-24;
}

static double stripes(int x, int y)
{
    (void)y;
    return 0.5 + 0.3 * cos(2 * M_PI * x / 8);
}

static double flat(int x, int y)
{
    (void)x;
    (void)y;
    return 0.7;
}

static void moments(const struct pattern *p, double *mean, double *deviation)
{
    int n = p->width * p->height;

    *mean = *deviation = 0;
    for (int i = 0; i < n; i++)
        *mean += p->value[i] / n;
    for (int i = 0; i < n; i++)
        *deviation += (p->value[i] - *mean) * (p->value[i] - *mean) / n;
    *deviation = sqrt(*deviation);
}

Test(pattern, a_prepared_relief_has_unit_deviation_and_about_no_mean)
{
    struct pattern p = make(45, 62, noise);
    double mean, deviation;

    cr_assert_eq(pattern_prepare(&p, 1.6, NULL), 0);
    moments(&p, &mean, &deviation);
    cr_assert_float_eq(mean, 0, 0.02);
    cr_assert_float_eq(deviation, 1, 1e-12);
    for (int i = 0; i < p.width * p.height; i++)
        cr_assert(fabs(p.value[i]) < 2.6);
    pattern_release(&p);
}

/* A wave stays a wave: both Gaussians only scale it. Its phase must not move. */
Test(pattern, a_wave_keeps_its_place)
{
    struct pattern p = make(32, 8, stripes);

    cr_assert_eq(pattern_prepare(&p, 1.0, NULL), 0);
    for (int x = 0; x < 32; x++)
        cr_assert_float_eq(p.value[3 * 32 + x], sqrt(2) * cos(2 * M_PI * x / 8), 1e-9);
    pattern_release(&p);
}

static double shifted_noise(int x, int y)
{
    return noise((x + 7) % 20, (y + 11) % 24);
}

Test(pattern, preparing_does_not_see_where_the_torus_is_cut)
{
    struct pattern p = make(20, 24, noise), q = make(20, 24, shifted_noise);

    cr_assert_eq(pattern_prepare(&p, 2.4, NULL), 0);
    cr_assert_eq(pattern_prepare(&q, 2.4, NULL), 0);
    for (int y = 0; y < 24; y++)
        for (int x = 0; x < 20; x++)
            cr_assert_float_eq(q.value[y * 20 + x],
                               p.value[(y + 11) % 24 * 20 + (x + 7) % 20], 1e-12);
    pattern_release(&p);
    pattern_release(&q);
}

Test(pattern, a_flat_pattern_is_refused)
{
    struct pattern p = make(16, 16, flat);
    struct error err = { 0 };

    cr_assert_eq(pattern_prepare(&p, 1.0, &err), E_INPUT);
    cr_assert_not_null(strstr(err.text, "flat"), "%s", err.text);
    pattern_release(&p);
}

Test(pattern, samples_are_bilinear_and_wrap)
{
    struct pattern p = make(5, 4, noise);

    cr_assert_eq(pattern_at(&p, 2, 3), p.value[3 * 5 + 2]);
    cr_assert_eq(pattern_at(&p, -3, -1), p.value[3 * 5 + 2]);
    cr_assert_eq(pattern_at(&p, 5002, 4003), p.value[3 * 5 + 2]);
    cr_assert_float_eq(pattern_at(&p, 4.25, 1), .75 * p.value[9] + .25 * p.value[5],
                       1e-15);
    cr_assert_float_eq(pattern_at(&p, 1, 3.5), .5 * p.value[16] + .5 * p.value[1], 1e-15);
    cr_assert_float_eq(pattern_at(&p, -0.5, 0), .5 * p.value[4] + .5 * p.value[0], 1e-15);
    pattern_release(&p);
}
