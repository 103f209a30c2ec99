/*
 * train-segmenter - trains a small DeepLab-v2 on pictures and exact masks.
 *
 * in   data   image set with classes
 *      masks  image set with the same names: where the object is
 * out  model  the weights after the last step (safetensors)
 *      curve  TSV, an epoch a row: epoch rate loss accuracy; accuracy: of the places of
 *             the training pictures as they were shown
 *
 * The label of a pixel is the class of its picture inside the mask, and `classes`
 * outside. The network (nn/deeplab.h) gives logits for every second pixel; its target
 * there is the label of the pixel in the middle (Pillow's nearest). Each picture of a
 * batch is mirrored or not and, since `segment` looks at pictures at several sizes, shown
 * whole, at three quarters or at half its size somewhere on grey, which has no label.
 * Draws: stage `train-segmenter`, the item is the picture's name, the index the epoch, a
 * stream each; the order of epoch e is the permutation of the item `order/e`. Optimiser
 * and schedule are those of `train`.
 */
#include <math.h>
#include <string.h>

#include "image/resize.h"
#include "image/set.h"
#include "kit/draws.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/feed.h"
#include "learn/schedule.h"
#include "nn/deeplab.h"
#include "nn/init.h"
#include "nn/net.h"
#include "segment/input.h"

#include "larder/banned.h"

enum { MASK_FROM = 128, GREY = 128, NONE = -1 };
enum { MIRROR, ZOOM, LEFT, TOP }; /* streams */

struct options {
    const char *data, *masks, *model, *curve;
    int classes, n_epochs, batch, lanes;
    double lr, warmup, momentum, weight_decay, clip, smaller;
    uint64_t seed;
};

/* All-zero is empty. */
struct training {
    const struct options *o;
    struct imageset *data, *masks;
    struct graph *graph;
    struct net *net;
    struct schedule schedule;
    int labels, side, places; /* side: of pictures; places: of a side of the logits */
    long pictures, steps;     /* steps: of an epoch */
    uint32_t *order;
    float *pixels, *logits, *loss;
    int32_t *label;
    struct buf curve;
};

/* What the steps of an epoch add up to. */
struct sums {
    double loss;
    long right, places, pictures;
};

static int open_sets(struct training *t, struct error *err)
{
    const struct options *o = t->o;
    int width, height, channels, rc;

    rc = imageset_open(&t->data, o->data, err);
    if (rc == 0)
        rc = imageset_open(&t->masks, o->masks, err);
    if (rc == 0)
        rc = imageset_shape(t->data, &width, &height, &channels, err);
    if (rc == 0)
        rc = labels_check(o->data, t->data, o->classes, err);
    if (rc < 0)
        return rc;
    if (width != height || channels != 3 || width < 8)
        return error_set(err, E_INPUT,
                         "%s: pictures of %d x %d with %d channels; they "
                         "must be square, RGB and of 8 pixels at least",
                         o->data, width, height, channels);
    t->pictures = imageset_size(t->data);
    t->side = width;
    t->steps = t->pictures / o->batch;
    if (t->steps == 0)
        return error_set(err, E_INPUT, "%s: %ld pictures are no batch of %d", o->data,
                         t->pictures, o->batch);
    return 0;
}

static int open_net(struct training *t, struct error *err)
{
    const struct options *o = t->o;
    const struct net_options use = { .batch = o->batch,
                                     .lanes = o->lanes,
                                     .threads = stage_threads(),
                                     .weight_gradient = true,
                                     .in_turn = true };
    struct tensors w = { 0 };
    int rc;

    t->labels = o->classes + 1;
    t->graph = deeplab_mini(t->labels, t->side, t->side);
    t->places = t->graph->op[t->graph->n_ops - 1].H;
    rc = net_open(&t->net, t->graph, &use, err);
    init_parameters(t->graph, o->seed, &w);
    if (rc == 0)
        rc = net_set_parameters(t->net, &w, err);
    tensors_release(&w);
    return rc;
}

static void take_memory(struct training *t)
{
    size_t n = (size_t)t->o->batch, places = (size_t)t->places * t->places;

    t->schedule = (struct schedule){ .steps = t->steps * t->o->n_epochs,
                                     .peak = t->o->lr,
                                     .warmup = t->o->warmup,
                                     .cosine = true };
    t->order = xcalloc((size_t)t->pictures, sizeof *t->order);
    t->pixels = xcalloc(n * t->side * t->side * 3, sizeof *t->pixels);
    t->label = xcalloc(n * places, sizeof *t->label);
    t->logits = xcalloc(n * places * t->labels, sizeof *t->logits);
    t->loss = xcalloc(n, sizeof *t->loss);
    buf_adds(&t->curve, "epoch\trate\tloss\taccuracy\n");
}

