/*
 * world - the mini world: pictures of garments covered with a texture, before clutter.
 *
 * The shape of a picture is a garment of Fashion-MNIST, its texture a photograph from
 * GIMP's patterns; class c has the garment c and the texture c. docs/mini-world.md has
 * the rule in full, with the streams of all draws, so that another program can follow it.
 */
#ifndef IMAGE_WORLD_H
#define IMAGE_WORLD_H

#include "image/image.h"
#include "image/pattern.h"
#include "kit/draws.h"
#include "kit/manifest.h"
#include "larder/error.h"

enum {
    WORLD_SIDE = 32,         /* of a picture */
    WORLD_GARMENT_SIDE = 28, /* of a garment as it comes */
    WORLD_CLASSES = 10,
    WORLD_CLUTTERS = 6,
};

/* What can be turned; world_defaults has the values of the documented world. */
struct world_constants {
    double angle, scale_low, scale_high, shift; /* pose of the garment */
    double fine, texture_angle, texture_scale_low, texture_scale_high;
    double contrast_low, contrast_high, middle, tint; /* tones */
    double relief_low, relief_high, gain, shading;    /* on the object */
    double ramp, clutter_low, clutter_high;           /* behind it */
};
extern const struct world_constants world_defaults;

struct world {
    struct world_constants constants;
    struct pattern texture[WORLD_CLASSES], clutter[WORLD_CLUTTERS];
};

/* Reads and prepares the patterns, which the manifest names in its column `pattern`;
 * those that the world does not use are passed over. */
int world_open(struct world *w, const struct world_constants *constants,
               const struct manifest *patterns, struct error *err);
void world_close(struct world *w);

/* What is behind the garment of a picture. */
struct world_scene {
    int clutter;          /* which of the world's clutters */
    double background[3]; /* level of red, green, blue, about 0.5 */
    double ramp;          /* how far it rises over half the picture */
};
struct world_scene world_scene(const struct world *w, const struct draws *draws);
/* Paints one picture. garment: 28 x 28 bytes; texture: the class whose pattern covers it.
 * picture (RGB) and mask (grey) are 32 x 32; only their pixels are set. */
void world_paint(const struct world *w, const uint8_t *garment, int texture,
                 const struct draws *draws, struct image *picture, struct image *mask);

#endif
