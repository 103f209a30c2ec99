#include "image/world.h"

#include <math.h>
#include <stdbool.h>

#include "image/material.h"

#include "larder/banned.h"

const struct world_constants world_defaults = {
    .angle = 75,
    .scale_low = 0.95,
    .scale_high = 1.25,
    .shift = 0.1,
    .fine = 1.2,
    .texture_angle = 20,
    .texture_scale_low = 0.8,
    .texture_scale_high = 1.25,
    .contrast_low = 0.05,
    .contrast_high = 0.35,
    .middle = 0.06,
    .tint = 0.08,
    .relief_low = 0.07,
    .relief_high = 0.12,
    .gain = 0.2,
    .shading = 0.12,
    .ramp = 0.08,
    .clutter_low = 0.02,
    .clutter_high = 0.05,
};

static const struct material texture_material[WORLD_CLASSES] = {
    { "leopard", 1.6 },  { "wood3", 1.3 },       { "parque3", 1.2 }, { "leaves", 1.4 },
    { "bark", 1.0 },     { "pool", 1.0 },        { "terra", 1.7 },   { "leather", 1.0 },
    { "recessed", 1.5 }, { "pink_marble", 2.4 },
};
static const struct material clutter_material[WORLD_CLUTTERS] = {
    { "slate", 1.0 },   { "sky", 1.7 },   { "walnut", 1.5 },
    { "Craters", 1.8 }, { "paper", 1.0 }, { "wood1", 1.0 },
};

/* The streams of a picture's draws. */
enum { POSE, TEXTURE, CLUTTER, TONES };
/* The indices within them. */
enum { POSE_ANGLE, POSE_SCALE, POSE_MIRROR, POSE_SHIFT_X, POSE_SHIFT_Y };
enum {
    TONE_CONTRAST,
    TONE_POLARITY,
    TONE_MIDDLE,
    TONE_OBJECT, /* and two more: red, green, blue */
    TONE_BACKGROUND = TONE_OBJECT + 3,
    TONE_RELIEF = TONE_BACKGROUND + 3,
    TONE_GAIN,
    TONE_RAMP = TONE_GAIN + 3,
    TONE_RAMP_ANGLE,
    TONE_CLUTTER,
};

enum { MASK_ABOVE = 8 }; /* a byte of a garment above this is cloth */

int world_open(struct world *w, const struct world_constants *constants,
               const struct manifest *patterns, struct error *err)
{
    int rc = tsv_column(&patterns->tsv, "pattern", err);

    *w = (struct world){ .constants = *constants };
    for (int i = 0; i < WORLD_CLASSES && rc >= 0; i++)
        rc = material_open(&w->texture[i], &texture_material[i], patterns, err);
    for (int i = 0; i < WORLD_CLUTTERS && rc >= 0; i++)
        rc = material_open(&w->clutter[i], &clutter_material[i], patterns, err);
    if (rc < 0)
        world_close(w);
    return rc < 0 ? rc : 0;
}

void world_close(struct world *w)
{
    for (int i = 0; i < WORLD_CLASSES; i++)
        pattern_release(&w->texture[i]);
    for (int i = 0; i < WORLD_CLUTTERS; i++)
        pattern_release(&w->clutter[i]);
}

static double around(const struct draws *d, uint32_t stream, uint64_t index, double half)
{
    return draws_uniform(d, stream, index, -half, half);
}

static bool heads(const struct draws *d, uint32_t stream, uint64_t index)
{
    return draws_ua(d, stream, index) < 0.5;
}

