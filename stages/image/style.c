#include "image/style.h"

#include <assert.h>

#include "larder/mem.h"

#include "larder/banned.h"

const struct style_constants style_defaults = {
    .relief_low = .10,
    .relief_high = .16,
    .tint = .10,
    .turns = { .fine = 1.2, .angle = 20, .scale_low = .8, .scale_high = 1.25 },
};

static const struct material material[STYLES] = {
    { "ground1", 1.1 }, { "fibers", 1.0 },   { "ice", 1.0 },
    { "java", 1.0 },    { "burlwood", 1.4 }, { "blueweb", 1.0 },
};

/* The streams of a picture's draws, and the indices in the second. */
enum { MATERIAL, TONES };
enum { TONE_RELIEF, TONE_TINT /* and two more: red, green, blue */ };

int styles_open(struct styles *s, const struct style_constants *constants,
                const struct manifest *patterns, struct error *err)
{
    int rc = 0;

    *s = (struct styles){ .constants = *constants };
    for (int i = 0; i < STYLES && rc == 0; i++)
        rc = material_open(&s->pattern[i], &material[i], patterns, err);
    if (rc < 0)
        styles_close(s);
    return rc;
}

void styles_close(struct styles *s)
{
    for (int i = 0; i < STYLES; i++)
        pattern_release(&s->pattern[i]);
}

/* Sum of five values, from stride to stride, weighted 1 4 6 4 1 of 16; those outside
 * 0..n-1 are the nearest inside. */
static double binomial(const double *v, int i, int n, int stride)
{
    static const double weight[5] = { 1, 4, 6, 4, 1 };
    double sum = 0;

    for (int k = -2; k <= 2; k++) {
        int at = i + k < 0 ? 0 : i + k >= n ? n - 1 : i + k;

        sum += weight[k + 2] * v[at * stride];
    }
    return sum / 16;
}

/* Rows, then columns. */
static void soften(double *v, double *room, int width, int height)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            room[y * width + x] = binomial(v + y * width, x, width, 1);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            v[y * width + x] = binomial(room + x, y, height, width);
}

/* One channel without what is fine in it, 0 to 1. */
static void coarse(const struct image *im, int channel, double *v, double *room)
{
    for (int i = 0; i < im->width * im->height; i++)
        v[i] = im->pixel[3 * i + channel] / 255.0;
    for (int pass = 0; pass < 2; pass++)
        soften(v, room, im->width, im->height);
}

static uint8_t to_byte(double x)
{
    return (uint8_t)(255 * (x < 0 ? 0 : x > 1 ? 1 : x) + .5);
}

/* The relief of a drawn material at each pixel. */
static void draw_relief(const struct styles *s, const struct draws *d,
                        const struct image *im, double *relief)
{
    const struct style_constants *c = &s->constants;
    int which = (int)draws_below(d, MATERIAL, MATERIAL_WHICH, STYLES);
    const struct pattern *p = &s->pattern[which];
    struct view v = material_view(&material[which], p, &c->turns, d, MATERIAL);
    double a = draws_uniform(d, TONES, TONE_RELIEF, c->relief_low, c->relief_high);

    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++) {
            double sx, sy;

            view_at(&v, x - (im->width - 1) / 2.0, y - (im->height - 1) / 2.0, &sx, &sy);
            relief[y * im->width + x] = a * pattern_at(p, sx, sy);
        }
}

void style_swap(const struct styles *s, const struct draws *draws,
                const struct image *from, struct image *to)
{
    int n = from->width * from->height;
    double *relief = xcalloc((size_t)n * 3, sizeof *relief);
    double *v = relief + n, *room = v + n;

    assert(from->channels == 3);
    image_init(to, from->width, from->height, 3);
    draw_relief(s, draws, from, relief);
    for (int c = 0; c < 3; c++) {
        double tint = draws_uniform(draws, TONES, (uint64_t)(TONE_TINT + c),
                                    -s->constants.tint, s->constants.tint);

        coarse(from, c, v, room);
        for (int i = 0; i < n; i++)
            to->pixel[3 * i + c] = to_byte(v[i] + relief[i] + tint);
    }
    free(relief);
}
