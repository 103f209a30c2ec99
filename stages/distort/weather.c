#include "distort/weather.h"

#include <math.h>
#include <string.h>

#include "distort/drawn.h"
#include "distort/enlarge.h"
#include "distort/plane.h"
#include "distort/simd.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* ---- snow ---- */

struct snow_constants {
    double mean, deviation, zoom, least, radius, sigma, mix;
};

static const struct snow_constants snow_constant[SCALES][CORRUPT_SEVERITIES] = {
    { { .1, .3, 3, .5, 10, 4, .8 },
      { .2, .3, 2, .5, 12, 4, .7 },
      { .55, .3, 4, .9, 12, 8, .7 },
      { .55, .3, 4.5, .85, 12, 8, .65 },
      { .55, .3, 2.5, .85, 12, 12, .55 } },
    { { .1, .2, 1, .6, 8, 3, .8 },
      { .1, .2, 1, .5, 10, 4, .8 },
      { .15, .3, 1.75, .55, 10, 4, .7 },
      { .25, .3, 2.25, .6, 12, 6, .65 },
      { .3, .3, 1.25, .65, 14, 12, .6 } },
    { { .1, .2, 1, .6, 8, 3, .95 },
      { .1, .2, 1, .5, 10, 4, .9 },
      { .15, .3, 1.75, .55, 10, 4, .9 },
      { .25, .3, 2.25, .6, 12, 6, .85 },
      { .3, .3, 1.25, .65, 14, 12, .8 } },
};

/* Flakes, driven by the wind: one byte a pixel. */
static void draw_flakes(const struct job *job, const struct snow_constants *c,
                        uint8_t *flakes)
{
    int side = job->side;
    size_t n = (size_t)(side * side);
    double *v = xcalloc(n, sizeof *v);
    uint8_t *still = xmalloc(n);
    struct zoom z;

    drawn_normal(job->d, 0, 0, n, v);
    for (size_t i = 0; i < n; i++)
        v[i] = c->mean + c->deviation * v[i];
    zoom_open(&z, side, c->zoom);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double flake = zoom_at_double(&z, v, side, y, x);

            still[y * side + x] = byte_of(flake < c->least ? 0 : flake);
        }
    zoom_close(&z);
    motion(flakes, still, side, 1, c->radius, c->sigma,
           -135 + 90 * draws_ua(job->d, 1, 0));
    free(still);
    free(v);
}

int snow(const struct job *job, struct error *err)
{
    const struct snow_constants *c = &CONSTANT(snow_constant, job);
    float mix = (float)c->mix, rest = (float)(1 - c->mix);
    int n = job->side * job->side;
    uint8_t *flakes = xmalloc((size_t)n);

    (void)err;
    draw_flakes(job, c, flakes);
    for (int i = 0; i < n; i++) {
        float x[3], grey, white;

        for (int k = 0; k < 3; k++)
            x[k] = (float)job->from->pixel[3 * i + k] / 255.0f;
        /* cv2.cvtColor with fused multiply-adds, as OpenCV is built */
        grey = fmaf(x[2], .114f, fmaf(x[1], .587f, x[0] * .299f));
        white = grey * 1.5f + .5f;
        for (int k = 0; k < 3; k++) {
            float base = mix * x[k] + rest * (x[k] > white ? x[k] : white);

            job->to[3 * i + k] =
                byte_of((double)base + flakes[i] / 255. + flakes[n - 1 - i] / 255.);
        }
    }
    free(flakes);
    return 0;
}

/* ---- frost ---- */

