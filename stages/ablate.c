/*
 * ablate - what a network no longer knows without one of its channels (the paper, section
 * 3.4).
 *
 * in   model    weights (safetensors)
 *      set      cue-conflict pictures: label is the class of the shape, texture that of
 *               the texture; those whose cues agree are left out
 *      classes  TSV with the columns class and coarse, as of `cue`; left out: identity
 * out  scores   TSV: layer unit n_shape n_texture shape texture
 *      changed  TSV: layer unit image cue old new drop, by layer, unit and picture
 *
 * n_shape pictures are answered by their shape, n_texture by their texture. A channel is
 * set to 0 everywhere behind its ReLU, dropout is off, and `shape` counts those answered
 * by shape whose coarse class is now another, whichever it is; `texture` likewise. drop
 * is how much the mean probability of the old class's members fell.
 *
 * method=plain runs the whole network again, its channel's weights set to 0; rest what
 * follows the layer; linear less than that (dissect/cut.h), and again by rest where the
 * two best classes are within 1e-5 of each other, so that rounding decides nothing.
 */
#include <math.h>
#include <string.h>

#include "dissect/cut.h"
#include "dissect/silence.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/cue.h"
#include "learn/model.h"
#include "nn/layers.h"

#include "larder/banned.h"

enum { SHAPE, TEXTURE, CUES };
static const char *const cue_word[CUES] = { "shape", "texture" };
#define TIE 1e-5

struct options {
    const char *model, *set, *classes, *scores, *changed;
    const char *layers, *method;
    int batch, lanes, first, units;
};

/* A picture that the whole network answers by a cue. */
struct picture {
    char *name;
    int cue, answer;
    double p; /* of the answer */
};

/* What one channel changes. */
struct change {
    size_t picture;
    int answer;
    double drop;
};

struct unit {
    struct change *change;
    size_t n, cap;
};

/* A row of input: a picture of the batch without a channel. */
struct row {
    int unit, k;
};

/* A layer, cut. */
struct place {
    struct cut cut;
    float *activations; /* of the batch */
    struct unit *unit;  /* C of them */
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct model model;
    struct feed feed;
    struct coarse coarse;
    struct tensors weights;
    struct layers layers;
    struct place *place;
    struct picture *picture;
    size_t n, cap;
    long by_cue[CUES];
    /* Of the batch: */
    size_t *which; /* places in picture */
    int in_batch;
    float *pixels, *reads, *gives, *input, *logits;
    double *p, *mean;
    /* Rows of input that wait for the network, of several channels of one layer: a full
     * batch costs what a small one does. */
    struct row *row;
    int n_rows;
};

static bool is_method(const struct work *w, const char *method)
{
    return strcmp(w->o->method, method) == 0;
}

static size_t values_of(const struct layer *l)
{
    return (size_t)l->C * (size_t)l->H * (size_t)l->W;
}

static int open_places(struct work *w, struct error *err)
{
    const struct cut_options o = { w->o->batch, w->o->lanes, is_method(w, "linear") };
    size_t most = 1, batch = (size_t)w->o->batch;
    int rc = 0;

    w->place = xcalloc(w->layers.n + 1, sizeof *w->place);
    for (size_t i = 0; i < w->layers.n && rc == 0; i++) {
        const struct layer *l = &w->layers.layer[i];
        struct cut *c = &w->place[i].cut;
        size_t gives;

        w->place[i].unit = xcalloc((size_t)l->C, sizeof *w->place[i].unit);
        if (is_method(w, "plain"))
            continue;
        w->place[i].activations = xcalloc(batch * values_of(l), sizeof(float));
        rc = cut_open(c, w->model.net, &w->weights, l->tap, &o, err);
        gives = (size_t)(c->out_C * c->out_H * c->out_W);
        most = gives > most ? gives : most;
    }
    most = w->layers.most > most ? w->layers.most : most;
    w->reads = xcalloc(batch * most, sizeof *w->reads);
    w->gives = xcalloc(batch * most, sizeof *w->gives);
    w->input = xcalloc(batch * most, sizeof *w->input);
    return rc;
}