static double clamp01(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static uint8_t to_byte(double x)
{
    return (uint8_t)(255 * clamp01(x) + 0.5);
}

/* view_at() of a pixel of a picture. */
static void look(const struct view *v, int x, int y, double *sx, double *sy)
{
    view_at(v, x - (WORLD_SIDE - 1) / 2.0, y - (WORLD_SIDE - 1) / 2.0, sx, sy);
}

static struct view view_of_garment(const struct world_constants *c, const struct draws *d)
{
    double half = WORLD_GARMENT_SIDE / 2.0;
    struct view v = {
        .step = 1 / draws_uniform(d, POSE, POSE_SCALE, c->scale_low, c->scale_high),
        .mirror = heads(d, POSE, POSE_MIRROR),
        .x0 = half - 0.5 + half * around(d, POSE, POSE_SHIFT_X, c->shift),
        .y0 = half - 0.5 + half * around(d, POSE, POSE_SHIFT_Y, c->shift),
    };

    view_turn(&v, around(d, POSE, POSE_ANGLE, c->angle));
    return v;
}

static struct view view_of_pattern(const struct world_constants *c, const struct draws *d,
                                   uint32_t stream, const struct pattern *p,
                                   const struct material *m)
{
    const struct material_turns turns = { .fine = c->fine,
                                          .angle = c->texture_angle,
                                          .scale_low = c->texture_scale_low,
                                          .scale_high = c->texture_scale_high };

    return material_view(m, p, &turns, d, stream);
}

/* A garment in its pose: m is the mask, 0 to 1; g the grey, 0 to 1, less its mean over m.
 */
struct object {
    double m[WORLD_SIDE][WORLD_SIDE], g[WORLD_SIDE][WORLD_SIDE];
};

/* The byte at a place, 0 outside. */
static int garment_byte(const uint8_t *garment, int x, int y)
{
    if (x < 0 || x >= WORLD_GARMENT_SIDE || y < 0 || y >= WORLD_GARMENT_SIDE)
        return 0;
    return garment[y * WORLD_GARMENT_SIDE + x];
}

/* Bilinear samples of the grey and of the hard mask at one point. */
static void sample_garment(const uint8_t *garment, double sx, double sy, double *grey,
                           double *mask)
{
    double left = floor(sx), top = floor(sy), fx = sx - left, fy = sy - top;
    int x = (int)left, y = (int)top;
    const int corner[4] = {
        garment_byte(garment, x, y),
        garment_byte(garment, x + 1, y),
        garment_byte(garment, x, y + 1),
        garment_byte(garment, x + 1, y + 1),
    };
    double inside[4];

    for (int i = 0; i < 4; i++)
        inside[i] = corner[i] > MASK_ABOVE ? 1 : 0;
    *grey = ((corner[0] * (1 - fx) + corner[1] * fx) * (1 - fy) +
             (corner[2] * (1 - fx) + corner[3] * fx) * fy) /
            255;
    *mask = (inside[0] * (1 - fx) + inside[1] * fx) * (1 - fy) +
            (inside[2] * (1 - fx) + inside[3] * fx) * fy;
}

static void pose_object(struct object *o, const struct world_constants *c,
                        const uint8_t *garment, const struct draws *d)
{
    struct view v = view_of_garment(c, d);
    double sum = 0, area = 0, sx, sy, mask;

    for (int y = 0; y < WORLD_SIDE; y++) {
        for (int x = 0; x < WORLD_SIDE; x++) {
            look(&v, x, y, &sx, &sy);
            sample_garment(garment, sx, sy, &o->g[y][x], &mask);
            o->m[y][x] = clamp01(2 * mask - 0.5);
            sum += o->m[y][x] * o->g[y][x];
            area += o->m[y][x];
        }
    }
    for (int y = 0; y < WORLD_SIDE; y++)
        for (int x = 0; x < WORLD_SIDE; x++)
            o->g[y][x] -= area > 0 ? sum / area : 0;
}

/* What does not change within a picture. */
struct tones {
    double object[3], background[3]; /* levels of red, green, blue */
    double relief[3], clutter;       /* how far textures reach */
    double ramp_x, ramp_y;           /* change of the background over half the picture */
};

static struct tones draw_tones(const struct world_constants *c, const struct draws *d)
{
    double contrast =
        draws_uniform(d, TONES, TONE_CONTRAST, c->contrast_low, c->contrast_high);
    double half = (heads(d, TONES, TONE_POLARITY) ? contrast : -contrast) / 2;
    double middle = 0.5 + around(d, TONES, TONE_MIDDLE, c->middle);
    double relief = draws_uniform(d, TONES, TONE_RELIEF, c->relief_low, c->relief_high);
    double ramp = draws_uniform(d, TONES, TONE_RAMP, 0, c->ramp);
    double direction = draws_uniform(d, TONES, TONE_RAMP_ANGLE, 0, 2 * M_PI);
    struct tones t = {
        .clutter = draws_uniform(d, TONES, TONE_CLUTTER, c->clutter_low, c->clutter_high),
        .ramp_x = ramp * cos(direction),
        .ramp_y = ramp * sin(direction),
    };

    for (int k = 0; k < 3; k++) {
        t.object[k] = middle + half + around(d, TONES, TONE_OBJECT + k, c->tint);
        t.background[k] = middle - half + around(d, TONES, TONE_BACKGROUND + k, c->tint);
        t.relief[k] =
            relief * draws_uniform(d, TONES, TONE_GAIN + k, 1 - c->gain, 1 + c->gain);
    }
    return t;
}

struct world_scene world_scene(const struct world *w, const struct draws *draws)
{
    struct tones t = draw_tones(&w->constants, draws);
    struct world_scene s = { .ramp = hypot(t.ramp_x, t.ramp_y) };

    s.clutter = (int)draws_below(draws, CLUTTER, MATERIAL_WHICH, WORLD_CLUTTERS);
    for (int k = 0; k < 3; k++)
        s.background[k] = t.background[k];
    return s;
}

void world_paint(const struct world *w, const uint8_t *garment, int texture,
                 const struct draws *draws, struct image *picture, struct image *mask)
{
    const struct world_constants *c = &w->constants;
    int which = (int)draws_below(draws, CLUTTER, MATERIAL_WHICH, WORLD_CLUTTERS);
    const struct pattern *front = &w->texture[texture], *back = &w->clutter[which];
    struct view on_front =
        view_of_pattern(c, draws, TEXTURE, front, &texture_material[texture]);
    struct view on_back =
        view_of_pattern(c, draws, CLUTTER, back, &clutter_material[which]);
    struct tones t = draw_tones(c, draws);
    struct object o;
    double half = WORLD_SIDE / 2.0, sx, sy;

    pose_object(&o, c, garment, draws);
    for (int y = 0; y < WORLD_SIDE; y++) {
        for (int x = 0; x < WORLD_SIDE; x++) {
            uint8_t *pixel = picture->pixel + 3 * (y * WORLD_SIDE + x);
            double m = o.m[y][x], relief, behind;

            look(&on_front, x, y, &sx, &sy);
            relief = pattern_at(front, sx, sy);
            look(&on_back, x, y, &sx, &sy);
            behind = t.ramp_x * ((x + 0.5 - half) / half) +
                     t.ramp_y * ((y + 0.5 - half) / half) +
                     t.clutter * pattern_at(back, sx, sy);
            for (int k = 0; k < 3; k++) {
                double object =
                    t.object[k] + t.relief[k] * relief + c->shading * o.g[y][x];

                pixel[k] = to_byte(m * object + (1 - m) * (t.background[k] + behind));
            }
            mask->pixel[y * WORLD_SIDE + x] = to_byte(m);
        }
    }
}
