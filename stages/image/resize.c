#include "image/resize.h"

#include <math.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

/* The compiler makes a copy of such a function for wider vectors and the right one is
 * chosen when the program starts; whole numbers give the same in each. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

enum { PRECISION = 22 };

/* Of the values of a scaled side those that are wanted: value i of them is the sum of
 * n[i] inputs from first[i] on, with the weights k[i * most ...], fixed point; behind
 * these are zeroes. widest: the largest n. */
struct taps {
    int *first, *n, most, widest;
    int32_t *k;
    double *weight; /* of the output at hand */
};

/* A filter of Pillow's: its weight at a distance, and how far it reaches. */
struct filter {
    double (*weight)(double t);
    double reach;
};

static double triangle(double t)
{
    t = fabs(t);
    return t < 1 ? 1 - t : 0;
}

static double square(double t)
{
    return t > -.5 && t <= .5 ? 1 : 0;
}

static double sinc(double t)
{
    return t == 0 ? 1 : sin(t * M_PI) / (t * M_PI);
}

static double windowed(double t)
{
    return t >= -3 && t < 3 ? sinc(t) * sinc(t / 3) : 0;
}

static const struct filter bilinear = { triangle, 1 }, box = { square, .5 },
                           lanczos = { windowed, 3 };

static void weigh(struct taps *t, const struct filter *f, int i, double centre,
                  double inverse)
{
    int32_t *k = t->k + (size_t)i * (size_t)t->most;
    double *w = t->weight, sum = 0;

    for (int j = 0; j < t->n[i]; j++) {
        w[j] = f->weight((j + t->first[i] - centre + .5) * inverse);
        sum += w[j];
    }
    for (int j = 0; j < t->n[i]; j++)
        k[j] = (int32_t)(w[j] / sum * (1 << PRECISION) + (w[j] < 0 ? -.5 : .5));
}

/* For `count` values from `start` on, of `out` in all. */
static void taps_open(struct taps *t, const struct filter *f, int in, int out, int start,
                      int count)
{
    double scale = (double)in / out, widened = scale > 1 ? scale : 1;
    double wide = f->reach * widened;

    t->most = (int)ceil(wide) * 2 + 1;
    t->widest = 0;
    t->weight = xcalloc((size_t)t->most, sizeof *t->weight);
    t->first = xcalloc((size_t)count, sizeof *t->first);
    t->n = xcalloc((size_t)count, sizeof *t->n);
    t->k = xcalloc((size_t)count * (size_t)t->most, sizeof *t->k);
    for (int i = 0; i < count; i++) {
        double centre = (start + i + .5) * scale;
        int from = (int)(centre - wide + .5), to = (int)(centre + wide + .5);

        t->first[i] = from < 0 ? 0 : from;
        t->n[i] = (to > in ? in : to) - t->first[i];
        weigh(t, f, i, centre, 1 / widened);
        t->widest = t->n[i] > t->widest ? t->n[i] : t->widest;
    }
}

static void taps_close(struct taps *t)
{
    free(t->first);
    free(t->n);
    free(t->k);
    free(t->weight);
}