static int open_work(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    const struct model_use use = { .batch = o->batch, .lanes = o->lanes };
    int rc = tensors_read(&w->weights, o->model, err);

    if (rc == 0)
        rc = model_open_weights(&w->model, o->model, &w->weights, &use, err);
    if (rc == 0)
        rc = feed_open(&w->feed, o->set, o->batch, 0, err);
    if (rc == 0)
        rc = shape_check(o->set, w->feed.set, w->model.graph, err);
    if (rc == 0 && o->classes)
        rc = coarse_read(&w->coarse, o->classes, w->model.classes, err);
    else if (rc == 0)
        coarse_identity(&w->coarse, w->model.classes);
    if (rc == 0)
        rc = layers_open(&w->layers, w->model.graph, o->layers, err);
    if (rc == 0)
        rc = open_places(w, err);
    if (rc < 0)
        return rc;
    w->which = xcalloc((size_t)o->batch, sizeof *w->which);
    w->row = xcalloc((size_t)o->batch, sizeof *w->row);
    w->pixels = xcalloc((size_t)o->batch *
                            (size_t)(w->feed.width * w->feed.height * w->feed.channels),
                        sizeof *w->pixels);
    w->logits = xcalloc((size_t)o->batch * (size_t)w->model.classes, sizeof *w->logits);
    w->p = xcalloc((size_t)w->model.classes, sizeof *w->p);
    w->mean = xcalloc((size_t)w->coarse.n, sizeof *w->mean);
    return 0;
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->place != NULL && i < w->layers.n; i++) {
        for (int u = 0; w->place[i].unit != NULL && u < w->layers.layer[i].C; u++)
            free(w->place[i].unit[u].change);
        free(w->place[i].unit);
        free(w->place[i].activations);
        cut_close(&w->place[i].cut);
    }
    for (size_t i = 0; i < w->n; i++)
        free(w->picture[i].name);
    free(w->place);
    free(w->picture);
    free(w->which);
    free(w->row);
    free(w->pixels);
    free(w->reads);
    free(w->gives);
    free(w->input);
    free(w->logits);
    free(w->p);
    free(w->mean);
    layers_close(&w->layers);
    tensors_release(&w->weights);
    coarse_release(&w->coarse);
    feed_close(&w->feed);
    model_close(&w->model);
}

/* The coarse class of picture k's logits; its mean stands in w->mean. */
static int decide(struct work *w, const float *logits, int k)
{
    softmax(logits + (size_t)k * (size_t)w->model.classes, w->model.classes, w->p);
    coarse_means(&w->coarse, w->p, w->mean);
    return largest(w->mean, w->coarse.n);
}

static bool is_close(const struct work *w, int best)
{
    double next = -1;

    for (int i = 0; i < w->coarse.n; i++)
        if (i != best && w->mean[i] > next)
            next = w->mean[i];
    return w->mean[best] - next < TIE * w->mean[best];
}

/* The first pass: which pictures are answered by a cue. */

static int keep_answers(struct work *w, struct error *err)
{
    for (int k = 0; k < w->feed.n; k++) {
        const struct image *im = &w->feed.image[k];
        int answer, cue;

        if (im->label < 0 || im->label >= w->coarse.n || im->texture < 0 ||
            im->texture >= w->coarse.n)
            return error_set(
                err, E_INPUT,
                "%s: picture %s has shape %d and texture %d; the classes are "
                "0 to %d",
                w->o->set, im->name, (int)im->label, (int)im->texture, w->coarse.n - 1);
        answer = decide(w, w->model.logits, k);
        cue = answer == im->label ? SHAPE : TEXTURE;
        if (im->label == im->texture || (answer != im->label && answer != im->texture))
            continue;
        GROW(w->picture, w->n + 1, w->cap);
        w->picture[w->n++] =
            (struct picture){ xstrdup(im->name), cue, answer, w->mean[answer] };
        w->by_cue[cue]++;
    }
    return 0;
}

static int answer_all(struct work *w, struct error *err)
{
    int rc;

    while ((rc = feed_next(&w->feed, err)) == FEED_BATCH) {
        rc = model_forward(&w->model, &w->feed, err);
        if (rc == 0)
            rc = keep_answers(w, err);
        if (rc < 0)
            return rc;
    }
    feed_rewind(&w->feed);
    return rc == FEED_END ? 0 : rc;
}

/* The second pass: each channel without. */

static void note(struct work *w, size_t layer, int unit, int k, int answer)
{
    struct unit *u = &w->place[layer].unit[unit];
    const struct picture *p = &w->picture[w->which[k]];

    if (answer == p->answer)
        return;
    GROW(u->change, u->n + 1, u->cap);
    u->change[u->n++] = (struct change){ w->which[k], answer, p->p - w->mean[p->answer] };
}

/* Sets a channel of one map to 0; false when it is. */
static bool clear(float *map, const struct layer *l, int unit)
{
    bool any = false;

    for (int i = 0; i < l->H * l->W; i++) {
        float *v = &map[(long)i * l->C + unit];

        any = any || *v != 0;
        *v = 0;
    }
    return any;
}

