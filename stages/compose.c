/*
 * compose - paints pictures of the mini world: garments, textures, clutter.
 *
 * in   images     garments, 28 x 28 (IDX, gzip)
 * in   labels     their classes (IDX, gzip)
 * in   textures   patterns (.pat), named in the column `pattern`
 * out  set        image set, 32 x 32 RGB
 * out  masks      image set with the same names: where the garment is
 *
 * Picture i is called SPLIT-NNNNNN and shows class i mod 10: the (i div 10)-th garment of
 * that class in the order of the file. In the splits train and test its texture is that
 * of its class; in the split conflict that of another, so that after 90 pictures all
 * pairs have been shown once. docs/mini-world.md has the rule of a picture.
 */
#include "image/set.h"
#include "image/wardrobe.h"
#include "image/world.h"
#include "kit/draws.h"
#include "kit/manifest.h"
#include "kit/stage.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { NAME_SIZE = 32 };

struct options {
    const char *images, *labels, *textures, *set, *masks;
    const char *split;
    int count;
    uint64_t seed;
    struct world_constants world;
};

/* Paints picture i and adds it and its mask to the sets. */
static int add_picture(const struct options *o, const struct wardrobe *w,
                       const struct world *world, int i, struct imageset *set,
                       struct imageset *masks, struct error *err)
{
    bool conflict = strcmp(o->split, "conflict") == 0;
    int shape = i % WORLD_CLASSES, round = i / WORLD_CLASSES, texture = shape, rc;
    char item[NAME_SIZE], name[NAME_SIZE];
    struct image picture, mask;
    struct draws draws;

    const uint8_t *garment = wardrobe_garment(w, shape, round, err);

    if (garment == NULL)
        return E_INPUT;
    if (conflict)
        texture = (shape + 1 + round % (WORLD_CLASSES - 1)) % WORLD_CLASSES;
    snprintf(item, sizeof item, "%s/%d", o->split, i);
    snprintf(name, sizeof name, "%s-%06d", o->split, i);
    draws_init(&draws, "compose", "", item, o->seed);

    image_init(&picture, WORLD_SIDE, WORLD_SIDE, 3);
    image_init(&mask, WORLD_SIDE, WORLD_SIDE, 1);
    picture.name = mask.name = name;
    picture.label = mask.label = shape;
    picture.texture = mask.texture = conflict ? texture : -1;
    world_paint(world, garment, texture, &draws, &picture, &mask);
    rc = imageset_append(set, &picture, err);
    if (rc == 0)
        rc = imageset_append(masks, &mask, err);
    image_release(&mask);
    image_release(&picture);
    return rc;
}

static int create_set(struct imageset **set, const char *path, const struct options *o,
                      int channels, struct error *err)
{
    size_t name = strlen(o->split) + strlen("-NNNNNN");

    return imageset_create(
        set, path, o->count * (long long)(WORLD_SIDE * WORLD_SIDE * channels + name),
        err);
}

static int compose(const void *options, struct error *err)
{
    const struct options *o = options;
    struct wardrobe wardrobe = { 0 };
    struct manifest textures = { 0 };
    struct world world = { 0 };
    struct imageset *set = NULL, *masks = NULL;
    int rc;

    rc = wardrobe_open(&wardrobe, o->images, o->labels, err);
    if (rc == 0)
        rc = manifest_read(&textures, o->textures, err);
    if (rc == 0)
        rc = world_open(&world, &o->world, &textures, err);
    if (rc == 0)
        rc = create_set(&set, o->set, o, 3, err);
    if (rc == 0)
        rc = create_set(&masks, o->masks, o, 1, err);
    for (int i = 0; i < o->count && rc == 0; i++) {
        rc = add_picture(o, &wardrobe, &world, i, set, masks, err);
        progress_step(i + 1, o->count, "pictures");
    }
    if (rc == 0)
        rc = imageset_commit(set, err);
    if (rc == 0)
        rc = imageset_commit(masks, err);
    imageset_close(masks);
    imageset_close(set);
    world_close(&world);
    manifest_release(&textures);
    wardrobe_close(&wardrobe);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .split = "train", .count = 6000, .world = world_defaults };
    struct world_constants *w = &o.world;
    const struct stage_arg args[] = {
        STAGE_ABOUT("paints pictures of the mini world: garments, textures, clutter"),
        STAGE_IN("images", &o.images, "garments, 28 x 28 (IDX, gzip)"),
        STAGE_IN("labels", &o.labels, "their classes (IDX, gzip)"),
        STAGE_IN_LIST("textures", &o.textures, "patterns (.pat), by the axis `pattern`"),
        STAGE_OUT_SET("set", &o.set, "the pictures, 32 x 32 RGB"),
        STAGE_OUT_SET("masks", &o.masks, "where the garment is, 32 x 32 grey"),
        STAGE_CHOICE("split", &o.split, "train|test|conflict", "which pictures"),
        STAGE_INT("count", &o.count, 1, 999999, "how many pictures"),
        STAGE_FLOAT("angle", &w->angle, 0, 180,
                    "the garment turns so many degrees or less"),
        STAGE_FLOAT("scale-low", &w->scale_low, 0.1, 10, "smallest scale of the garment"),
        STAGE_FLOAT("scale-high", &w->scale_high, 0.1, 10,
                    "largest scale of the garment"),
        STAGE_FLOAT("shift", &w->shift, 0, 1,
                    "largest shift, of half the garment's side"),
        STAGE_FLOAT("fine", &w->fine, 0.1, 10, "all textures are finer by this factor"),
        STAGE_FLOAT("texture-angle", &w->texture_angle, 0, 180,
                    "textures turn by degrees"),
        STAGE_FLOAT("texture-scale-low", &w->texture_scale_low, 0.1, 10,
                    "finer at least by"),
        STAGE_FLOAT("texture-scale-high", &w->texture_scale_high, 0.1, 10, "at most by"),
        STAGE_FLOAT("contrast-low", &w->contrast_low, 0, 1,
                    "least contrast of the outline"),
        STAGE_FLOAT("contrast-high", &w->contrast_high, 0, 1, "largest contrast"),
        STAGE_FLOAT("middle", &w->middle, 0, 0.5,
                    "how far the middle level strays from 0.5"),
        STAGE_FLOAT("tint", &w->tint, 0, 0.5, "how far red, green and blue stray"),
        STAGE_FLOAT("relief-low", &w->relief_low, 0, 1,
                    "faintest texture on the garment"),
        STAGE_FLOAT("relief-high", &w->relief_high, 0, 1, "strongest texture"),
        STAGE_FLOAT("gain", &w->gain, 0, 1, "how far the texture's colours stray from 1"),
        STAGE_FLOAT("shading", &w->shading, 0, 1, "weight of the garment's own grey"),
        STAGE_FLOAT("ramp", &w->ramp, 0, 1, "largest ramp of the background"),
        STAGE_FLOAT("clutter-low", &w->clutter_low, 0, 1, "faintest clutter"),
        STAGE_FLOAT("clutter-high", &w->clutter_high, 0, 1, "strongest clutter"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };

    return stage_main(argc, argv, args, compose, &o);
}
