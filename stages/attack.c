/*
 * attack - what a model answers to the adversary of each picture of a set.
 *
 * Projected gradient ascent in the L2 ball (nn/attack.h) from the picture itself, on its
 * label; the iterate with the highest loss is classified. With restarts the ascent is
 * repeated from random points of the ball, and the highest loss of all counts. With a
 * source the adversaries are those of another model (transfer): what a gradient that says
 * nothing would hide, they show (Carlini et al. 2019, arXiv 1902.06705).
 *
 * in   model    weights (safetensors)
 *      set      image set with labels
 *      source   weights of the model that is climbed, in place of model
 * out  record   TSV in the order of the names: image, label, predicted, p and p_label of
 *               the adversary, loss_clean, loss, norm (L2 distance from the picture)
 *      pictures the first adversaries as NAME.png, as many as asked for; values are cut
 *               off to 8 bits, as torchvision's ToPILImage does
 */
#include <math.h>
#include <string.h>

#include "image/namedfile.h"
#include "image/png.h"
#include "kit/draws.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/model.h"
#include "nn/attack.h"

#include "larder/banned.h"

struct options {
    const char *model, *set, *source, *record, *pictures;
    int batch, lanes, steps, take, restarts, drawn;
    double radius, step;
    uint64_t seed;
};

/* One batch and its adversary. */
struct pair {
    size_t size; /* values of a picture */
    float *adversarial, *loss_clean, *loss;
    float *start, *again, *loss_again; /* of a restart */
};

static void take_pair(struct pair *pair, const struct graph *g, int batch)
{
    size_t n = (size_t)batch;

    pair->size = (size_t)g->H * (size_t)g->W * (size_t)g->C;
    pair->adversarial = xcalloc(n * pair->size, sizeof *pair->adversarial);
    pair->loss_clean = xcalloc(n, sizeof *pair->loss_clean);
    pair->loss = xcalloc(n, sizeof *pair->loss);
    pair->start = xcalloc(n * pair->size, sizeof *pair->start);
    pair->again = xcalloc(n * pair->size, sizeof *pair->again);
    pair->loss_again = xcalloc(n, sizeof *pair->loss_again);
}

static void release_pair(struct pair *pair)
{
    free(pair->adversarial);
    free(pair->loss_clean);
    free(pair->loss);
    free(pair->start);
    free(pair->again);
    free(pair->loss_again);
}

/* A point of the ball round picture k: each value moved by a uniform draw, all together
 * shortened to the radius, back into 0..1. Draws: stage attack, the picture's name, the
 * stream is the restart from 1, the index is the value. */
static void draw_start(const struct options *o, const struct feed *f, int k, int restart,
                       const struct pair *pair)
{
    const float *x = f->pixels + (size_t)k * pair->size;
    float *to = pair->start + (size_t)k * pair->size;
    double length = 0, scale;
    struct draws d;

    draws_init(&d, "attack", "", f->image[k].name, o->seed);
    for (size_t i = 0; i < pair->size; i++) {
        to[i] = (float)(draws_ua(&d, (uint32_t)restart, i) - .5);
        length += (double)to[i] * (double)to[i];
    }
    length = sqrt(length);
    scale = length > o->radius ? o->radius / length : 1;
    for (size_t i = 0; i < pair->size; i++) {
        double v = (double)x[i] + scale * (double)to[i];
        to[i] = (float)(v < 0 ? 0 : v > 1 ? 1 : v);
    }
}

/* Climbs again from random points; a higher loss replaces the adversary. */
static int restart(const struct options *o, struct model *on, const struct feed *f,
                   struct attack a, struct pair *pair, struct error *err)
{
    int rc = 0;

    a.start = pair->start;
    for (int r = 1; r <= o->restarts && rc == 0; r++) {
        for (int k = 0; k < f->n; k++)
            draw_start(o, f, k, r, pair);
        rc = attack_l2(on->net, &a, f->pixels, f->label, f->n, pair->again,
                       pair->loss_again, err);
        for (int k = 0; k < f->n && rc == 0; k++) {
            size_t at = (size_t)k * pair->size;
            if (!(pair->loss_again[k] > pair->loss[k]))
                continue;
            pair->loss[k] = pair->loss_again[k];
            memcpy(pair->adversarial + at, pair->again + at,
                   pair->size * sizeof *pair->again);
        }
    }
    return rc;
}

/* Climbs on the model `on`; leaves the adversary's logits and losses of m. */
static int attack_batch(const struct options *o, struct model *m, struct model *on,
                        const struct feed *f, const struct attack *a, struct pair *pair,
                        struct error *err)
{
    int rc;

    rc = model_forward(m, f, err);
    if (rc == 0)
        rc = net_loss(m->net, f->label, pair->loss_clean, err);
    if (rc == 0)
        rc = attack_l2(on->net, a, f->pixels, f->label, f->n, pair->adversarial,
                       pair->loss, err);
    if (rc == 0)
        rc = restart(o, on, f, *a, pair, err);
    if (rc == 0)
        rc = net_forward(m->net, pair->adversarial, f->n, m->logits, err);
    if (rc == 0)
        rc = net_loss(m->net, f->label, pair->loss, err);
    return rc;
}

