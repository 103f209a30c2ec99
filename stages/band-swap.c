/*
 * band-swap - pictures of the mini world in another style.
 *
 * in   set       image set, RGB
 *      textures  patterns (.pat), named in the column `pattern`
 * out  swapped   the same pictures: what is coarse in them, the relief of a material that
 *                no class has, and a tint
 *
 * It stands in for style transfer where a picture is too small for it. `version` names a
 * draw: the same picture has another style in another version (image/style.h).
 */
#include "image/set.h"
#include "image/style.h"
#include "kit/progress.h"
#include "kit/stage.h"

#include "larder/banned.h"

struct options {
    const char *set, *textures, *swapped;
    int version;
    uint64_t seed;
    struct style_constants style;
};

static int add_picture(const struct options *o, const struct styles *s,
                       const struct image *im, struct imageset *to, struct error *err)
{
    struct draws draws;
    struct image out;
    char params[32];
    int rc;

    if (im->channels != 3)
        return error_set(err, E_INPUT, "%s: %s is grey; styles are for RGB", o->set,
                         im->name);
    snprintf(params, sizeof params, "version=%d", o->version);
    draws_init(&draws, "band-swap", params, im->name, o->seed);
    style_swap(s, &draws, im, &out);
    rc = imageset_append(to, &out, err);
    image_release(&out);
    return rc;
}

static int swap_all(const struct options *o, const struct styles *s, struct error *err)
{
    struct imageset *from = NULL, *to = NULL;
    long long payload = 0;
    struct image im;
    int rc = imageset_open(&from, o->set, err);

    for (long i = 0; rc == 0 && i < imageset_size(from); i++) {
        rc = imageset_get(from, i, &im, err);
        payload += (long long)(image_bytes(&im) + strlen(im.name));
    }
    if (rc == 0)
        rc = imageset_create(&to, o->swapped, payload, err);
    for (long i = 0; rc == 0 && i < imageset_size(from); i++) {
        rc = imageset_get(from, i, &im, err);
        if (rc == 0)
            rc = add_picture(o, s, &im, to, err);
        progress_step(i + 1, imageset_size(from), "picture");
    }
    if (rc == 0)
        rc = imageset_commit(to, err);
    imageset_close(to);
    imageset_close(from);
    return rc;
}

static int band_swap(const void *options, struct error *err)
{
    const struct options *o = options;
    struct manifest textures = { 0 };
    struct styles styles = { 0 };
    int rc = manifest_read(&textures, o->textures, err);

    if (rc == 0)
        rc = styles_open(&styles, &o->style, &textures, err);
    if (rc == 0)
        rc = swap_all(o, &styles, err);
    styles_close(&styles);
    manifest_release(&textures);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .style = style_defaults };
    struct style_constants *s = &o.style;
    const struct stage_arg args[] = {
        STAGE_ABOUT("pictures of the mini world in another style"),
        STAGE_IN_SET("set", &o.set, "pictures, RGB"),
        STAGE_IN_LIST("textures", &o.textures, "patterns (.pat), by the axis `pattern`"),
        STAGE_OUT_SET("swapped", &o.swapped, "the same pictures in another style"),
        STAGE_INT("version", &o.version, 0, 1 << 30, "which draw of styles"),
        STAGE_FLOAT("relief-low", &s->relief_low, 0, 1, "faintest relief"),
        STAGE_FLOAT("relief-high", &s->relief_high, 0, 1, "strongest relief"),
        STAGE_FLOAT("tint", &s->tint, 0, 0.5, "how far red, green and blue stray"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, band_swap, &o);
}
