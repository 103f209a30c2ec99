/*
 * frost - pictures of frost for `corrupt`, made of patterns, where there are no
 * photographs of it: the mini world's stand-in.
 *
 * in   textures  patterns (.pat), named in the column `pattern`; ice and fibers are taken
 * out  frosts    frost1.png to frost5.png, 320 x 320
 *
 * Picture k (from 1): at each pixel the light 0.55 + 0.2 ice + 0.15 fibers, clipped to
 * 0..1, of a red of 0.85, a green of 0.95 and a blue of 1. The patterns are prepared and
 * laid as docs/mini-world.md says ("View"), five times larger, since `corrupt` takes
 * every fifth pixel of frost for pictures of 32 pixels; draws: stage `frost`, the item k,
 * the stream 0 for ice and 1 for fibers.
 */
#include "distort/corrupt.h"
#include "image/material.h"
#include "image/png.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/fs.h"

#include "larder/banned.h"

enum { SIDE = 320, ENLARGED = 5, MATERIALS = 2 };

static const struct material material[MATERIALS] = { { "ice", 1.0 }, { "fibers", 1.0 } };
static const double weight[MATERIALS] = { .2, .15 }, light = .55;
static const double tint[3] = { .85, .95, 1 };

struct options {
    const char *textures, *frosts;
    uint64_t seed;
};

static uint8_t to_byte(double x)
{
    return (uint8_t)(255 * (x < 0 ? 0 : x > 1 ? 1 : x) + .5);
}

static void paint(struct image *im, const struct pattern *pattern, const struct draws *d)
{
    const struct material_turns turns = {
        .fine = 1. / ENLARGED, .angle = 180, .scale_low = .8, .scale_high = 1.25
    };
    struct view view[MATERIALS];

    for (uint32_t m = 0; m < MATERIALS; m++)
        view[m] = material_view(&material[m], &pattern[m], &turns, d, m);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double v = light, sx, sy;

            for (int m = 0; m < MATERIALS; m++) {
                view_at(&view[m], x - (SIDE - 1) / 2., y - (SIDE - 1) / 2., &sx, &sy);
                v += weight[m] * pattern_at(&pattern[m], sx, sy);
            }
            v = v < 0 ? 0 : v > 1 ? 1 : v;
            for (int c = 0; c < 3; c++)
                im->pixel[3 * (y * SIDE + x) + c] = to_byte(v * tint[c]);
        }
}

static int write_frost(const struct options *o, const struct pattern *pattern, int k,
                       struct error *err)
{
    struct buf path = { 0 };
    struct image im;
    struct draws d;
    char item[16];
    int rc;

    snprintf(item, sizeof item, "%d", k);
    draws_init(&d, "frost", "", item, o->seed);
    image_init(&im, SIDE, SIDE, 3);
    paint(&im, pattern, &d);
    buf_printf(&path, "%s/frost%d.png", o->frosts, k);
    rc = image_write_png(&im, buf_str(&path), err);
    buf_release(&path);
    image_release(&im);
    return rc;
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct pattern pattern[MATERIALS] = { 0 };
    struct manifest textures = { 0 };
    int rc = manifest_read(&textures, o->textures, err);

    for (int m = 0; m < MATERIALS && rc == 0; m++)
        rc = material_open(&pattern[m], &material[m], &textures, err);
    if (rc == 0)
        rc = fs_mkdirs(o->frosts, err);
    for (int k = 1; k <= CORRUPT_FROSTS && rc == 0; k++) {
        rc = write_frost(o, pattern, k, err);
        progress_step(k, CORRUPT_FROSTS, "picture");
    }
    for (int m = 0; m < MATERIALS; m++)
        pattern_release(&pattern[m]);
    manifest_release(&textures);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("pictures of frost, made of patterns"),
        STAGE_IN_LIST("textures", &o.textures, "patterns (.pat), by the axis `pattern`"),
        STAGE_OUT_TREE("frosts", &o.frosts, "frost1.png to frost5.png"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
