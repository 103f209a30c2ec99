/*
 * segment - the silhouettes of what the pictures of a set show, found by DeepLab-v2.
 *
 * in   set          image set with classes: pictures, or the files they came in
 *      classes      TSV: class label: of a picture's class, the label that the network
 * has for it; pictures of other classes are left out model        weights (import-weights
 * arch=deeplab, or train-segmenter); without it the exact masks are the silhouettes masks
 * image set with the same names (compose): where the object is, exactly only         a
 * list of lists of pictures (TSV: image): those that are in any of them out  silhouettes
 * the pixels that have the label of the picture's class in one colour, all others in the
 * other; saved as the authors' sample is, as grey JPEG of quality 75, but at 32 pixels as
 * they are; then scaled so that the shorter side has `side` pixels, of which the middle
 * `crop` is, as RGB areas        TSV: image class label pixels of: the size of the
 * silhouette, and of the picture as the network saw it overlaps     TSV: image label
 * found exact both: pixels, with masks and a model; else empty
 */
#include <string.h>

#include "image/decode.h"
#include "image/resize.h"
#include "image/saved.h"
#include "image/set.h"
#include "kit/lists.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "segment/input.h"
#include "segment/overlap.h"
#include "segment/scales.h"

#include "larder/banned.h"

enum { SAVED_QUALITY = 75, MASK_FROM = 128, MOST_CLASSES = 1 << 20 };

struct options {
    const char *set, *classes, *model, *masks, *only;
    const char *silhouettes, *areas, *overlaps;
    const char *object, *empty, *coordinates, *save;
    int input, side, crop, batch, lanes, background;
    bool several;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct imageset *set, *masks, *made;
    int *label_of; /* of each class, or -1 */
    int n_classes;
    struct map only;
    struct tensors weights;
    struct scales *scales;
    struct image *input; /* a batch under way, all of one size */
    int n;
    float *pixels;
    int *label;
    struct overlap *overlap;
    struct buf areas, overlaps;
};

/* Opening. */

static int take_class(struct work *w, long class, long label, struct error *err)
{
    if (class < 0 || class >= MOST_CLASSES || label < 0)
        return error_set(err, E_INPUT, "class %ld with label %ld", class, label);
    if (class >= w->n_classes) {
        w->label_of = xrealloc(w->label_of, (size_t)(class + 1) * sizeof *w->label_of);
        while (w->n_classes <= class)
            w->label_of[w->n_classes++] = -1;
    }
    w->label_of[class] = (int)label;
    return 0;
}

static int read_classes(struct work *w, struct error *err)
{
    struct tsv t = { 0 };
    int rc = tsv_read(&t, w->o->classes, err), class = -1, label = -1;
    long of[2];

    if (rc == 0)
        rc = class = tsv_column(&t, "class", err);
    if (rc >= 0)
        rc = label = tsv_column(&t, "label", err);
    for (size_t i = 0; rc >= 0 && i < t.n_rows; i++) {
        rc = tsv_long(&t, i, class, &of[0], err);
        if (rc == 0)
            rc = tsv_long(&t, i, label, &of[1], err);
        if (rc == 0)
            rc = take_class(w, of[0], of[1], err);
    }
    tsv_release(&t);
    return rc < 0 ? rc : 0;
}

static int open_model(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    struct scales_use use = { .weights = &w->weights,
                              .batch = o->batch,
                              .lanes = o->lanes,
                              .threads = stage_threads(),
                              .several = o->several,
                              .by_factor = strcmp(o->coordinates, "factor") == 0 };
    int rc;

    if (!o->model && !o->masks)
        return error_set(err, E_INPUT, "give a model, or the masks themselves");
    if (!o->model)
        return 0;
    rc = tensors_read(&w->weights, o->model, err);
    if (rc == 0 && (rc = scales_open(&w->scales, &use, err)) < 0)
        return error_context(err, "%s", o->model);
    if (rc == 0)
        w->overlap = xcalloc((size_t)scales_labels(w->scales), sizeof *w->overlap);
    for (int c = 0; c < w->n_classes && rc == 0; c++)
        if (w->label_of[c] >= scales_labels(w->scales))
            rc = error_set(err, E_INPUT, "%s: class %d has label %d; %s has %d labels",
                           o->classes, c, w->label_of[c], o->model,
                           scales_labels(w->scales));
    return rc;
}

