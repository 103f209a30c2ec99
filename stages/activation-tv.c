/*
 * activation-tv - how rough the activations of a network are, for pictures as they are
 * and with noise. Paper, section 3.3, Figures 3 and A5.
 *
 * in   model  weights (safetensors)
 *      set    image set
 *      noisy  image set with the same names: the pictures with noise; left out, normal
 *             noise of `sigma` is added to each value, and what leaves 0..1 is cut off
 *      only   a list of lists of pictures (TSV: image): those that are in any of them
 * out  tv     TSV: layer channel n tv_clean se_clean tv_noisy se_noisy
 *
 * Of each channel of a layer, behind its ReLU: the total variation of its map (the sum of
 * the absolute differences of places that lie side by side or one above the other), as a
 * mean over the pictures, and the standard error of that mean. Layers are those taps of
 * the network that are maps; a name with a dot is left out (conv1.raw).
 *
 * Draws of noise: stage `activation-tv`, the item the picture's name, stream 0, the index
 * of the value: N(0, 1) times sigma.
 */
#include <math.h>
#include <string.h>

#include "kit/draws.h"
#include "kit/lists.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/model.h"
#include "nn/layers.h"

#include "larder/banned.h"

enum { CLEAN, NOISY, SIDES };

struct options {
    const char *model, *set, *noisy, *only, *tv;
    int batch, lanes, take;
    double sigma;
    uint64_t seed;
};

/* Over the pictures so far, one value a channel of a layer. */
struct sums {
    double *sum[SIDES], *squares[SIDES];
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct model model;
    struct imageset *set, *noisy;
    struct map only;
    struct layers layers;
    struct sums *sums; /* one a layer */
    long n;            /* pictures so far */
    float *pixels[SIDES], *map;
    struct image *image; /* of the batch */
    int in_batch;
};

static size_t picture_values(const struct work *w)
{
    const struct graph *g = w->model.graph;

    return (size_t)g->H * g->W * g->C;
}

static void make_sums(struct work *w)
{
    w->sums = xcalloc(w->layers.n, sizeof *w->sums);
    for (size_t i = 0; i < w->layers.n; i++)
        for (int s = 0; s < SIDES; s++) {
            size_t C = (size_t)w->layers.layer[i].C;

            w->sums[i].sum[s] = xcalloc(C, sizeof *w->sums[i].sum[s]);
            w->sums[i].squares[s] = xcalloc(C, sizeof *w->sums[i].squares[s]);
        }
    w->map = xcalloc(w->layers.most * (size_t)w->o->batch, sizeof *w->map);
}

static int open_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    struct model_use use = { .batch = o->batch, .lanes = o->lanes };
    int rc = model_open(&w->model, o->model, &use, err);

    if (rc == 0)
        rc = imageset_open(&w->set, o->set, err);
    if (rc == 0)
        rc = shape_check(o->set, w->set, w->model.graph, err);
    if (rc == 0 && o->noisy)
        rc = imageset_open(&w->noisy, o->noisy, err);
    if (rc == 0 && o->noisy)
        rc = shape_check(o->noisy, w->noisy, w->model.graph, err);
    if (rc == 0 && o->only)
        rc = lists_read(&w->only, o->only, err);
    if (rc == 0)
        rc = layers_open(&w->layers, w->model.graph, "", err);
    if (rc < 0)
        return rc;
    make_sums(w);
    for (int s = 0; s < SIDES; s++)
        w->pixels[s] =
            xcalloc((size_t)o->batch * picture_values(w), sizeof *w->pixels[s]);
    w->image = xcalloc((size_t)o->batch, sizeof *w->image);
    return 0;
}

static void close_all(struct work *w)
{
    for (size_t i = 0; w->sums != NULL && i < w->layers.n; i++)
        for (int s = 0; s < SIDES; s++) {
            free(w->sums[i].sum[s]);
            free(w->sums[i].squares[s]);
        }
    free(w->sums);
    layers_close(&w->layers);
    free(w->map);
    free(w->image);
    for (int s = 0; s < SIDES; s++)
        free(w->pixels[s]);
    map_release(&w->only);
    imageset_close(w->noisy);
    imageset_close(w->set);
    model_close(&w->model);
}

/* A picture, and with noise. */
static int load(struct work *w, const struct image *im, int at, struct error *err)
{
    size_t n = picture_values(w);
    float *clean = w->pixels[CLEAN] + at * n, *noisy = w->pixels[NOISY] + at * n;
    struct image other;
    struct draws d;
    int rc = 0;

    image_to_floats(im, clean);
    if (w->noisy != NULL) {
        long i = imageset_find(w->noisy, im->name);

        if (i < 0)
            return error_set(err, E_INPUT, "%s has no picture %s", w->o->noisy, im->name);
        rc = imageset_get(w->noisy, i, &other, err);
        if (rc == 0)
            image_to_floats(&other, noisy);
        return rc;
    }
    draws_init(&d, "activation-tv", "", im->name, w->o->seed);
    for (size_t i = 0; i < n; i++) {
        double v = (double)clean[i] + w->o->sigma * draws_normal(&d, 0, i);
        noisy[i] = (float)fmin(fmax(v, 0), 1);
    }
    return 0;
}