static double distance(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];

        sum += d * d;
    }
    return sqrt(sum);
}

static void add_rows(struct buf *text, struct model *m, const struct feed *f,
                     const struct pair *pair)
{
    for (int k = 0; k < f->n; k++) {
        const double *p = model_probabilities(m, k);
        int predicted = largest(p, m->classes);
        size_t at = (size_t)k * pair->size;

        buf_printf(text, "%s\t%d\t%d\t%.6g\t%.6g\t%.6g\t%.6g\t%.6g\n", f->image[k].name,
                   (int)f->label[k], predicted, p[predicted], p[f->label[k]],
                   (double)pair->loss_clean[k], (double)pair->loss[k],
                   distance(pair->adversarial + at, f->pixels + at, pair->size));
    }
}

static int write_picture(const struct options *o, const struct graph *g, const char *name,
                         const float *x, struct error *err)
{
    struct buf path = { 0 };
    struct image im;
    int rc = namedfile_path(&path, o->pictures, name, ".png", err);

    image_init(&im, g->W, g->H, g->C);
    for (size_t i = 0; i < image_bytes(&im); i++)
        im.pixel[i] = (uint8_t)(255 * fminf(fmaxf(x[i], 0), 1));
    if (rc == 0)
        rc = image_write_png(&im, buf_str(&path), err);
    buf_release(&path);
    image_release(&im);
    return rc;
}

/* Those of a batch among the first that are asked for. */
static int write_pictures(const struct options *o, const struct graph *g,
                          const struct feed *f, const struct pair *pair,
                          struct error *err)
{
    long first = f->at - f->n;
    int rc = 0;

    for (int k = 0; k < f->n && first + k < o->drawn && rc == 0; k++)
        rc = write_picture(o, g, f->image[k].name,
                           pair->adversarial + (size_t)k * pair->size, err);
    return rc;
}

static int open_source(struct model *source, const struct options *o,
                       const struct model_use *use, const struct model *m,
                       const struct feed *f, struct error *err)
{
    int rc = model_open(source, o->source, use, err);

    if (rc == 0)
        rc = shape_check(o->set, f->set, source->graph, err);
    if (rc == 0 && source->classes != m->classes)
        rc = error_set(err, E_INPUT, "%s tells %d classes apart, %s %d", o->source,
                       source->classes, o->model, m->classes);
    return rc;
}

static int attack(const void *options, struct error *err)
{
    const struct options *o = options;
    struct model_use use = { .batch = o->batch,
                             .lanes = o->lanes,
                             .input_gradient = true };
    struct attack a = {
        .radius = o->radius, .step = o->step, .steps = o->steps, .keep_best = true
    };
    struct model m = { 0 }, source = { 0 };
    struct feed f = { 0 };
    struct pair pair = { 0 };
    struct buf text = { 0 };
    int rc;

    rc = model_open_with(&m, o->model, &use, &f, o->set, o->take, err);
    if (rc == 0 && o->source)
        rc = open_source(&source, o, &use, &m, &f, err);
    if (rc < 0)
        goto out;
    take_pair(&pair, m.graph, o->batch);
    rc = fs_mkdirs(o->pictures, err);
    if (rc < 0)
        goto out;
    buf_adds(&text, "image\tlabel\tpredicted\tp\tp_label\tloss_clean\tloss\tnorm\n");
    while ((rc = feed_next(&f, err)) == FEED_BATCH) {
        rc = attack_batch(o, &m, o->source ? &source : &m, &f, &a, &pair, err);
        if (rc < 0)
            goto out;
        add_rows(&text, &m, &f, &pair);
        rc = write_pictures(o, m.graph, &f, &pair, err);
        if (rc < 0)
            goto out;
        progress_step(f.at, f.size, "picture");
    }
    if (rc == FEED_END)
        rc = tsv_write(o->record, &text, err);
out:
    buf_release(&text);
    release_pair(&pair);
    feed_close(&f);
    model_close(&source);
    model_close(&m);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .batch = 64, .lanes = 1, .steps = 7, .radius = .75, .step = .125
    };
    const struct stage_arg args[] = {
        STAGE_ABOUT("what a model answers to the adversary of each picture"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_IN_SET("set", &o.set, "labelled pictures"),
        STAGE_MAY_IN("source", &o.source, "the model to climb on; left out: model"),
        STAGE_OUT("record", &o.record,
                  "TSV: image label predicted p p_label loss_clean loss norm"),
        STAGE_OUT_TREE("pictures", &o.pictures, "the first adversaries, NAME.png"),
        STAGE_INT("draw", &o.drawn, 0, 1 << 30, "how many adversaries are kept so"),
        STAGE_FLOAT("radius", &o.radius, 0, 1e6, "of the ball (L2, pixels in 0..1)"),
        STAGE_FLOAT("step", &o.step, 0, 1e6, "length of a step"),
        STAGE_INT("steps", &o.steps, 1, 1000, "steps"),
        STAGE_INT("restarts", &o.restarts, 0, 1000,
                  "climbs from random points of the ball besides"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, attack, &o);
}
