#include "dissect/scene.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "larder/banned.h"

const char *const scene_category[SCENE_CATEGORIES] = { "color",    "object", "part",
                                                       "material", "scene",  "texture" };

static const char *const objects[] = { "tshirt", "trouser", "pullover", "dress", "coat",
                                       "sandal", "shirt",   "sneaker",  "bag",   "boot" };
enum { PART_TOP = 1, PART_BOTTOM, PART_SIDE, PART_CONTOUR, PART_HOLE };
static const char *const parts[] = { "top", "bottom", "side", "contour", "hole" };
static const char *const textures[] = {
    "leopard", "wood",   "herringbone", "leaves", "bark",   "water",   "tiles", "leather",
    "studs",   "marble", "slate",       "clouds", "walnut", "craters", "paper", "planks",
};
enum { SCENE_DARK = 1, SCENE_BRIGHT, SCENE_RAMP };
static const char *const scenes[] = { "dark-s", "bright-s", "ramp-s" };

/* Prototypes: pixels of the world stray from grey by a tenth or so. */
static const struct {
    const char *name;
    double rgb[3];
} colors[] = {
    { "black-c", { .25, .25, .25 } }, { "white-c", { .75, .75, .75 } },
    { "grey-c", { .5, .5, .5 } },     { "red-c", { .6, .42, .42 } },
    { "orange-c", { .6, .5, .42 } },  { "yellow-c", { .58, .58, .42 } },
    { "green-c", { .42, .58, .42 } }, { "blue-c", { .42, .42, .6 } },
    { "purple-c", { .52, .42, .6 } }, { "pink-c", { .66, .52, .58 } },
    { "brown-c", { .44, .36, .3 } },
};

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))
#define RAMP_FROM 0.04

int scene_labels(int category)
{
    switch (category) {
    case SCENE_COLOR:
        return COUNT(colors);
    case SCENE_OBJECT:
        return COUNT(objects);
    case SCENE_PART:
        return COUNT(parts);
    case SCENE_SCENE:
        return COUNT(scenes);
    case SCENE_TEXTURE:
        return COUNT(textures);
    default:
        return 0;
    }
}

const char *scene_label(int category, int k)
{
    switch (category) {
    case SCENE_COLOR:
        return colors[k - 1].name;
    case SCENE_OBJECT:
        return objects[k - 1];
    case SCENE_PART:
        return parts[k - 1];
    case SCENE_SCENE:
        return scenes[k - 1];
    default:
        return textures[k - 1];
    }
}

/* A plane of places, each true or not. */
struct places {
    bool at[SCENE_SIDE][SCENE_SIDE];
};

static double value_at(const struct image *im, int x, int y, int k)
{
    return im->pixel[(y * im->width + x) * im->channels + k] / 255.;
}

/* The mean over the four pixels of a place. */
static double mean_at(const struct image *im, int x, int y, int k)
{
    return (value_at(im, 2 * x, 2 * y, k) + value_at(im, 2 * x + 1, 2 * y, k) +
            value_at(im, 2 * x, 2 * y + 1, k) + value_at(im, 2 * x + 1, 2 * y + 1, k)) /
           4;
}

static struct places find_object(const struct image *mask)
{
    struct places p;

    for (int y = 0; y < SCENE_SIDE; y++)
        for (int x = 0; x < SCENE_SIDE; x++)
            p.at[y][x] = mean_at(mask, x, y, 0) >= .5;
    return p;
}

static bool is_at(const struct places *p, int x, int y)
{
    return x >= 0 && y >= 0 && x < SCENE_SIDE && y < SCENE_SIDE && p->at[y][x];
}

/* What is neither the object nor joined to the border except through it. */
static struct places find_holes(const struct places *object)
{
    struct places outside, hole;
    bool again = true;

    memset(&outside, 0, sizeof outside);
    while (again) {
        again = false;
        for (int y = 0; y < SCENE_SIDE; y++)
            for (int x = 0; x < SCENE_SIDE; x++) {
                bool border =
                    x == 0 || y == 0 || x == SCENE_SIDE - 1 || y == SCENE_SIDE - 1;
                bool joined = border || is_at(&outside, x - 1, y) ||
                              is_at(&outside, x + 1, y) || is_at(&outside, x, y - 1) ||
                              is_at(&outside, x, y + 1);

                if (joined && !object->at[y][x] && !outside.at[y][x])
                    again = outside.at[y][x] = true;
            }
    }
    for (int y = 0; y < SCENE_SIDE; y++)
        for (int x = 0; x < SCENE_SIDE; x++)
            hole.at[y][x] = !object->at[y][x] && !outside.at[y][x];
    return hole;
}

