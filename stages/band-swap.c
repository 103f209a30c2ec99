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
#include "image/remake.h"
#include "image/style.h"
#include "kit/stage.h"

#include "larder/banned.h"

struct options {
    const char *set, *textures, *swapped;
    int version;
    uint64_t seed;
    struct style_constants style;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct styles styles;
};

static int make(void *context, const struct image *from, struct image *to,
                struct error *err)
{
    const struct work *w = context;
    struct draws draws;
    char params[32];

    if (from->channels != 3)
        return error_set(err, E_INPUT, "%s: %s is grey; styles are for RGB", w->o->set,
                         from->name);
    snprintf(params, sizeof params, "version=%d", w->o->version);
    draws_init(&draws, "band-swap", params, from->name, w->o->seed);
    style_swap(&w->styles, &draws, from, to);
    return 0;
}

static int band_swap(const void *options, struct error *err)
{
    struct work w = { .o = options };
    const struct remake sets = { .from = w.o->set, .to = w.o->swapped };
    struct manifest textures = { 0 };
    int rc = manifest_read(&textures, w.o->textures, err);

    if (rc == 0)
        rc = styles_open(&w.styles, &w.o->style, &textures, err);
    if (rc == 0)
        rc = remake_set(&sets, make, &w, err);
    styles_close(&w.styles);
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
