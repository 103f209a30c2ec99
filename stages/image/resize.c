#include "image/resize.h"

#include <math.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

enum { PRECISION = 22 };

/* Output i is the sum of n[i] inputs from first[i] on, with the weights k[i * most ...],
 * fixed point. */
struct taps {
    int *first, *n, most;
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

static const struct filter bilinear = { triangle, 1 }, box = { square, .5 };

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
        k[j] = (int32_t)(w[j] / sum * (1 << PRECISION) + .5);
}

static void taps_open(struct taps *t, const struct filter *f, int in, int out)
{
    double scale = (double)in / out, widened = scale > 1 ? scale : 1;
    double wide = f->reach * widened;

    t->most = (int)ceil(wide) * 2 + 1;
    t->weight = xcalloc((size_t)t->most, sizeof *t->weight);
    t->first = xcalloc((size_t)out, sizeof *t->first);
    t->n = xcalloc((size_t)out, sizeof *t->n);
    t->k = xcalloc((size_t)out * (size_t)t->most, sizeof *t->k);
    for (int i = 0; i < out; i++) {
        double centre = (i + .5) * scale;
        int from = (int)(centre - wide + .5), to = (int)(centre + wide + .5);

        t->first[i] = from < 0 ? 0 : from;
        t->n[i] = (to > in ? in : to) - t->first[i];
        weigh(t, f, i, centre, 1 / widened);
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

static void pass_across(struct image *to, const struct image *from,
                        const struct filter *f)
{
    int C = from->channels;
    struct taps t;

    taps_open(&t, f, from->width, to->width);
    for (int y = 0; y < from->height; y++) {
        const uint8_t *row = from->pixel + (size_t)y * (size_t)from->width * (size_t)C;
        uint8_t *out = to->pixel + (size_t)y * (size_t)to->width * (size_t)C;

        for (int x = 0; x < to->width; x++) {
            const int32_t *k = t.k + (size_t)x * (size_t)t.most;
            const uint8_t *in = row + (size_t)t.first[x] * (size_t)C;

            for (int c = 0; c < C; c++) {
                int32_t sum = 1 << (PRECISION - 1);
                for (int j = 0; j < t.n[x]; j++)
                    sum += k[j] * in[j * C + c];
                *out++ = rounded(sum);
            }
        }
    }
    taps_close(&t);
}

/* Row by row, so that neighbouring values are summed side by side. */
static void pass_down(struct image *to, const struct image *from, const struct filter *f)
{
    size_t n = (size_t)from->width * (size_t)from->channels;
    int32_t *sum = xmalloc(n * sizeof *sum);
    struct taps t;

    taps_open(&t, f, from->height, to->height);
    for (int y = 0; y < to->height; y++) {
        const int32_t *k = t.k + (size_t)y * (size_t)t.most;
        uint8_t *out = to->pixel + (size_t)y * n;

        for (size_t i = 0; i < n; i++)
            sum[i] = 1 << (PRECISION - 1);
        for (int j = 0; j < t.n[y]; j++) {
            const uint8_t *in = from->pixel + (size_t)(t.first[y] + j) * n;
            for (size_t i = 0; i < n; i++)
                sum[i] += k[j] * in[i];
        }
        for (size_t i = 0; i < n; i++)
            out[i] = rounded(sum[i]);
    }
    taps_close(&t);
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

static void resize(struct image *to, const struct image *from, int width, int height,
                   const struct filter *f)
{
    struct image across = *from;

    if (width != from->width) {
        image_init(&across, width, from->height, from->channels);
        describe(&across, from);
        pass_across(&across, from, f);
    }
    if (height == from->height && across.pixel != from->pixel) {
        *to = across;
        return;
    }
    if (height == from->height) {
        copy(to, from);
        return;
    }
    image_init(to, width, height, from->channels);
    describe(to, from);
    pass_down(to, &across, f);
    if (across.pixel != from->pixel)
        image_release(&across);
}

void image_resize(struct image *to, const struct image *from, int width, int height)
{
    resize(to, from, width, height, &bilinear);
}

void image_resize_box(struct image *to, const struct image *from, int width, int height)
{
    resize(to, from, width, height, &box);
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

void image_fit(struct image *to, const struct image *from, int side, int crop)
{
    int w = from->width, h = from->height;
    struct image scaled;

    if ((w <= h && w == side) || (h <= w && h == side))
        copy(&scaled, from);
    else if (w < h)
        image_resize(&scaled, from, side, (int)((double)side * h / w));
    else
        image_resize(&scaled, from, (int)((double)side * w / h), side);
    if (crop == 0) {
        *to = scaled;
        return;
    }
    image_crop(to, &scaled, half(scaled.width - crop), half(scaled.height - crop), crop,
               crop);
    image_release(&scaled);
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
