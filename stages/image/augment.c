#include "image/augment.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/mem.h"

enum { STREAM_MIRROR, STREAM_SIDES, STREAM_PLACE };

/* Where the decimal number after the last "-" begins, or NULL. */
static const char *number_at_end(const char *name)
{
    const char *dash = strrchr(name, '-');
    const char *p;

    if (!dash || dash == name || !dash[1])
        return NULL;
    for (p = dash + 1; *p; p++)
        if (!isdigit((unsigned char)*p))
            return NULL;
    return dash + 1;
}

void augment_draws(struct draws *d, const char *name, uint64_t seed)
{
    const char *number = number_at_end(name);
    struct buf item = { 0 };

    if (number) {
        buf_add(&item, name, (size_t)(number - 1 - name));
        while (*number == '0' && number[1])
            number++;
        buf_printf(&item, "/%s", number);
    } else {
        buf_adds(&item, name);
    }
    draws_init(d, "train", "", buf_str(&item), seed);
    buf_release(&item);
}

void augment_crop(struct crop *c, const struct augment *a, const struct draws *d,
                  uint64_t epoch, int width, int height)
{
    double area, stretch, w, h;

    area = a->area + (1 - a->area) * draws_ua(d, STREAM_SIDES, epoch);
    stretch = exp((-a->aspect + 2 * a->aspect * draws_ub(d, STREAM_SIDES, epoch)) / 2);
    w = sqrt(area) * stretch;
    h = sqrt(area) / stretch;
    c->width = width * (w < 1 ? w : 1);
    c->height = height * (h < 1 ? h : 1);
    c->x = (width - c->width) * draws_ua(d, STREAM_PLACE, epoch);
    c->y = (height - c->height) * draws_ub(d, STREAM_PLACE, epoch);
    c->mirror = a->mirror && draws_ua(d, STREAM_MIRROR, epoch) < .5;
}

void sampler_init(struct sampler *s, int width, int height, int channels)
{
    size_t n = (size_t)width;

    *s = (struct sampler){ .width = width, .height = height, .channels = channels };
    s->left = xcalloc(n, sizeof *s->left);
    s->right = xcalloc(n, sizeof *s->right);
    s->part = xcalloc(n, sizeof *s->part);
    s->row = xcalloc(n * (size_t)channels, sizeof *s->row);
}

void sampler_release(struct sampler *s)
{
    free(s->left);
    free(s->right);
    free(s->part);
    free(s->row);
    *s = (struct sampler){ 0 };
}

static int clamp(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* Output position i of n reads between source pixels *a and *b; returns the weight of *b.
 */
static float source(double start, double length, int i, int n, int *a, int *b)
{
    double at = start + (i + .5) * length / n - .5;
    double low = floor(at);

    *a = clamp((int)low, n);
    *b = clamp((int)low + 1, n);
    return (float)(at - low);
}

/* row = a + (b - a) * part, n values. */
static void blend_rows(float *restrict row, const uint8_t *restrict a,
                       const uint8_t *restrict b, float part, int n)
{
    for (int i = 0; i < n; i++) {
        float low = (float)a[i];

        row[i] = low + ((float)b[i] - low) * part;
    }
}

/* C is s->channels; where it is a constant the inner loop is laid out flat. */
static inline void sample_columns(const struct sampler *s, int C, float *restrict to)
{
    const float *restrict row = s->row;
    const float scale = 1.0f / 255.0f;

    for (int x = 0; x < s->width; x++) {
        const float *a = row + s->left[x], *b = row + s->right[x];
        float part = s->part[x];

        for (int k = 0; k < C; k++)
            to[x * C + k] = (a[k] + (b[k] - a[k]) * part) * scale;
    }
}

void sampler_run(struct sampler *s, const struct crop *c, const struct image *im,
                 float *to)
{
    int C = s->channels, n = s->width * C;

    assert(im->width == s->width && im->height == s->height && im->channels == C);
    for (int x = 0; x < s->width; x++) {
        int from = c->mirror ? s->width - 1 - x : x;

        s->part[x] = source(c->x, c->width, from, s->width, &s->left[x], &s->right[x]);
        s->left[x] *= C;
        s->right[x] *= C;
    }
    for (int y = 0; y < s->height; y++) {
        int a, b;
        float part = source(c->y, c->height, y, s->height, &a, &b);

        blend_rows(s->row, im->pixel + (size_t)a * n, im->pixel + (size_t)b * n, part, n);
        if (C == 3)
            sample_columns(s, 3, to + (size_t)y * n);
        else
            sample_columns(s, C, to + (size_t)y * n);
    }
}
