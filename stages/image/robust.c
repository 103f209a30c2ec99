#include "image/robust.h"

#include <assert.h>
#include <math.h>

#include "image/resize.h"
#include "larder/banned.h"

/* Beside those of image/augment.c, from 16 on. */
enum {
    STREAM_TRY = 16, /* to 25: ten tries */
    TRIES = 10,
    STREAM_PLACE = STREAM_TRY + TRIES,
    STREAM_MIRROR,
    STREAM_FACTOR, /* to 30 */
    STREAM_ORDER = STREAM_FACTOR + ROBUST_JITTERS,
    STREAM_LIGHT, /* to 34 */
};

static const double area_least = .08, ratio_least = 3. / 4, ratio_most = 4. / 3;
static const double jitter = .1, light_deviation = .05;

/* Of ImageNet's colours: robustness/data_augmentation.py, IMAGENET_PCA. */
static const double eigenvalue[3] = { .2175, .0188, .0045 };
static const double eigenvector[3][3] = {
    { -.5675, .7192, .4009 },
    { -.5808, -.0045, -.8140 },
    { -.5836, -.6948, .4203 },
};

static int rounded(double x)
{
    return (int)nearbyint(x); /* half to even, as Python */
}

/* One try; whether the part fits into the picture. */
static bool draw_part(struct robust *r, const struct draws *d, uint32_t stream,
                      uint64_t epoch, int width, int height)
{
    double share = area_least + (1 - area_least) * draws_ua(d, stream, epoch);
    double low = log(ratio_least), high = log(ratio_most);
    double area = (double)width * height * share;
    double ratio = exp(low + (high - low) * draws_ub(d, stream, epoch));

    r->width = rounded(sqrt(area * ratio));
    r->height = rounded(sqrt(area / ratio));
    return r->width > 0 && r->width <= width && r->height > 0 && r->height <= height;
}

/* The middle of the picture, as much of it as a legal ratio leaves. */
static void take_middle(struct robust *r, int width, int height)
{
    double ratio = (double)width / height;

    r->width = width;
    r->height = height;
    if (ratio < ratio_least)
        r->height = rounded(width / ratio_least);
    else if (ratio > ratio_most)
        r->width = rounded(height * ratio_most);
    r->x = (width - r->width) / 2;
    r->y = (height - r->height) / 2;
}

static void draw_place(struct robust *r, const struct draws *d, uint64_t epoch, int width,
                       int height)
{
    for (uint32_t t = 0; t < TRIES; t++) {
        if (!draw_part(r, d, STREAM_TRY + t, epoch, width, height))
            continue;
        r->x = (int)(draws_ua(d, STREAM_PLACE, epoch) * (width - r->width + 1));
        r->y = (int)(draws_ub(d, STREAM_PLACE, epoch) * (height - r->height + 1));
        return;
    }
    take_middle(r, width, height);
}

/* The k-th of the six orders, by the first and then the smaller of the rest. */
static void draw_order(struct robust *r, int k)
{
    int first = k / 2, a = first == 0, b = first == 2 ? 1 : 2;

    r->order[0] = (enum robust_jitter)first;
    r->order[1] = (enum robust_jitter)(k % 2 == 0 ? a : b);
    r->order[2] = (enum robust_jitter)(k % 2 == 0 ? b : a);
}

void robust_draw(struct robust *r, const struct draws *d, uint64_t epoch, int width,
                 int height)
{
    double alpha[3];

    draw_place(r, d, epoch, width, height);
    r->mirror = draws_ua(d, STREAM_MIRROR, epoch) < .5;
    for (uint32_t k = 0; k < ROBUST_JITTERS; k++)
        r->factor[k] =
            (float)draws_uniform(d, STREAM_FACTOR + k, epoch, 1 - jitter, 1 + jitter);
    draw_order(r, (int)draws_below(d, STREAM_ORDER, epoch, 6));
    for (uint32_t k = 0; k < 3; k++)
        alpha[k] = light_deviation * draws_normal(d, STREAM_LIGHT + k, epoch);
    for (int c = 0; c < 3; c++) {
        double sum = 0;

        for (int k = 0; k < 3; k++)
            sum += eigenvector[c][k] * alpha[k] * eigenvalue[k];
        r->light[c] = (float)sum;
    }
}

/* Pillow's "L" of an RGB pixel (Convert.c, since 7.0). */
static int luminance(const uint8_t *p)
{
    return (p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16;
}

/* Pillow's blend (Blend.c): from plain to v and, with a factor above 1, beyond it. */
static uint8_t blend(int plain, int v, float factor)
{
    float x = (float)plain + factor * (float)(v - plain);

    return (uint8_t)(x <= 0 ? 0 : x >= 255 ? 255 : x);
}

/* Pillow's mean of "L", as ImageEnhance.Contrast rounds it. */
static int mean_luminance(const struct image *im)
{
    size_t n = (size_t)im->width * (size_t)im->height;
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)luminance(im->pixel + 3 * i);
    return (int)((double)sum / (double)n + .5);
}

static void jitter_by(struct image *im, enum robust_jitter which, float factor)
{
    size_t n = (size_t)im->width * (size_t)im->height;
    int mean = which == ROBUST_CONTRAST ? mean_luminance(im) : 0;

    for (size_t i = 0; i < n; i++) {
        uint8_t *p = im->pixel + 3 * i;
        int plain = which == ROBUST_SATURATION ? luminance(p) : mean;

        for (int c = 0; c < 3; c++)
            p[c] = blend(plain, p[c], factor);
    }
}

static void to_floats(const struct robust *r, const struct image *im, float *to)
{
    size_t row = (size_t)im->width * 3;

    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++) {
            int from = r->mirror ? im->width - 1 - x : x;
            const uint8_t *p = im->pixel + (size_t)y * row + 3 * (size_t)from;

            for (int c = 0; c < 3; c++)
                *to++ = (float)p[c] / 255.0f + r->light[c];
        }
}

void robust_apply(const struct robust *r, const struct image *rgb, int side, float *to)
{
    struct image part, im;

    assert(rgb->channels == 3);
    image_crop(&part, rgb, r->x, r->y, r->width, r->height);
    image_resize(&im, &part, side, side);
    image_release(&part);
    for (int k = 0; k < ROBUST_JITTERS; k++)
        jitter_by(&im, r->order[k], r->factor[r->order[k]]);
    to_floats(r, &im, to);
    image_release(&im);
}
