/*
 * top-images - which pictures activate each channel most, at the middle of its map. The
 * paper, Figures 5 and A12 to A26.
 *
 * in   model  weights (safetensors)
 *      set    pictures, of the size that the network reads, or kept as files, which are
 *             then scaled and cut
 * out  top    TSV: layer unit rank image value, by layer, unit and rank from 1
 *
 * The value is the activation behind the ReLU at the place (H/2, W/2), rounded down; of
 * equal ones the picture that comes first by name is before. Figures show fewer than `n`
 * without running a network again.
 */
#include <string.h>

#include "image/decode.h"
#include "image/resize.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/model.h"
#include "nn/layers.h"

#include "larder/banned.h"

struct options {
    const char *model, *set, *top, *layers;
    int n, batch, lanes, take, side, crop;
};

struct hit {
    float value;
    long picture;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct model model;
    struct imageset *set;
    struct layers layers;
    struct hit **best; /* of each layer: of each unit n, by value */
    long seen;         /* pictures so far */
    float *pixels, *map;
    int in_batch;
};

static int open_work(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    const struct model_use use = { .batch = o->batch, .lanes = o->lanes };
    int rc = model_open(&w->model, o->model, &use, err);
    const struct graph *g = w->model.graph;

    if (rc == 0)
        rc = imageset_open_files(&w->set, o->set, err);
    if (rc == 0 && imageset_size(w->set) == 0)
        rc = error_set(err, E_INPUT, "%s has no picture", o->set);
    if (rc == 0)
        rc = layers_open(&w->layers, g, o->layers, err);
    if (rc < 0)
        return rc;
    w->pixels = xcalloc((size_t)o->batch * (size_t)(g->C * g->H * g->W), sizeof(float));
    w->map = xcalloc((size_t)o->batch * w->layers.most, sizeof *w->map);
    w->best = xcalloc(w->layers.n + 1, sizeof *w->best);
    for (size_t i = 0; i < w->layers.n; i++)
        w->best[i] =
            xcalloc((size_t)w->layers.layer[i].C * (size_t)o->n, sizeof **w->best);
    return 0;
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->best != NULL && i < w->layers.n; i++)
        free(w->best[i]);
    free(w->best);
    free(w->pixels);
    free(w->map);
    layers_close(&w->layers);
    imageset_close(w->set);
    model_close(&w->model);
}

/* A picture as the network reads it. */
static int load(struct work *w, const struct image *im, float *to, struct error *err)
{
    const struct graph *g = w->model.graph;
    struct image rgb = { 0 }, fitted = { 0 };
    const struct image *is = im;
    int rc = 0;

    if (im->file != NULL) {
        rc = image_load_rgb(&rgb, im, err);
        if (rc < 0)
            return rc;
        image_fit(&fitted, &rgb, w->o->side, w->o->crop);
        is = &fitted;
    }
    if (is->width != g->W || is->height != g->H || is->channels != g->C)
        rc = error_set(err, E_INPUT, "%s: %s has %d x %d pixels; %s reads %d x %d",
                       w->o->set, im->name, is->width, is->height, g->name, g->W, g->H);
    else
        image_to_floats(is, to);
    image_release(&fitted);
    image_release(&rgb);
    return rc;
}

/* Puts a value into its place among the n best; earlier pictures come first. */
static void offer(struct hit *best, int n, long seen, float value, long picture)
{
    int have = seen < n ? (int)seen : n, at = have;

    if (have == n && value <= best[n - 1].value)
        return;
    while (at > 0 && best[at - 1].value < value)
        at--;
    memmove(best + at + 1, best + at,
            (size_t)((have < n ? have : n - 1) - at) * sizeof *best);
    best[at] = (struct hit){ value, picture };
}

static int add_layer(struct work *w, size_t i, struct error *err)
{
    const struct layer *l = &w->layers.layer[i];
    size_t size = (size_t)l->C * (size_t)l->H * (size_t)l->W;
    size_t middle =
        ((size_t)(l->H / 2) * (size_t)l->W + (size_t)(l->W / 2)) * (size_t)l->C;
    int rc = net_tap(w->model.net, l->tap, w->map, err);

    for (int k = 0; k < w->in_batch && rc == 0; k++)
        for (int c = 0; c < l->C; c++)
            offer(w->best[i] + (size_t)c * (size_t)w->o->n, w->o->n, w->seen + k,
                  w->map[(size_t)k * size + middle + (size_t)c], w->seen + k);
    return rc;
}

static int flush(struct work *w, struct error *err)
{
    int rc = w->in_batch > 0
                 ? net_forward(w->model.net, w->pixels, w->in_batch, NULL, err)
                 : 0;

    for (size_t i = 0; i < w->layers.n && rc == 0 && w->in_batch > 0; i++)
        rc = add_layer(w, i, err);
    w->seen += w->in_batch;
    w->in_batch = 0;
    return rc;
}

static int look_at_all(struct work *w, struct error *err)
{
    const struct graph *g = w->model.graph;
    size_t size = (size_t)g->C * (size_t)g->H * (size_t)g->W;
    long all = imageset_size(w->set);
    int rc = 0;

    all = w->o->take > 0 && w->o->take < all ? w->o->take : all;
    for (long i = 0; i < all && rc == 0; i++) {
        struct image im;

        rc = imageset_get(w->set, i, &im, err);
        if (rc == 0)
            rc = load(w, &im, w->pixels + (size_t)w->in_batch++ * size, err);
        if (rc == 0 && w->in_batch == w->o->batch)
            rc = flush(w, err);
        progress_step(i + 1, all, "picture");
    }
    return rc == 0 ? flush(w, err) : rc;
}

static int write_table(struct work *w, struct error *err)
{
    int n = w->seen < w->o->n ? (int)w->seen : w->o->n, rc = 0;
    struct buf text = { 0 };

    buf_adds(&text, "layer\tunit\trank\timage\tvalue\n");
    for (size_t i = 0; i < w->layers.n; i++)
        for (int c = 0; c < w->layers.layer[i].C; c++)
            for (int k = 0; k < n && rc == 0; k++) {
                const struct hit *h =
                    &w->best[i][(size_t)c * (size_t)w->o->n + (size_t)k];
                struct image im;

                rc = imageset_get(w->set, h->picture, &im, err);
                if (rc == 0)
                    buf_printf(&text, "%s\t%d\t%d\t%s\t%.6g\n", w->layers.layer[i].tap, c,
                               k + 1, im.name, (double)h->value);
            }
    if (rc == 0)
        rc = tsv_write(w->o->top, &text, err);
    buf_release(&text);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    if (rc == 0)
        rc = look_at_all(&w, err);
    if (rc == 0)
        rc = write_table(&w, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .layers = "", .n = 49, .batch = 64, .lanes = 1, .side = 256, .crop = 224
    };
    const struct stage_arg args[] = {
        STAGE_ABOUT("which pictures activate each channel most"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_IN_SET("set", &o.set, "pictures"),
        STAGE_OUT("top", &o.top, "TSV: layer unit rank image value"),
        STAGE_STRING("layers", &o.layers, "names joined by commas; empty: all"),
        STAGE_INT("n", &o.n, 1, 10000, "pictures a channel"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_INT("side", &o.side, 1, 65535,
                  "of pictures kept as files: the shorter side after scaling"),
        STAGE_INT("crop", &o.crop, 1, 4096, "the side of the middle that is kept"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