static void close_all(struct training *t)
{
    net_close(t->net);
    graph_free(t->graph);
    imageset_close(t->data);
    imageset_close(t->masks);
    free(t->order);
    free(t->pixels);
    free(t->label);
    free(t->logits);
    free(t->loss);
    buf_release(&t->curve);
}

/* How a picture is shown: its side, where its corner is, and whether it is mirrored. */
struct view {
    int side, left, top;
    bool mirror;
};

static struct view draw_view(const struct training *t, const char *name, uint64_t epoch)
{
    struct view v = { .side = t->side };
    struct draws d;
    double zoom;

    draws_init(&d, "train-segmenter", "", name, t->o->seed);
    v.mirror = draws_ua(&d, MIRROR, epoch) < .5;
    zoom = draws_ua(&d, ZOOM, epoch);
    if (zoom < t->o->smaller)
        v.side = zoom < t->o->smaller / 2 ? t->side / 2 : t->side * 3 / 4;
    v.left = (int)draws_below(&d, LEFT, epoch, (uint64_t)(t->side - v.side + 1));
    v.top = (int)draws_below(&d, TOP, epoch, (uint64_t)(t->side - v.side + 1));
    return v;
}

/* Lays im over a canvas of side x side, everywhere else `behind`. */
static void lay(const struct image *im, const struct view *v, int side, int behind,
                struct image *canvas)
{
    int C = im->channels;
    struct image part;

    image_resize(&part, im, v->side, v->side);
    image_init(canvas, side, side, C);
    memset(canvas->pixel, behind, image_bytes(canvas));
    for (int y = 0; y < v->side; y++)
        for (int x = 0; x < v->side; x++) {
            int from = v->mirror ? v->side - 1 - x : x;

            memcpy(canvas->pixel + ((y + v->top) * side + x + v->left) * C,
                   part.pixel + (y * v->side + from) * C, (size_t)C);
        }
    image_release(&part);
}

static void set_labels(const struct training *t, const struct image *mask,
                       const struct view *v, int class, int32_t *label)
{
    for (int p = 0; p < t->places; p++) {
        for (int q = 0; q < t->places; q++) {
            int y = (2 * p + 1) * t->side / (2 * t->places);
            int x = (2 * q + 1) * t->side / (2 * t->places);
            bool inside = y >= v->top && y < v->top + v->side && x >= v->left &&
                          x < v->left + v->side;

            *label++ = !inside                                     ? NONE
                       : mask->pixel[y * t->side + x] >= MASK_FROM ? class
                                                                   : t->o->classes;
        }
    }
}

static int load(struct training *t, long i, uint64_t epoch, int at, struct error *err)
{
    size_t n = (size_t)t->side * t->side * 3, places = (size_t)t->places * t->places;
    struct image im, mask, shown, shown_mask;
    struct view v;
    long m;
    int rc = imageset_get(t->data, i, &im, err);

    if (rc < 0)
        return rc;
    m = imageset_find(t->masks, im.name);
    rc = m < 0 ? E_INPUT : imageset_get(t->masks, m, &mask, err);
    if (m < 0 || (rc == 0 && (mask.width != t->side || mask.height != t->side ||
                              mask.channels != 1)))
        return error_set(err, E_INPUT, "%s has no mask of %d x %d of %s", t->o->masks,
                         t->side, t->side, im.name);
    if (rc < 0)
        return rc;
    v = draw_view(t, im.name, epoch);
    lay(&im, &v, t->side, GREY, &shown);
    lay(&mask, &v, t->side, 0, &shown_mask);
    input_floats(&shown, t->pixels + at * n);
    set_labels(t, &shown_mask, &v, im.label, t->label + at * places);
    image_release(&shown_mask);
    image_release(&shown);
    return 0;
}

static void count(struct training *t, struct sums *s)
{
    long places = (long)t->o->batch * t->places * t->places;

    for (int i = 0; i < t->o->batch; i++)
        s->loss += (double)t->loss[i];
    s->pictures += t->o->batch;
    for (long p = 0; p < places; p++) {
        if (t->label[p] == NONE)
            continue;
        s->right += largest_logit(t->logits + p * t->labels, t->labels) == t->label[p];
        s->places++;
    }
}

