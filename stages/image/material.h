/*
 * material - a pattern laid over a picture: turned, scaled, mirrored, from a random
 * origin.
 *
 * docs/mini-world.md has the draws, "View" the formula.
 */
#ifndef IMAGE_MATERIAL_H
#define IMAGE_MATERIAL_H

#include <stdbool.h>

#include "image/pattern.h"
#include "kit/draws.h"
#include "kit/manifest.h"
#include "larder/error.h"

/* A pattern, and how many of its pixels fall on one of a picture. */
struct material {
    const char *pattern;
    double shrink;
};

/* Reads and prepares a material's pattern, which the manifest has in its column
 * `pattern`. */
int material_open(struct pattern *p, const struct material *m,
                  const struct manifest *patterns, struct error *err);

/* Where a picture's points lie in a source: source pixels from the place that the
 * picture's centre shows. */
struct view {
    double cosine, sine, step; /* step: source pixels for one of the picture */
    bool mirror;
    double x0, y0;
};

void view_turn(struct view *v, double degrees);
/* Of the point dx, dy pixels from the picture's centre. */
void view_at(const struct view *v, double dx, double dy, double *sx, double *sy);

/* How materials may lie. */
struct material_turns {
    double fine, angle, scale_low, scale_high; /* all finer by; degrees; finer by */
};

/* The indices of a material's draws in its stream; WHICH is the caller's. */
enum {
    MATERIAL_X,
    MATERIAL_Y,
    MATERIAL_ANGLE,
    MATERIAL_SCALE,
    MATERIAL_MIRROR,
    MATERIAL_WHICH
};

struct view material_view(const struct material *m, const struct pattern *p,
                          const struct material_turns *t, const struct draws *d,
                          uint32_t stream);

#endif
