#include "distort/weather.h"

#include <math.h>
#include <string.h>

#include "distort/enlarge.h"
#include "distort/plane.h"
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

    for (size_t i = 0; i < n; i++)
        v[i] = c->mean + c->deviation * draws_normal(job->d, 0, i);
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
    struct image f;

    if (job->frost == NULL)
        return error_set(err, E_INPUT, "frost needs its pictures, the input frost");
    enlarge(&f, &job->frost[which], shrink[job->scale]);
    if (f.width <= side || f.height <= side) {
        image_release(&f);
        return error_set(err, E_INPUT,
                         "frost picture %d is too small for pictures of %d pixels",
                         which + 1, side);
    }
    top = (int)draws_below(job->d, 0, 1, (uint64_t)(f.height - side));
    left = (int)draws_below(job->d, 0, 2, (uint64_t)(f.width - side));
    for (int y = 0; y < side; y++)
        for (int i = 0; i < 3 * side; i++) {
            double v =
                CONSTANT(constant, job).picture * job->from->pixel[3 * y * side + i] +
                CONSTANT(constant, job).frost *
                    f.pixel[3 * ((top + y) * f.width + left) + i];

            job->to[3 * y * side + i] = (uint8_t)(v > 255 ? 255 : v);
        }
    image_release(&f);
    return 0;
}

/* ---- fog ---- */

/* A map of heights by the diamond-square algorithm on a torus. */
struct heights {
    const struct draws *d;
    int side;
    double *v, amplitude;
    uint64_t drawn;
};

/* Rows and columns may be -1 or the side: they wrap. */
static double *height(const struct heights *h, int row, int column)
{
    return &h->v[(row & (h->side - 1)) * h->side + (column & (h->side - 1))];
}

static double wobble(struct heights *h, double sum)
{
    double u = draws_uniform(h->d, 0, h->drawn++, -h->amplitude, h->amplitude);

    return sum / 4 + h->amplitude * u;
}

/* One round: the centres of all squares, then the middles of their sides; corners are
 * `step` apart. Sums are grouped as the original groups them. */
static void raise_round(struct heights *h, int step)
{
    int half = step / 2;

    for (int r = 0; r < h->side; r += step)
        for (int c = 0; c < h->side; c += step) {
            double sum = *height(h, r, c) + *height(h, r + step, c);

            sum += *height(h, r, c + step) + *height(h, r + step, c + step);
            *height(h, r + half, c + half) = wobble(h, sum);
        }
    for (int r = 0; r < h->side; r += step)
        for (int c = 0; c < h->side; c += step) {
            double sum = *height(h, r + half, c + half) + *height(h, r - half, c + half);

            sum += *height(h, r, c) + *height(h, r, c + step);
            *height(h, r, c + half) = wobble(h, sum);
        }
    for (int r = 0; r < h->side; r += step)
        for (int c = 0; c < h->side; c += step) {
            double sum = *height(h, r + half, c + half) + *height(h, r + half, c - half);

            sum += *height(h, r, c) + *height(h, r + step, c);
            *height(h, r + half, c) = wobble(h, sum);
        }
}

static void raise_heights(struct heights *h, double decay)
{
    int n = h->side * h->side;
    double low, high;

    for (int step = h->side; step >= 2; step /= 2) {
        raise_round(h, step);
        h->amplitude /= decay;
    }
    low = high = h->v[0];
    for (int i = 0; i < n; i++)
        low = h->v[i] < low ? h->v[i] : low;
    for (int i = 0; i < n; i++) {
        h->v[i] -= low;
        high = i == 0 || h->v[i] > high ? h->v[i] : high;
    }
    for (int i = 0; i < n; i++)
        h->v[i] /= high;
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
    double amount = CONSTANT(constant, job).amount, most = 0;
    int side = job->side;

    (void)err;
    h.v = xcalloc((size_t)(h.side * h.side), sizeof *h.v);
    raise_heights(&h, CONSTANT(constant, job).decay);
    for (size_t e = 0; e < image_bytes(job->from); e++)
        most = job->from->pixel[e] > most ? job->from->pixel[e] : most;
    most /= 255;
    for (int y = 0; y < side; y++)
        for (int i = 0; i < 3 * side; i++) {
            double x = job->from->pixel[3 * y * side + i] / 255.;

            x += amount * h.v[y * h.side + i / 3];
            job->to[3 * y * side + i] = byte_of(x * most / (most + amount));
        }
    free(h.v);
    return 0;
}
