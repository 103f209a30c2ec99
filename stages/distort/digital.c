#include "distort/digital.h"

#include <math.h>
#include <string.h>

#include "image/jpeg.h"
#include "image/resize.h"

#include "larder/banned.h"

/* ---- brightness, by scikit-image's HSV ---- */

struct hsv {
    double h, s, v;
};

static struct hsv to_hsv(const double *rgb)
{
    double r = rgb[0], g = rgb[1], b = rgb[2];
    double most = fmax(r, fmax(g, b)), delta = most - fmin(r, fmin(g, b));
    struct hsv o = { 0, 0, most };

    if (delta == 0)
        return o;
    o.s = delta / most;
    if (r == most)
        o.h = (g - b) / delta;
    if (g == most)
        o.h = 2 + (b - r) / delta;
    if (b == most)
        o.h = 4 + (r - g) / delta;
    o.h = fmod(o.h / 6, 1);
    if (o.h < 0)
        o.h += 1;
    return o;
}

static void to_rgb(const struct hsv *c, double *rgb)
{
    double sector = floor(c->h * 6), f = c->h * 6 - sector, v = c->v;
    double p = v * (1 - c->s), q = v * (1 - f * c->s), t = v * (1 - (1 - f) * c->s);
    const double table[6][3] = { { v, t, p }, { q, v, p }, { p, v, t },
                                 { p, q, v }, { t, p, v }, { v, p, q } };

    memcpy(rgb, table[(int)sector % 6], sizeof table[0]);
}

int brightness(const struct job *job, struct error *err)
{
    static const double more[SCALES][CORRUPT_SEVERITIES] = { { .1, .2, .3, .4, .5 },
                                                             { .1, .2, .3, .4, .5 },
                                                             { .05, .1, .15, .2, .3 } };

    (void)err;
    for (int i = 0; i < job->side * job->side; i++) {
        double rgb[3];
        struct hsv c;

        for (int k = 0; k < 3; k++)
            rgb[k] = job->from->pixel[3 * i + k] / 255.;
        c = to_hsv(rgb);
        c.v = fmin(fmax(c.v + CONSTANT(more, job), 0), 1);
        to_rgb(&c, rgb);
        for (int k = 0; k < 3; k++)
            job->to[3 * i + k] = byte_of(rgb[k]);
    }
    return 0;
}

/* ---- contrast ---- */

enum { LEVELS = 256 };

int contrast(const struct job *job, struct error *err)
{
    static const double factor[SCALES][CORRUPT_SEVERITIES] = { { .4, .3, .2, .1, .05 },
                                                               { .4, .3, .2, .1, .05 },
                                                               { .75, .5, .4, .3, .15 } };
    size_t n = image_bytes(job->from);
    double level[LEVELS], mean[3] = { 0 };
    uint8_t flat[3][LEVELS];

    (void)err;
    for (int v = 0; v < LEVELS; v++)
        level[v] = v / 255.;
    for (size_t e = 0; e < n; e += 3)
        for (int c = 0; c < 3; c++)
            mean[c] += level[job->from->pixel[e + c]];
    for (int c = 0; c < 3; c++) {
        mean[c] /= (double)(n / 3);
        for (int v = 0; v < LEVELS; v++)
            flat[c][v] = byte_of((level[v] - mean[c]) * CONSTANT(factor, job) + mean[c]);
    }
    for (size_t e = 0; e < n; e += 3)
        for (int c = 0; c < 3; c++)
            job->to[e + c] = flat[c][job->from->pixel[e + c]];
    return 0;
}

/* ---- pixelate, jpeg ---- */

int pixelate(const struct job *job, struct error *err)
{
    static const double part[SCALES][CORRUPT_SEVERITIES] = { { .6, .5, .4, .3, .25 },
                                                             { .9, .8, .7, .6, .5 },
                                                             { .95, .9, .85, .75, .65 } };
    int side = (int)(job->side * CONSTANT(part, job));
    struct image small, back;

    (void)err;
    image_resize_box(&small, job->from, side, side);
    image_resize_box(&back, &small, job->side, job->side);
    memcpy(job->to, back.pixel, image_bytes(&back));
    image_release(&back);
    image_release(&small);
    return 0;
}

int jpeg_compression(const struct job *job, struct error *err)
{
    static const int quality[SCALES][CORRUPT_SEVERITIES] = { { 25, 18, 15, 10, 7 },
                                                             { 65, 58, 50, 40, 25 },
                                                             { 80, 65, 58, 50, 40 } };
    struct image out;
    int rc = image_through_jpeg(&out, job->from, CONSTANT(quality, job), false, err);

    if (rc < 0)
        return rc;
    memcpy(job->to, out.pixel, image_bytes(&out));
    image_release(&out);
    return 0;
}