/* One picture by what follows the layer. */
static int redo(struct work *w, size_t layer, int unit, int k, struct error *err)
{
    const struct layer *l = &w->layers.layer[layer];
    size_t n = values_of(l);
    float *logits = xcalloc((size_t)w->model.classes, sizeof *logits);
    float *map = xcalloc(n, sizeof *map);
    int rc;

    memcpy(map, w->place[layer].activations + (size_t)k * n, n * sizeof *map);
    clear(map, l, unit);
    rc = cut_rest(&w->place[layer].cut, map, 1, logits, err);
    if (rc == 0)
        note(w, layer, unit, k, decide(w, logits, 0));
    free(map);
    free(logits);
    return rc;
}

/* Writes what follows without a channel, of one picture; false when the channel is 0
 * there and the answer stays. */
static bool fill(struct work *w, size_t layer, int unit, int k, float *to)
{
    const struct layer *l = &w->layers.layer[layer];
    const struct cut *c = &w->place[layer].cut;
    size_t gives = (size_t)(c->out_C * c->out_H * c->out_W), size = values_of(l);

    if (is_method(w, "linear")) {
        memcpy(to, w->gives + (size_t)k * gives, gives * sizeof *to);
        return cut_without(c, w->reads + (size_t)k * (size_t)(c->C * c->in_H * c->in_W),
                           unit, to);
    }
    memcpy(to, w->place[layer].activations + (size_t)k * size, size * sizeof *to);
    return clear(to, l, unit);
}

/* Runs the rows that wait. */
static int flush(struct work *w, size_t layer, struct error *err)
{
    bool linear = is_method(w, "linear");
    struct cut *c = &w->place[layer].cut;
    int n = w->n_rows, rc = 0;

    w->n_rows = 0;
    if (n > 0)
        rc = linear ? cut_tail(c, w->input, n, w->logits, err)
                    : cut_rest(c, w->input, n, w->logits, err);
    for (int i = 0; i < n && rc == 0; i++) {
        int answer = decide(w, w->logits, i);

        if (linear && is_close(w, answer))
            rc = redo(w, layer, w->row[i].unit, w->row[i].k, err);
        else
            note(w, layer, w->row[i].unit, w->row[i].k, answer);
    }
    return rc;
}

static int run_unit(struct work *w, size_t layer, int unit, struct error *err)
{
    const struct cut *c = &w->place[layer].cut;
    size_t size = is_method(w, "linear") ? (size_t)(c->out_C * c->out_H * c->out_W)
                                         : values_of(&w->layers.layer[layer]);
    int rc = 0;

    for (int k = 0; k < w->in_batch && rc == 0; k++) {
        if (!fill(w, layer, unit, k, w->input + (size_t)w->n_rows * size))
            continue;
        w->row[w->n_rows++] = (struct row){ unit, k };
        if (w->n_rows == w->o->batch)
            rc = flush(w, layer, err);
    }
    return rc;
}

static int run_plain(struct work *w, size_t layer, int unit, struct error *err)
{
    struct tensors weights = { 0 };
    int rc = tensors_read(&weights, w->o->model, err);

    if (rc == 0)
        rc =
            silence_unit(&weights, w->model.graph, w->layers.layer[layer].tap, unit, err);
    if (rc == 0)
        rc = net_set_parameters(w->model.net, &weights, err);
    if (rc == 0)
        rc = net_forward(w->model.net, w->pixels, w->in_batch, w->logits, err);
    for (int k = 0; k < w->in_batch && rc == 0; k++)
        note(w, layer, unit, k, decide(w, w->logits, k));
    tensors_release(&weights);
    return rc;
}

/* The units that are asked for: all, or a block. */
static bool is_wanted(const struct work *w, int unit)
{
    return unit >= w->o->first && (w->o->units == 0 || unit < w->o->first + w->o->units);
}

static int run_layer(struct work *w, size_t layer, struct error *err)
{
    const struct layer *l = &w->layers.layer[layer];
    struct place *p = &w->place[layer];
    int rc = 0;

    if (is_method(w, "linear"))
        rc = cut_head(&p->cut, p->activations, w->in_batch, w->reads, w->gives, err);
    for (int unit = 0; unit < l->C && rc == 0; unit++)
        if (is_wanted(w, unit))
            rc = is_method(w, "plain") ? run_plain(w, layer, unit, err)
                                       : run_unit(w, layer, unit, err);
    return rc == 0 && !is_method(w, "plain") ? flush(w, layer, err) : rc;
}

