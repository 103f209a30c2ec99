/*
 * style - the mini world's stand-in for style transfer: what is coarse in a picture
 * stays, what is fine is replaced by the relief of another material. docs/mini-world.md
 * has the formula and the draws.
 */
#ifndef IMAGE_STYLE_H
#define IMAGE_STYLE_H

#include "image/image.h"
#include "image/material.h"

enum { STYLES = 6 };

struct style_constants {
    double relief_low, relief_high, tint;
    struct material_turns turns;
};
extern const struct style_constants style_defaults;

struct styles {
    struct style_constants constants;
    struct pattern pattern[STYLES];
};

/* Reads the patterns that styles are made of from a list of patterns. */
int styles_open(struct styles *s, const struct style_constants *constants,
                const struct manifest *patterns, struct error *err);
void styles_close(struct styles *s);

/* *to is new: from, an RGB picture, in another style. */
void style_swap(const struct styles *s, const struct draws *draws,
                const struct image *from, struct image *to);

#endif
