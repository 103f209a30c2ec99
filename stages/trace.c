/*
 * trace - the pictures of a set in black and white, their outlines traced.
 *
 * in   set     image set: pictures, or the files they came in (`folder`, `imagenet`, with
 *              keep=file), since the paper traces them at their own size
 * out  traced  the same pictures (trace/trace.h), black on white, as RGB; scaled back so
 *              that the shorter side has `side` pixels, of which the middle `crop` is
 * kept svg     the drawings, NAME.svg; empty unless asked for
 */
#include <string.h>

#include "trace/trace.h"

#include "image/decode.h"
#include "image/namedfile.h"
#include "image/remake.h"
#include "image/resize.h"
#include "kit/stage.h"
#include "larder/fs.h"

#include "larder/banned.h"

struct options {
    const char *set, *traced, *svg, *size;
    int side, crop;
    double dpi;
    bool keep_svg;
};

static int write_svg(const struct options *o, const char *name, const struct buf *svg,
                     struct error *err)
{
    struct buf path = { 0 };
    int rc = namedfile_path(&path, o->svg, name, ".svg", err);

    if (rc == 0)
        rc = fs_write(buf_str(&path), svg->s, svg->len, false, err);
    buf_release(&path);
    return rc;
}

static int make(void *context, const struct image *from, struct image *to,
                struct error *err)
{
    const struct options *o = context;
    struct buf svg = { 0 };
    struct tracing t = { .dpi = o->dpi,
                         .round_up = strcmp(o->size, "ceil") == 0,
                         .svg = o->keep_svg ? &svg : NULL };
    struct image rgb = { 0 }, grey = { 0 }, traced;
    int rc = image_load_rgb(&rgb, from, err);

    if (rc == 0 && (rc = trace(&grey, &rgb, &t, err)) < 0)
        error_context(err, "%s", from->name);
    if (rc == 0 && o->keep_svg)
        rc = write_svg(o, from->name, &svg, err);
    if (rc == 0) {
        image_rgb(&traced, &grey);
        image_fit(to, &traced, o->side, o->crop);
        image_release(&traced);
    }
    image_release(&grey);
    image_release(&rgb);
    buf_release(&svg);
    return rc;
}

static int make_empty(const char *folder, struct error *err)
{
    char **name = NULL;
    size_t n = 0;
    int rc = fs_mkdirs(folder, err);

    if (rc == 0)
        rc = fs_list(folder, &name, &n, err);
    free(name);
    if (rc == 0 && n > 0)
        rc = error_set(err, E_INPUT, "%s: the folder for drawings is not empty", folder);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct options o = *(const struct options *)options;
    const struct remake sets = {
        .from = o.set, .to = o.traced, .files = true, .each = 3LL * o.crop * o.crop
    };
    int rc;

    if (o.crop > o.side)
        return error_set(err, E_INPUT, "crop=%d is larger than side=%d", o.crop, o.side);
    rc = make_empty(o.svg, err);
    if (rc < 0)
        return rc;
    rc = remake_set(&sets, make, &o, err);
    if (rc < 0)
        fs_remove_tree(o.svg, NULL);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .size = "round", .side = 256, .crop = 224, .dpi = 90 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("pictures in black and white, their outlines traced"),
        STAGE_IN_SET("set", &o.set, "pictures, or the files they came in"),
        STAGE_OUT_SET("traced", &o.traced, "the same pictures, black on white"),
        STAGE_OUT_TREE("svg", &o.svg, "the drawings, NAME.svg"),
        STAGE_FLOAT("dpi", &o.dpi, 1, 2400,
                    "a pixel is drawn dpi / 72 wide; 90: the authors', 96: rsvg-convert "
                    "since 2.52"),
        STAGE_CHOICE("size", &o.size, "round|ceil", "of the drawing, in pixels"),
        STAGE_INT("side", &o.side, 1, 65535, "the shorter side when scaled back"),
        STAGE_INT("crop", &o.crop, 1, 4096, "the side of the middle that is kept"),
        STAGE_BOOL("svg-kept", &o.keep_svg, "keep the drawings, too"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
