/*
 * paintings - a folder of paintings to styles for `stylize`, as Stylized-ImageNet
 * prepared them (rgeirhos/Stylized-ImageNet, code/preprocess_style_imgs.py).
 *
 * in   pictures  a folder of JPEG or PNG files (Painter by Numbers, train.zip)
 * out  set       of each that has `side` pixels in both directions at least: the square
 * in its middle, scaled by Pillow's Lanczos filter to side x side, and saved again as
 * JPEG of quality 75; kept as that file, under its name skipped   TSV: picture reason:
 * those that are too small or cannot be read
 *
 * Names that begin with a dot are passed over. Stylized-ImageNet had 79,395 styles.
 */
#include <string.h>

#include "image/decode.h"
#include "image/jpeg.h"
#include "image/resize.h"
#include "image/set.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/fs.h"

#include "larder/banned.h"

enum { QUALITY = 75 };

struct options {
    const char *pictures, *set, *skipped;
    int side;
};

/* The file of a style. */
static int prepare(const struct options *o, const struct image *rgb, struct buf *file,
                   struct error *err)
{
    int most = rgb->width < rgb->height ? rgb->width : rgb->height, rc;
    struct image square, small;

    if (most < o->side)
        return error_set(err, E_INPUT, "%d x %d pixels", rgb->width, rgb->height);
    image_crop(&square, rgb, (rgb->width - most) / 2, (rgb->height - most) / 2, most,
               most);
    image_resize_lanczos(&small, &square, o->side, o->side);
    rc = image_encode_jpeg(&small, QUALITY, false, file, err);
    image_release(&small);
    image_release(&square);
    return rc;
}

static int add(struct imageset *set, const struct options *o, const char *name,
               long *added, struct buf *skipped, struct error *err)
{
    struct image rgb = { 0 }, im = { .label = -1, .texture = -1, .channels = 3 };
    struct buf file = { 0 };
    struct error why = { 0 };
    int rc = image_read_rgb(&rgb, o->pictures, name, &why);

    if (rc == 0)
        rc = prepare(o, &rgb, &file, &why);
    image_release(&rgb);
    if (rc == E_INPUT) {
        buf_printf(skipped, "%s\t%s\n", name, why.text);
        rc = 0;
    } else if (rc < 0) {
        rc = error_set(err, rc, "%s", why.text);
    } else {
        im.name = name;
        im.width = im.height = o->side;
        im.file = (const uint8_t *)file.s;
        im.file_bytes = file.len;
        rc = imageset_append(set, &im, err);
        ++*added;
    }
    buf_release(&file);
    return rc;
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct buf skipped = { 0 };
    struct imageset *set = NULL;
    char **name = NULL;
    size_t n = 0;
    long added = 0;
    int rc = fs_list(o->pictures, &name, &n, err);

    buf_adds(&skipped, "picture\treason\n");
    if (rc == 0)
        rc = imageset_create(&set, o->set, (long long)n * 3 * o->side * o->side, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (name[i][0] != '.')
            rc = add(set, o, name[i], &added, &skipped, err);
        progress_step((long)i + 1, (long)n, "painting");
    }
    if (rc == 0 && added == 0)
        rc = error_set(err, E_INPUT, "%s has no painting of %d pixels a side",
                       o->pictures, o->side);
    if (rc == 0)
        rc = imageset_commit(set, err);
    if (rc == 0)
        rc = tsv_write(o->skipped, &skipped, err);
    imageset_close(set);
    free(name);
    buf_release(&skipped);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .side = 224 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("a folder of paintings to styles, as Stylized-ImageNet has them"),
        STAGE_IN_TREE("pictures", &o.pictures, "JPEG or PNG files"),
        STAGE_OUT_SET("set", &o.set, "the styles, square, kept as files"),
        STAGE_OUT("skipped", &o.skipped, "TSV: picture reason"),
        STAGE_INT("side", &o.side, 9, 4096, "of a style, pixels"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
