/*
 * swatches - pictures of the materials that no class of the mini world has: styles for
 * `stylize`.
 *
 * in   textures  patterns (.pat), named in the column `pattern`
 * out  set       `count` RGB pictures of `side` pixels, style-0000, ...: an even grey in
 *                another style, as `band-swap` gives it (image/style.h): the relief of
 * one of six materials, and a tint. Draws: stage `swatches`, the item its name
 */
#include <string.h>

#include "image/set.h"
#include "image/style.h"
#include "kit/stage.h"

#include "larder/banned.h"

enum { GREY = 128, NAME_BYTES = 24 };

struct options {
    const char *textures, *set;
    int count, side;
    uint64_t seed;
    struct style_constants style;
};

static int add(struct imageset *set, const struct options *o, const struct styles *styles,
               int i, struct error *err)
{
    char name[NAME_BYTES];
    struct image grey, im;
    struct draws d;
    int rc;

    snprintf(name, sizeof name, "style-%04d", i);
    draws_init(&d, "swatches", "", name, o->seed);
    image_init(&grey, o->side, o->side, 3);
    memset(grey.pixel, GREY, image_bytes(&grey));
    style_swap(styles, &d, &grey, &im);
    im.name = name;
    rc = imageset_append(set, &im, err);
    image_release(&im);
    image_release(&grey);
    return rc;
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct manifest textures = { 0 };
    struct imageset *set = NULL;
    struct styles styles = { 0 };
    int rc = manifest_read(&textures, o->textures, err);

    if (rc == 0)
        rc = styles_open(&styles, &o->style, &textures, err);
    if (rc == 0)
        rc = imageset_create(&set, o->set,
                             o->count * (3LL * o->side * o->side + NAME_BYTES), err);
    for (int i = 0; i < o->count && rc == 0; i++)
        rc = add(set, o, &styles, i, err);
    if (rc == 0)
        rc = imageset_commit(set, err);
    imageset_close(set);
    styles_close(&styles);
    manifest_release(&textures);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .count = 60, .side = 32, .style = style_defaults };
    struct style_constants *s = &o.style;
    const struct stage_arg args[] = {
        STAGE_ABOUT("pictures of materials, as styles for the mini world"),
        STAGE_IN_LIST("textures", &o.textures, "patterns (.pat), by the axis `pattern`"),
        STAGE_OUT_SET("set", &o.set, "the styles"),
        STAGE_INT("count", &o.count, 1, 10000, "pictures"),
        STAGE_INT("side", &o.side, 1, 4096, "of a picture, pixels"),
        STAGE_FLOAT("relief-low", &s->relief_low, 0, 1, "faintest relief"),
        STAGE_FLOAT("relief-high", &s->relief_high, 0, 1, "strongest relief"),
        STAGE_FLOAT("tint", &s->tint, 0, 0.5, "how far red, green and blue stray"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