/* What the layers give, before channels without take its place in the network. */
static int look(struct work *w, struct error *err)
{
    int rc = net_forward(w->model.net, w->pixels, w->in_batch, NULL, err);

    for (size_t i = 0; i < w->layers.n && rc == 0; i++)
        rc = net_tap(w->model.net, w->layers.layer[i].tap, w->place[i].activations, err);
    return rc;
}

static int run_batch(struct work *w, struct error *err)
{
    int rc = is_method(w, "plain") ? 0 : look(w, err);

    for (size_t i = 0; i < w->layers.n && rc == 0; i++)
        rc = run_layer(w, i, err);
    return rc;
}

/* Those of the feed's batch that are answered by a cue. */
static void gather(struct work *w, size_t *next)
{
    size_t size = (size_t)(w->feed.width * w->feed.height * w->feed.channels);

    w->in_batch = 0;
    for (int k = 0; k < w->feed.n; k++) {
        if (*next == w->n || strcmp(w->picture[*next].name, w->feed.image[k].name) != 0)
            continue;
        memcpy(w->pixels + (size_t)w->in_batch * size, w->feed.pixels + (size_t)k * size,
               size * sizeof *w->pixels);
        w->which[w->in_batch++] = (*next)++;
    }
}

static int ablate_all(struct work *w, struct error *err)
{
    size_t next = 0;
    int rc;

    while ((rc = feed_next(&w->feed, err)) == FEED_BATCH) {
        gather(w, &next);
        if (w->in_batch > 0)
            rc = run_batch(w, err);
        if (rc < 0)
            return rc;
        progress_step(w->feed.at, w->feed.size, "picture");
    }
    return rc == FEED_END ? 0 : rc;
}

static void add_unit(const struct work *w, size_t layer, int unit, struct buf *scores,
                     struct buf *changed)
{
    const struct unit *u = &w->place[layer].unit[unit];
    const char *tap = w->layers.layer[layer].tap;
    long n[CUES] = { 0 };

    for (size_t i = 0; i < u->n; i++) {
        const struct picture *p = &w->picture[u->change[i].picture];

        n[p->cue]++;
        buf_printf(changed, "%s\t%d\t%s\t%s\t%d\t%d\t%.6g\n", tap, unit, p->name,
                   cue_word[p->cue], p->answer, u->change[i].answer, u->change[i].drop);
    }
    buf_printf(scores, "%s\t%d\t%ld\t%ld\t%ld\t%ld\n", tap, unit, w->by_cue[SHAPE],
               w->by_cue[TEXTURE], n[SHAPE], n[TEXTURE]);
}

static int write_tables(const struct work *w, struct error *err)
{
    struct buf scores = { 0 }, changed = { 0 };
    int rc;

    buf_adds(&scores, "layer\tunit\tn_shape\tn_texture\tshape\ttexture\n");
    buf_adds(&changed, "layer\tunit\timage\tcue\told\tnew\tdrop\n");
    for (size_t i = 0; i < w->layers.n; i++)
        for (int unit = 0; unit < w->layers.layer[i].C; unit++)
            if (is_wanted(w, unit))
                add_unit(w, i, unit, &scores, &changed);
    rc = tsv_write(w->o->scores, &scores, err);
    if (rc == 0)
        rc = tsv_write(w->o->changed, &changed, err);
    buf_release(&scores);
    buf_release(&changed);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    if (rc == 0)
        rc = answer_all(&w, err);
    if (rc == 0)
        rc = ablate_all(&w, err);
    if (rc == 0)
        rc = write_tables(&w, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .layers = "", .method = "linear", .batch = 64, .lanes = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("what a network no longer knows without one of its channels"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_IN_SET("set", &o.set, "pictures with a shape and a texture class"),
        STAGE_MAY_IN("classes", &o.classes, "TSV: class coarse; left out: the identity"),
        STAGE_OUT("scores", &o.scores, "TSV: layer unit, how many answers it changes"),
        STAGE_OUT("changed", &o.changed, "TSV: layer unit image cue old new drop"),
        STAGE_STRING("layers", &o.layers, "names joined by commas; empty: all"),
        STAGE_CHOICE("method", &o.method, "linear|rest|plain", "how much is run again"),
        STAGE_INT("first", &o.first, 0, 1 << 20, "the first channel of each layer"),
        STAGE_INT("units", &o.units, 0, 1 << 20, "so many channels; 0: all"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
