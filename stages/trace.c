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
#include "image/resize.h"
#include "image/set.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/fs.h"

#include "larder/banned.h"

struct options {
    const char *set, *traced, *svg, *size;
    int side, crop;
    double dpi;
    bool keep_svg;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct imageset *from, *to;
};

static int write_svg(const struct options *o, const char *name, const struct buf *svg,
                     struct error *err)
{
    struct buf path = { 0 };
    char *slash;
    int rc = 0;

    if (name[0] == '/' || strstr(name, "..") != NULL)
        return error_set(err, E_INPUT, "no file can be called so");
    buf_printf(&path, "%s/%s.svg", o->svg, name);
    slash = strrchr(path.s, '/');
    *slash = '\0';
    rc = fs_mkdirs(path.s, err);
    *slash = '/';
    if (rc == 0)
        rc = fs_write(buf_str(&path), svg->s, svg->len, false, err);
    buf_release(&path);
    return rc;
}

/* The picture itself: *im is new where it came as a file, else borrows. */
static int decode(const struct image *from, struct image *im, struct error *err)
{
    *im = *from;
    if (from->file == NULL)
        return 0;
    *im = (struct image){ .name = from->name };
    return image_decode(im, from->file, from->file_bytes, err);
}

static int make(const struct options *o, const struct image *from, struct image *to,
                struct error *err)
{
    struct buf svg = { 0 };
    struct tracing t = { .dpi = o->dpi,
                         .round_up = strcmp(o->size, "ceil") == 0,
                         .svg = o->keep_svg ? &svg : NULL };
    struct image im, grey = { 0 }, rgb = { 0 };
    int rc = decode(from, &im, err);

    if (rc == 0)
        rc = trace(&grey, &im, &t, err);
    if (rc == 0 && o->keep_svg)
        rc = write_svg(o, from->name, &svg, err);
    if (rc == 0) {
        image_rgb(&rgb, &grey);
        image_fit(to, &rgb, o->side, o->crop);
    }
    image_release(&rgb);
    image_release(&grey);
    image_release(&im);
    buf_release(&svg);
    return rc < 0 ? error_context(err, "%s", from->name) : 0;
}

static int add(struct work *w, const struct image *from, struct error *err)
{
    struct image out = { 0 };
    int rc = make(w->o, from, &out, err);

    if (rc == 0) {
        out.name = from->name;
        out.label = from->label;
        out.texture = from->texture;
        rc = imageset_append(w->to, &out, err);
    }
    image_release(&out);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    const struct options *o = w.o;
    long long each = 3LL * o->crop * o->crop + 511;
    struct image im;
    long n;
    int rc = fs_mkdirs(o->svg, err);

    if (o->crop > o->side)
        return error_set(err, E_INPUT, "crop=%d is larger than side=%d", o->crop,
                         o->side);
    if (rc == 0)
        rc = imageset_open_files(&w.from, o->set, err);
    n = rc == 0 ? imageset_size(w.from) : 0;
    if (rc == 0)
        rc = imageset_create(&w.to, o->traced, n * each, err);
    for (long i = 0; i < n && rc == 0; i++) {
        rc = imageset_get(w.from, i, &im, err);
        if (rc == 0)
            rc = add(&w, &im, err);
        progress_step(i + 1, n, "picture");
    }
    if (rc == 0)
        rc = imageset_commit(w.to, err);
    imageset_close(w.to);
    imageset_close(w.from);
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