static int open_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    long long payload;
    int rc;

    if (o->crop > o->side)
        return error_set(err, E_INPUT, "crop=%d is larger than side=%d", o->crop,
                         o->side);
    rc = imageset_open_files(&w->set, o->set, err);
    if (rc == 0 && o->masks)
        rc = imageset_open(&w->masks, o->masks, err);
    if (rc == 0)
        rc = read_classes(w, err);
    if (rc == 0)
        rc = o->only ? lists_read(&w->only, o->only, err) : 0;
    if (rc == 0)
        rc = open_model(w, err);
    if (rc < 0)
        return rc;
    w->input = xcalloc((size_t)o->batch, sizeof *w->input);
    buf_adds(&w->areas, "image\tclass\tlabel\tpixels\tof\n");
    buf_adds(&w->overlaps, "image\tlabel\tfound\texact\tboth\n");
    payload = imageset_size(w->set) * (3LL * o->crop * o->crop + 511);
    return imageset_create(&w->made, o->silhouettes, payload, err);
}

static void close_all(struct work *w)
{
    for (int i = 0; i < w->n; i++)
        image_release(&w->input[i]);
    free(w->input);
    imageset_close(w->made);
    imageset_close(w->masks);
    imageset_close(w->set);
    scales_close(w->scales);
    tensors_release(&w->weights);
    map_release(&w->only);
    free(w->label_of);
    free(w->pixels);
    free(w->label);
    free(w->overlap);
    buf_release(&w->areas);
    buf_release(&w->overlaps);
}

/* A picture. */

static int label_wanted(const struct work *w, const struct image *im)
{
    return im->label >= 0 && im->label < w->n_classes ? w->label_of[im->label] : -1;
}

/* The exact label of each pixel of im, new (free()), or NULL where there are no masks. */
static int exact_labels(struct work *w, const struct image *im, int **exact,
                        struct error *err)
{
    size_t n = (size_t)im->width * im->height;
    struct image mask;
    long i;
    int rc;

    *exact = NULL;
    if (w->masks == NULL)
        return 0;
    i = imageset_find(w->masks, im->name);
    if (i < 0)
        return error_set(err, E_INPUT, "%s has no mask of %s", w->o->masks, im->name);
    rc = imageset_get(w->masks, i, &mask, err);
    if (rc < 0)
        return rc;
    if (mask.width != im->width || mask.height != im->height || mask.channels != 1)
        return error_set(err, E_INPUT, "%s: the mask of %s is not one of %d x %d",
                         w->o->masks, im->name, im->width, im->height);
    *exact = xcalloc(n, sizeof **exact);
    for (size_t k = 0; k < n; k++)
        (*exact)[k] = mask.pixel[k] >= MASK_FROM ? label_wanted(w, im) : w->o->background;
    return 0;
}

static void tell_overlap(struct work *w, const struct image *im, const int *found,
                         const int *exact)
{
    size_t n = (size_t)im->width * im->height;
    int labels = scales_labels(w->scales);

    memset(w->overlap, 0, (size_t)labels * sizeof *w->overlap);
    overlap_add(w->overlap, labels, found, exact, n);
    for (int k = 0; k < labels; k++) {
        const struct overlap *v = &w->overlap[k];

        if (v->found > 0 || v->exact > 0)
            buf_printf(&w->overlaps, "%s\t%d\t%ld\t%ld\t%ld\n", im->name, k, v->found,
                       v->exact, v->both);
    }
}

/* *to is new, as a network that classifies reads it. */
static int paint(const struct work *w, const struct image *im, const int *label,
                 struct image *to, struct error *err)
{
    const struct options *o = w->o;
    const struct saving saving = { o->save, SAVED_QUALITY, false };
    bool light = strcmp(o->object, "light") == 0;
    size_t n = (size_t)im->width * im->height;
    struct image grey, rgb;
    int rc;

    image_init(&grey, im->width, im->height, 1);
    grey.name = im->name;
    for (size_t k = 0; k < n; k++)
        grey.pixel[k] = (label[k] == label_wanted(w, im)) == light ? 255 : 0;
    rc = saved_replace(&grey, &saving, err);
    if (rc == 0) {
        image_rgb(&rgb, &grey);
        image_fit(to, &rgb, o->side, o->crop);
        image_release(&rgb);
    }
    image_release(&grey);
    return rc;
}

static int keep(struct work *w, const struct image *im, const int *label,
                struct error *err)
{
    size_t n = (size_t)im->width * im->height, pixels = 0;
    struct image to = { 0 };
    int rc;

    for (size_t k = 0; k < n; k++)
        pixels += label[k] == label_wanted(w, im);
    buf_printf(&w->areas, "%s\t%d\t%d\t%zu\t%zu\n", im->name, (int)im->label,
               label_wanted(w, im), pixels, n);
    if (pixels == 0 && strcmp(w->o->empty, "drop") == 0)
        return 0;
    rc = paint(w, im, label, &to, err);
    if (rc == 0) {
        to.name = im->name;
        to.label = im->label;
        to.texture = im->texture;
        rc = imageset_append(w->made, &to, err);
    }
    image_release(&to);
    return rc;
}

/* The batch under way. */