static int train_step(struct training *t, long step, struct sums *s, struct error *err)
{
    const struct options *o = t->o;
    struct sgd sgd = { .lr = schedule_rate(&t->schedule, step),
                       .momentum = o->momentum,
                       .weight_decay = o->weight_decay,
                       .clip = o->clip };
    long first = step % t->steps * o->batch;
    int rc = 0;

    for (int i = 0; i < o->batch && rc == 0; i++)
        rc = load(t, t->order[first + i], (uint64_t)(step / t->steps), i, err);
    if (rc == 0)
        rc = net_learn(t->net, t->pixels, t->label, o->batch, NULL, t->logits, t->loss,
                       err);
    if (rc == 0)
        rc = net_update(t->net, &sgd, err);
    if (rc < 0)
        return rc;
    count(t, s);
    if (!isfinite(s->loss))
        return error_set(err, E_STAGE, "the loss is not finite: try a lower --lr");
    progress_step(step + 1, t->schedule.steps, "batch");
    return 0;
}

static int train_epoch(struct training *t, long epoch, struct error *err)
{
    struct sums s = { 0 };
    struct draws d;
    char item[32];
    int rc = 0;

    snprintf(item, sizeof item, "order/%ld", epoch);
    draws_init(&d, "train-segmenter", "", item, t->o->seed);
    draws_permutation(&d, t->order, (uint32_t)t->pictures);
    for (long i = 0; i < t->steps && rc == 0; i++)
        rc = train_step(t, epoch * t->steps + i, &s, err);
    if (rc < 0)
        return rc;
    buf_printf(&t->curve, "%ld\t%.6g\t%.6g\t%.6g\n", epoch + 1,
               schedule_rate(&t->schedule, (epoch + 1) * t->steps - 1),
               s.loss / (double)s.pictures, (double)s.right / (double)s.places);
    progress_metric("loss", s.loss / (double)s.pictures);
    progress_metric("accuracy", (double)s.right / (double)s.places);
    return 0;
}

static int write_outputs(struct training *t, struct error *err)
{
    struct tensors w = { 0 };
    int rc = net_get_parameters(t->net, &w, err);

    if (rc == 0)
        rc = tensors_write(&w, t->o->model, err);
    if (rc == 0)
        rc = tsv_write(t->o->curve, &t->curve, err);
    tensors_release(&w);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct training t = { .o = options };
    int rc = open_sets(&t, err);

    if (rc == 0)
        rc = open_net(&t, err);
    if (rc == 0)
        take_memory(&t);
    for (long e = 0; e < t.o->n_epochs && rc == 0; e++)
        rc = train_epoch(&t, e, err);
    if (rc == 0)
        rc = write_outputs(&t, err);
    close_all(&t);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .classes = 10,
                         .n_epochs = 4,
                         .batch = 64,
                         .lanes = 1,
                         .lr = .05,
                         .warmup = .05,
                         .momentum = .9,
                         .weight_decay = 5e-4,
                         .clip = 5 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("train a small DeepLab-v2 on pictures and exact masks"),
        STAGE_IN_SET("data", &o.data, "pictures with classes, square"),
        STAGE_IN_SET("masks", &o.masks, "where their objects are"),
        STAGE_OUT("model", &o.model, "the weights after the last step (safetensors)"),
        STAGE_OUT("curve", &o.curve, "TSV: how each epoch went"),
        STAGE_INT("classes", &o.classes, 1, 1000, "of objects; one label more"),
        STAGE_INT("epochs", &o.n_epochs, 1, 10000, "passes over the set"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures a step, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_FLOAT("lr", &o.lr, 0, 1000, "highest learning rate"),
        STAGE_FLOAT("warmup", &o.warmup, 0, 1, "part of all steps in which lr rises"),
        STAGE_FLOAT("momentum", &o.momentum, 0, 1, "of SGD"),
        STAGE_FLOAT("weight-decay", &o.weight_decay, 0, 1, "of SGD, on every parameter"),
        STAGE_FLOAT("clip", &o.clip, 0, 1e9, "largest L2 norm of a gradient; 0: any"),
        STAGE_FLOAT("smaller", &o.smaller, 0, 1,
                    "share of pictures shown at three quarters or half their size"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