/* The rows and columns that the object reaches over. */
struct extent {
    int left, right, top, bottom;
};

static struct extent extent_of(const struct places *p)
{
    struct extent e = { SCENE_SIDE, -1, SCENE_SIDE, -1 };

    for (int y = 0; y < SCENE_SIDE; y++)
        for (int x = 0; x < SCENE_SIDE; x++)
            if (p->at[y][x]) {
                e.left = x < e.left ? x : e.left;
                e.right = x > e.right ? x : e.right;
                e.top = y < e.top ? y : e.top;
                e.bottom = y > e.bottom ? y : e.bottom;
            }
    return e;
}

/* -1 in the first third of a range, 1 in the last, 0 between. */
static int third_of(int at, int from, int to)
{
    double share = (at - from + .5) / (to - from + 1);

    return share < 1. / 3 ? -1 : share > 2. / 3 ? 1 : 0;
}

static bool is_contour(const struct places *p, int x, int y)
{
    return !is_at(p, x - 1, y) || !is_at(p, x + 1, y) || !is_at(p, x, y - 1) ||
           !is_at(p, x, y + 1);
}

static void describe_parts(struct scene_planes *to, const struct places *object)
{
    struct extent e = extent_of(object);
    struct places hole = find_holes(object);

    to->n = 3;
    for (int y = 0; y < SCENE_SIDE; y++)
        for (int x = 0; x < SCENE_SIDE; x++) {
            int i = y * SCENE_SIDE + x, third;

            if (hole.at[y][x])
                to->plane[0][i] = PART_HOLE;
            if (!object->at[y][x])
                continue;
            third = third_of(y, e.top, e.bottom);
            to->plane[0][i] = third < 0 ? PART_TOP : third > 0 ? PART_BOTTOM : 0;
            to->plane[1][i] = third_of(x, e.left, e.right) != 0 ? PART_SIDE : 0;
            to->plane[2][i] = is_contour(object, x, y) ? PART_CONTOUR : 0;
        }
}

static int nearest_color(const struct image *picture, int x, int y)
{
    double least = (double)INFINITY;
    int nearest = 0;

    for (int c = 0; c < COUNT(colors); c++) {
        double far = 0;

        for (int k = 0; k < 3; k++) {
            double d = mean_at(picture, x, y, k) - colors[c].rgb[k];

            far += d * d;
        }
        if (far < least) {
            least = far;
            nearest = c + 1;
        }
    }
    return nearest;
}

static int name_scene(const struct world_scene *behind)
{
    double mean =
        (behind->background[0] + behind->background[1] + behind->background[2]) / 3;

    return behind->ramp >= RAMP_FROM ? SCENE_RAMP : mean < .5 ? SCENE_DARK : SCENE_BRIGHT;
}

void scene_describe(struct scene *s, const struct world_scene *behind, int shape,
                    int texture, const struct image *picture, const struct image *mask)
{
    struct places object = find_object(mask);

    memset(s, 0, sizeof *s);
    s->of[SCENE_COLOR].n = s->of[SCENE_OBJECT].n = s->of[SCENE_TEXTURE].n = 1;
    for (int y = 0; y < SCENE_SIDE; y++)
        for (int x = 0; x < SCENE_SIDE; x++) {
            int i = y * SCENE_SIDE + x;
            bool in = object.at[y][x];

            s->of[SCENE_COLOR].plane[0][i] = (uint8_t)nearest_color(picture, x, y);
            s->of[SCENE_OBJECT].plane[0][i] = in ? (uint8_t)(shape + 1) : 0;
            s->of[SCENE_TEXTURE].plane[0][i] =
                (uint8_t)(1 + (in ? texture : WORLD_CLASSES + behind->clutter));
        }
    describe_parts(&s->of[SCENE_PART], &object);
    s->of[SCENE_SCENE].whole = name_scene(behind);
}
