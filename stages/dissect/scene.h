/*
 * scene - what is where in a picture of the mini world, exactly: the labels of its
 * Broden.
 *
 * Of each category there are planes of labels, at half the picture's size, or one label
 * of the picture as a whole. Labels are numbers of their own here, 0: none.
 *
 *   object   the garment
 *   part     of the garment's extent the top and the bottom third, the left and the right
 *            third (side), its outline two pixels wide (contour), and what it encloses
 *            (hole); they overlap
 *   texture  the material of the garment, and that of what is behind it
 *   color    of each place the nearest of eleven muted colours, as muted as the world is
 *   scene    what is behind: ramp when it rises by 0.04 or more over half the picture,
 *            else dark or bright, by its mean level
 */
#ifndef DISSECT_SCENE_H
#define DISSECT_SCENE_H

#include "image/world.h"

enum { SCENE_SIDE = WORLD_SIDE / 2, SCENE_PLACES = SCENE_SIDE * SCENE_SIDE };
enum {
    SCENE_COLOR,
    SCENE_OBJECT,
    SCENE_PART,
    SCENE_MATERIAL,
    SCENE_SCENE,
    SCENE_TEXTURE,
    SCENE_CATEGORIES
};
enum { SCENE_PLANES = 3, SCENE_LABELS = 64 };

extern const char *const scene_category[SCENE_CATEGORIES];

/* One category of a picture. */
struct scene_planes {
    int n; /* planes; 0: none, or a label of the whole */
    uint8_t plane[SCENE_PLANES][SCENE_PLACES];
    int whole;
};

struct scene {
    struct scene_planes of[SCENE_CATEGORIES];
};

/* How many labels a category has, and what the k-th from 1 is called. */
int scene_labels(int category);
const char *scene_label(int category, int k);

/* shape, texture: classes; picture and mask as world_paint() leaves them. */
void scene_describe(struct scene *s, const struct world_scene *behind, int shape,
                    int texture, const struct image *picture, const struct image *mask);

#endif