/* Adds the variations of the channels of one map, H x W x C. */
static void add_map(const struct layer *l, const float *map, double *room,
                    struct sums *to, int side)
{
    int C = l->C;

    memset(room, 0, (size_t)C * sizeof *room);
    for (int y = 0; y < l->H; y++) {
        for (int x = 0; x < l->W; x++) {
            const float *v = map + (size_t)(y * l->W + x) * C;

            for (int c = 0; c < C && x + 1 < l->W; c++)
                room[c] += fabs((double)v[c + C] - (double)v[c]);
            for (int c = 0; c < C && y + 1 < l->H; c++)
                room[c] += fabs((double)v[c + l->W * C] - (double)v[c]);
        }
    }
    for (int c = 0; c < C; c++) {
        to->sum[side][c] += room[c];
        to->squares[side][c] += room[c] * room[c];
    }
}

static int add_side(struct work *w, int side, struct error *err)
{
    int rc = net_forward(w->model.net, w->pixels[side], w->in_batch, NULL, err);

    for (size_t k = 0; k < w->layers.n && rc == 0; k++) {
        const struct layer *l = &w->layers.layer[k];
        double *room = xcalloc((size_t)l->C, sizeof *room);

        rc = net_tap(w->model.net, l->tap, w->map, err);
        for (int i = 0; i < w->in_batch && rc == 0; i++)
            add_map(l, w->map + (size_t)i * l->C * l->H * l->W, room, &w->sums[k], side);
        free(room);
    }
    return rc;
}

static int flush(struct work *w, struct error *err)
{
    int rc = 0;

    for (int s = 0; s < SIDES && rc == 0 && w->in_batch > 0; s++)
        rc = add_side(w, s, err);
    w->n += w->in_batch;
    w->in_batch = 0;
    return rc;
}

static int measure(struct work *w, struct error *err)
{
    long all = imageset_size(w->set), most = w->o->take > 0 ? w->o->take : all;
    int rc = 0;

    for (long i = 0; i < all && w->n + w->in_batch < most && rc == 0; i++) {
        struct image im;

        rc = imageset_get(w->set, i, &im, err);
        if (rc == 0 && (!w->o->only || map_get(&w->only, im.name) != NULL))
            rc = load(w, &im, w->in_batch++, err);
        if (rc == 0 && w->in_batch == w->o->batch)
            rc = flush(w, err);
        progress_step(i + 1, all, "picture");
    }
    if (rc == 0)
        rc = flush(w, err);
    if (rc == 0 && w->n == 0)
        rc = error_set(err, E_INPUT, "%s has none of the pictures that %s names",
                       w->o->set, w->o->only ? w->o->only : "it");
    return rc;
}

/* Mean and its standard error. */
static void add_mean(const struct sums *of, int side, int c, double n, struct buf *to)
{
    double mean = of->sum[side][c] / n, rest = of->squares[side][c] / n - mean * mean;
    double error = n > 1 ? sqrt(fmax(rest, 0) / (n - 1)) : 0;

    buf_printf(to, "\t%.6g\t%.6g", mean, error);
}

static int write_table(const struct work *w, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    buf_adds(&text, "layer\tchannel\tn\ttv_clean\tse_clean\ttv_noisy\tse_noisy\n");
    for (size_t k = 0; k < w->layers.n; k++) {
        const struct layer *l = &w->layers.layer[k];

        for (int c = 0; c < l->C; c++) {
            buf_printf(&text, "%s\t%d\t%ld", l->tap, c, w->n);
            for (int s = 0; s < SIDES; s++)
                add_mean(&w->sums[k], s, c, (double)w->n, &text);
            buf_adds(&text, "\n");
        }
    }
    rc = tsv_write(w->o->tv, &text, err);
    buf_release(&text);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_all(&w, err);

    if (rc == 0)
        rc = measure(&w, err);
    if (rc == 0)
        rc = write_table(&w, err);
    close_all(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .batch = 32, .lanes = 1, .sigma = .08 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("how rough activations are, without and with noise"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_IN_SET("set", &o.set, "pictures"),
        STAGE_MAY_IN_SET("noisy", &o.noisy, "the same with noise; else it is drawn"),
        STAGE_MAY_IN_LIST("only", &o.only, "lists of pictures (TSV: image): only these"),
        STAGE_OUT("tv", &o.tv, "TSV: layer channel n, and both variations"),
        STAGE_FLOAT("sigma", &o.sigma, 0, 10, "of the noise, of pixels in 0..1"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