static int predict(struct work *w, struct error *err)
{
    int width = w->input[0].width, height = w->input[0].height, rc = 0;
    size_t n = (size_t)width * height;

    w->pixels = xrealloc(w->pixels, (size_t)w->n * n * 3 * sizeof *w->pixels);
    w->label = xrealloc(w->label, (size_t)w->n * n * sizeof *w->label);
    for (int i = 0; i < w->n; i++)
        input_floats(&w->input[i], w->pixels + i * n * 3);
    rc = scales_run(w->scales, w->pixels, w->n, height, width, w->label, err);
    return rc < 0 ? error_context(err, "%s", w->input[0].name) : 0;
}

static int flush(struct work *w, struct error *err)
{
    int rc = w->n > 0 && w->scales != NULL ? predict(w, err) : 0;

    for (int i = 0; i < w->n; i++) {
        struct image *im = &w->input[i];
        size_t n = (size_t)im->width * im->height;
        int *exact = NULL;

        if (rc == 0)
            rc = exact_labels(w, im, &exact, err);
        if (rc == 0 && w->scales != NULL && exact != NULL)
            tell_overlap(w, im, w->label + i * n, exact);
        if (rc == 0)
            rc = keep(w, im, w->scales != NULL ? w->label + i * n : exact, err);
        free(exact);
        image_release(im);
    }
    w->n = 0;
    return rc;
}

static int add(struct work *w, const struct image *from, struct error *err)
{
    struct image whole, im;
    int rc = input_load(&whole, from, err);

    if (rc < 0)
        return rc;
    input_scale(&im, &whole, w->o->input);
    image_release(&whole);
    if (w->n == w->o->batch ||
        (w->n > 0 && (im.width != w->input[0].width || im.height != w->input[0].height)))
        rc = flush(w, err);
    w->input[w->n++] = im;
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_all(&w, err);
    long n = rc == 0 ? imageset_size(w.set) : 0;

    for (long i = 0; i < n && rc == 0; i++) {
        struct image im;

        rc = imageset_get(w.set, i, &im, err);
        if (rc == 0 && label_wanted(&w, &im) >= 0 &&
            (!w.o->only || map_get(&w.only, im.name) != NULL))
            rc = add(&w, &im, err);
        progress_step(i + 1, n, "picture");
    }
    if (rc == 0)
        rc = flush(&w, err);
    if (rc == 0)
        rc = imageset_commit(w.made, err);
    if (rc == 0)
        rc = tsv_write(w.o->areas, &w.areas, err);
    if (rc == 0)
        rc = tsv_write(w.o->overlaps, &w.overlaps, err);
    close_all(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .object = "light",
                         .empty = "keep",
                         .coordinates = "ratio",
                         .save = "auto",
                         .input = 513,
                         .side = 256,
                         .crop = 224,
                         .batch = 1,
                         .lanes = 1,
                         .background = -1,
                         .several = true };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the silhouettes of what pictures show, found by DeepLab-v2"),
        STAGE_IN_SET("set", &o.set, "pictures with classes, or the files they came in"),
        STAGE_IN("classes", &o.classes, "TSV: class label: what to look for"),
        STAGE_MAY_IN("model", &o.model, "weights; left out: the masks are taken"),
        STAGE_MAY_IN_SET("masks", &o.masks, "where the objects are, exactly"),
        STAGE_MAY_IN_LIST("only", &o.only, "lists of pictures (TSV: image): only these"),
        STAGE_OUT_SET("silhouettes", &o.silhouettes, "of the same pictures"),
        STAGE_OUT("areas", &o.areas, "TSV: image class label pixels of"),
        STAGE_OUT("overlaps", &o.overlaps, "TSV: image label found exact both"),
        STAGE_CHOICE("object", &o.object, "light|dark", "on black, or on white"),
        STAGE_CHOICE("empty", &o.empty, "keep|drop",
                     "pictures in which nothing is found: plain ones, or none"),
        STAGE_INT("input", &o.input, 1, 65535,
                  "the longer side of a picture as the network sees it"),
        STAGE_BOOL("several", &o.several, "seen at half and three quarters too"),
        STAGE_CHOICE("coordinates", &o.coordinates, "ratio|factor",
                     "of smaller scales: as PyTorch to 1.5, or from 1.6"),
        STAGE_INT("background", &o.background, -1, 65535,
                  "the label of what is behind the object; -1: it has none"),
        STAGE_CHOICE("save", &o.save, SAVED_CHOICES,
                     "through JPEG of quality 75; auto: but at 32 pixels, as they are"),
        STAGE_INT("side", &o.side, 1, 65535, "the shorter side after scaling"),
        STAGE_INT("crop", &o.crop, 1, 4096, "the side of the middle that is kept"),
        STAGE_INT("batch", &o.batch, 1, 4096, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