static uint8_t rounded(int32_t sum)
{
    int32_t v = sum >> PRECISION;

    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* A row of one channel. */
static void across_grey(uint8_t *out, const uint8_t *row, const struct taps *t, int width)
{
    for (int x = 0; x < width; x++) {
        const int32_t *k = t->k + (size_t)x * (size_t)t->most;
        int32_t sum = 1 << (PRECISION - 1);

        for (int j = 0; j < t->n[x]; j++)
            sum += k[j] * row[t->first[x] + j];
        out[x] = rounded(sum);
    }
}

typedef int32_t four __attribute__((vector_size(16)));

/* A row of three channels, a pixel at a time with one value more. The loop over inputs is
 * as long for each output, since one that varies is mispredicted. row and sum are room
 * for the row as numbers, `widest` pixels and a value longer, and for the sums, a value
 * longer. */
CLONES static void across_rgb(uint8_t *out, const uint8_t *bytes, const struct taps *t,
                              int from, int to, int32_t *row, int32_t *sum)
{
    int n = t->widest;

    for (int i = 0; i < 3 * from; i++)
        row[i] = bytes[i];
    for (int x = 0; x < to; x++) {
        const int32_t *k = t->k + (size_t)x * (size_t)t->most;
        const int32_t *in = row + 3 * (size_t)t->first[x];
        four all = (four){ 0 } + (1 << (PRECISION - 1)), v;

        for (int j = 0; j < n; j++) {
            memcpy(&v, in + 3 * j, sizeof v);
            all += k[j] * v;
        }
        memcpy(sum + 3 * x, &all, sizeof all);
    }
    for (int i = 0; i < 3 * to; i++)
        out[i] = rounded(sum[i]);
}

/* Rows of from, beginning with row `top`, become those of to. */
static void pass_across(struct image *to, const struct image *from, const struct taps *t,
                        int top)
{
    size_t C = (size_t)from->channels;
    size_t in = (size_t)from->width * C, out = (size_t)to->width * C;
    int32_t *row = xcalloc(in + C * (size_t)t->widest + 1, sizeof *row);
    int32_t *sum = xcalloc(out + 1, sizeof *sum);

    for (int y = 0; y < to->height; y++) {
        const uint8_t *bytes = from->pixel + (size_t)(top + y) * in;

        if (C == 3)
            across_rgb(to->pixel + (size_t)y * out, bytes, t, from->width, to->width, row,
                       sum);
        else
            across_grey(to->pixel + (size_t)y * out, bytes, t, to->width);
    }
    free(row);
    free(sum);
}

/* Row by row, so that neighbouring values are summed side by side. */
CLONES static void sum_rows(uint8_t *out, const uint8_t *in, size_t n, const int32_t *k,
                            int taps, int32_t *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = 1 << (PRECISION - 1);
    for (int j = 0; j < taps; j++, in += n)
        for (size_t i = 0; i < n; i++)
            sum[i] += k[j] * in[i];
    for (size_t i = 0; i < n; i++)
        out[i] = rounded(sum[i]);
}

/* from begins with row `top` of the picture. */
static void pass_down(struct image *to, const struct image *from, const struct taps *t,
                      int top)
{
    size_t n = (size_t)from->width * (size_t)from->channels;
    int32_t *sum = xmalloc(n * sizeof *sum);

    for (int y = 0; y < to->height; y++)
        sum_rows(to->pixel + (size_t)y * n, from->pixel + (size_t)(t->first[y] - top) * n,
                 n, t->k + (size_t)y * (size_t)t->most, t->n[y], sum);
    free(sum);
}

static void describe(struct image *to, const struct image *from)
{
    to->name = from->name;
    to->label = from->label;
    to->texture = from->texture;
}

static void copy(struct image *to, const struct image *from)
{
    image_init(to, from->width, from->height, from->channels);
    describe(to, from);
    memcpy(to->pixel, from->pixel, image_bytes(from));
}

/* The part of the scaled picture that begins at (x, y) and is as large as *to will be; it
 * lies inside. A pass that scales nothing changes nothing. */
static void resize_part(struct image *to, const struct image *from,
                        const struct filter *f, const int scaled[2], int x, int y,
                        int width, int height)
{
    struct taps across, down;
    struct image middle;
    int top, bottom;

    taps_open(&across, f, from->width, scaled[0], x, width);
    taps_open(&down, f, from->height, scaled[1], y, height);
    top = down.first[0];
    bottom = down.first[height - 1] + down.n[height - 1];
    image_init(&middle, width, bottom - top, from->channels);
    pass_across(&middle, from, &across, top);
    image_init(to, width, height, from->channels);
    describe(to, from);
    pass_down(to, &middle, &down, top);
    image_release(&middle);
    taps_close(&across);
    taps_close(&down);
}

void image_resize(struct image *to, const struct image *from, int width, int height)
{
    const int scaled[] = { width, height };

    if (width == from->width && height == from->height)
        copy(to, from);
    else
        resize_part(to, from, &bilinear, scaled, 0, 0, width, height);
}

void image_resize_box(struct image *to, const struct image *from, int width, int height)
{
    const int scaled[] = { width, height };

    if (width == from->width && height == from->height)
        copy(to, from);
    else
        resize_part(to, from, &box, scaled, 0, 0, width, height);
}

void image_resize_lanczos(struct image *to, const struct image *from, int width,
                          int height)
{
    const int scaled[] = { width, height };

    if (width == from->width && height == from->height)
        copy(to, from);
    else
        resize_part(to, from, &lanczos, scaled, 0, 0, width, height);
}

void image_crop(struct image *to, const struct image *from, int x, int y, int width,
                int height)
{
    int left = x < 0 ? -x : 0, right = x + width > from->width ? from->width - x : width;
    size_t C = (size_t)from->channels;

    image_init(to, width, height, from->channels);
    describe(to, from);
    for (int j = 0; j < height; j++) {
        if (y + j < 0 || y + j >= from->height || right <= left)
            continue;
        memcpy(to->pixel + ((size_t)j * (size_t)width + (size_t)left) * C,
               from->pixel +
                   ((size_t)(y + j) * (size_t)from->width + (size_t)(x + left)) * C,
               (size_t)(right - left) * C);
    }
}

/* Half of n, a half rounded to even. */
static int half(int n)
{
    return (int)nearbyint(n / 2.);
}

/* Of a crop that is larger than the scaled picture. */
static void fit_around(struct image *to, const struct image *from, const int scaled[2],
                       int crop)
{
    struct image whole;

    image_resize(&whole, from, scaled[0], scaled[1]);
    image_crop(to, &whole, half(whole.width - crop), half(whole.height - crop), crop,
               crop);
    image_release(&whole);
}

void image_fit(struct image *to, const struct image *from, int side, int crop)
{
    int w = from->width, h = from->height, scaled[] = { w, h };

    if (w < h && w != side) {
        scaled[0] = side;
        scaled[1] = (int)((double)side * h / w);
    } else if (w >= h && h != side) {
        scaled[0] = (int)((double)side * w / h);
        scaled[1] = side;
    }
    if (crop == 0)
        image_resize(to, from, scaled[0], scaled[1]);
    else if (crop > scaled[0] || crop > scaled[1])
        fit_around(to, from, scaled, crop);
    else if (scaled[0] == w && scaled[1] == h)
        image_crop(to, from, half(w - crop), half(h - crop), crop, crop);
    else
        resize_part(to, from, &bilinear, scaled, half(scaled[0] - crop),
                    half(scaled[1] - crop), crop, crop);
}

void image_rgb(struct image *to, const struct image *from)
{
    if (from->channels == 3) {
        copy(to, from);
        return;
    }
    image_init(to, from->width, from->height, 3);
    describe(to, from);
    for (size_t i = 0; i < image_bytes(from); i++)
        memset(to->pixel + 3 * i, from->pixel[i], 3);
}