DISTORT_CLONES static void add_frost(uint8_t *to, const uint8_t *from,
                                     const uint8_t *frost_row, int n, double a, double b)
{
    for (int i = 0; i < n; i++) {
        double v = a * from[i] + b * frost_row[i];

        to[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

int frost(const struct job *job, struct error *err)
{
    static const struct {
        double picture, frost;
    } constant[SCALES][CORRUPT_SEVERITIES] = {
        { { 1, .4 }, { .8, .6 }, { .7, .7 }, { .65, .7 }, { .6, .75 } },
        { { 1, .3 }, { .9, .4 }, { .8, .45 }, { .75, .5 }, { .7, .55 } },
        { { 1, .2 }, { 1, .3 }, { .9, .4 }, { .85, .4 }, { .75, .45 } },
    };
    static const double shrink[SCALES] = { 1, .3, .2 };
    int which = (int)draws_below(job->d, 0, 0, CORRUPT_FROSTS), side = job->side;
    int top, left;
    struct image shrunk = { 0 };
    const struct image *f;

    if (job->frost == NULL)
        return error_set(err, E_INPUT, "frost needs its pictures, the input frost");
    if (shrink[job->scale] < 1)
        enlarge(&shrunk, &job->frost[which], shrink[job->scale]);
    f = shrunk.pixel != NULL ? &shrunk : &job->frost[which];
    if (f->width <= side || f->height <= side) {
        image_release(&shrunk);
        return error_set(err, E_INPUT,
                         "frost picture %d is too small for pictures of %d pixels",
                         which + 1, side);
    }
    top = (int)draws_below(job->d, 0, 1, (uint64_t)(f->height - side));
    left = (int)draws_below(job->d, 0, 2, (uint64_t)(f->width - side));
    for (int y = 0; y < side; y++)
        add_frost(job->to + 3 * y * side, job->from->pixel + 3 * y * side,
                  f->pixel + 3 * ((top + y) * f->width + left), 3 * side,
                  CONSTANT(constant, job).picture, CONSTANT(constant, job).frost);
    image_release(&shrunk);
    return 0;
}

/* ---- fog ---- */

/* A map of heights by the diamond-square algorithm on a torus. */
struct heights {
    const struct draws *d;
    int side;
    double *v, *u, amplitude; /* u: the draws of a third of a round */
    uint64_t drawn;
};

/* It may be -1 or the side: rows wrap, and so do columns. */
static double *row_of(const struct heights *h, int row)
{
    return h->v + (row & (h->side - 1)) * h->side;
}

static const double *draw_wobbles(struct heights *h, int step)
{
    size_t n = (size_t)(h->side / step) * (size_t)(h->side / step);

    drawn_ua(h->d, 0, h->drawn, n, h->u);
    h->drawn += n;
    return h->u;
}

static double wobble(double sum, double amplitude, double u)
{
    return sum / 4 + amplitude * (-amplitude + (amplitude - -amplitude) * u);
}

/* The centres of all squares; corners are `step` apart. Here and below sums are grouped
 * as the original groups them. */
static void raise_centres(struct heights *h, int step)
{
    const double *u = draw_wobbles(h, step);
    int half = step / 2, last = h->side - 1;

    for (int r = 0; r < h->side; r += step) {
        const double *a = row_of(h, r), *b = row_of(h, r + step);
        double *to = row_of(h, r + half);

        for (int c = 0; c < h->side; c += step) {
            int next = (c + step) & last;
            double sum = a[c] + b[c];

            sum += a[next] + b[next];
            to[c + half] = wobble(sum, h->amplitude, *u++);
        }
    }
}

/* The middles of their upper sides, */
static void raise_tops(struct heights *h, int step)
{
    const double *u = draw_wobbles(h, step);
    int half = step / 2, last = h->side - 1;

    for (int r = 0; r < h->side; r += step) {
        const double *below = row_of(h, r + half) + half;
        const double *above = row_of(h, r - half) + half;
        double *to = row_of(h, r);

        for (int c = 0; c < h->side; c += step) {
            double sum = below[c] + above[c];

            sum += to[c] + to[(c + step) & last];
            to[c + half] = wobble(sum, h->amplitude, *u++);
        }
    }
}

/* and of their left ones. */
static void raise_lefts(struct heights *h, int step)
{
    const double *u = draw_wobbles(h, step);
    int half = step / 2, last = h->side - 1;

    for (int r = 0; r < h->side; r += step) {
        const double *a = row_of(h, r), *b = row_of(h, r + step);
        double *to = row_of(h, r + half);

        for (int c = 0; c < h->side; c += step) {
            double sum = to[c + half] + to[(c - half) & last];

            sum += a[c] + b[c];
            to[c] = wobble(sum, h->amplitude, *u++);
        }
    }
}

static void raise_heights(struct heights *h, double decay)
{
    for (int step = h->side; step >= 2; step /= 2) {
        raise_centres(h, step);
        raise_tops(h, step);
        raise_lefts(h, step);
        h->amplitude /= decay;
    }
}

enum { APART = 8 }; /* extremes looked for at a time */

/* n: a multiple of APART */
DISTORT_CLONES static void find_extremes(const double *v, int n, double *low,
                                         double *high)
{
    double least[APART], most[APART];

    memcpy(least, v, sizeof least);
    memcpy(most, v, sizeof most);
    for (int i = APART; i < n; i += APART)
        for (int k = 0; k < APART; k++) {
            least[k] = v[i + k] < least[k] ? v[i + k] : least[k];
            most[k] = v[i + k] > most[k] ? v[i + k] : most[k];
        }
    *low = least[0];
    *high = most[0];
    for (int k = 1; k < APART; k++) {
        *low = least[k] < *low ? least[k] : *low;
        *high = most[k] > *high ? most[k] : *high;
    }
}

/* A row of values: light and, between the extremes of the heights, 0 to amount of fog. */
static void add_fog(double *to, const uint8_t *from, const double *level, const double *v,
                    int n, double low, double high, double amount)
{
    for (int i = 0; i < n; i++) {
        double thick = amount * ((v[i] - low) / (high - low));

        for (int c = 0; c < 3; c++)
            to[3 * i + c] = level[from[3 * i + c]] + thick;
    }
}

/* So much that the lightest stays. */
DISTORT_CLONES static void darken(uint8_t *to, const double *v, int n, double lightest,
                                  double full)
{
    for (int i = 0; i < n; i++)
        to[i] = byte_of(v[i] * lightest / full);
}

int fog(const struct job *job, struct error *err)
{
    static const struct {
        double amount, decay;
    } constant[SCALES][CORRUPT_SEVERITIES] = {
        { { 1.5, 2 }, { 2, 2 }, { 2.5, 1.7 }, { 2.5, 1.5 }, { 3, 1.4 } },
        { { .4, 3 }, { .7, 3 }, { 1, 2.5 }, { 1.5, 2 }, { 2, 1.75 } },
        { { .2, 3 }, { .5, 3 }, { .75, 2.5 }, { 1, 2 }, { 1.5, 1.75 } },
    };
    static const int map[SCALES] = { 256, 64, 32 };
    struct heights h = { .d = job->d, .side = map[job->scale], .amplitude = 100 };
    double amount = CONSTANT(constant, job).amount, low, high, level[256], *row;
    int side = job->side, lightest = 0;

    (void)err;
    h.v = xcalloc((size_t)(h.side * h.side), sizeof *h.v);
    h.u = xcalloc((size_t)(h.side * h.side / 4), sizeof *h.u);
    row = xcalloc((size_t)(3 * side), sizeof *row);
    for (int i = 0; i < 256; i++)
        level[i] = i / 255.;
    raise_heights(&h, CONSTANT(constant, job).decay);
    find_extremes(h.v, h.side * h.side, &low, &high);
    for (int e = 0; e < 3 * side * side; e++)
        lightest = job->from->pixel[e] > lightest ? job->from->pixel[e] : lightest;
    for (int y = 0; y < side; y++) {
        add_fog(row, job->from->pixel + 3 * y * side, level, h.v + y * h.side, side, low,
                high, amount);
        darken(job->to + 3 * y * side, row, 3 * side, lightest / 255.,
               lightest / 255. + amount);
    }
    free(row);
    free(h.u);
    free(h.v);
    return 0;
}
