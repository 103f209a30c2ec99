/*
 * train - trains a network on an image set, plainly (S) or on its adversaries (R).
 *
 * in   data     image set with labels; in place of it
 *      sets     a list of sets of the same pictures, as of many styles: epoch e (from 0)
 *               is of set e mod their number
 *      val      image set: its clean accuracy is taken after each epoch
 *      start    weights to start from, in place of drawn ones
 * out  model    the weights after the last step
 *      curve    an epoch a row: learning rate, radius, loss, accuracies
 *      epochs   the weights after each epoch: epoch-01.safetensors, ...
 *      losses   the loss of each step
 *
 * Both kinds see the same pictures, mirrored and cut alike, in the same order; R only
 * replaces each batch by its adversary. docs/training.md has every formula and draw.
 *
 * After each epoch the weights, the momentum and the text of both tables so far go to the
 * checkpoint. A later run goes on from there and ends with the same bytes.
 *
 * On several GPUs it is as many processes, each with its lanes of a batch (nn/ranks.h).
 */
#include <math.h>

#include "image/augment.h"
#include "kit/manifest.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/batches.h"
#include "learn/checkpoint.h"
#include "learn/curve.h"
#include "learn/epochs.h"
#include "learn/feed.h"
#include "learn/schedule.h"
#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/init.h"
#include "nn/net.h"
#include "nn/ranks.h"
#include "nn/step.h"

#include "larder/banned.h"

struct options {
    const char *data, *sets, *val, *start;
    const char *model, *curve, *epochs, *losses;
    const char *arch, *size, *kind, *schedule, *transform;
    int classes, n_epochs, n_steps, batch, lanes, attack_steps, fall_epochs;
    double lr, warmup, momentum, weight_decay, clip;
    double eps, step_ratio, ramp_start, ramp_end;
    struct augment augment;
    const char *precision;
    bool rest, transform_input;
    uint64_t seed;
    const char *checkpoint;
};

/* One training under way. All-zero is empty. */
struct training {
    const struct options *o;
    struct manifest sets;
    const char **path; /* of each set */
    int n_sets;
    struct ranks ranks;
    struct graph *graph;
    struct net *net;
    struct batches batches;
    struct feed val;
    struct schedule schedule;
    struct checkpoint checkpoint;
    long epoch, step;            /* done */
    long n_steps;                /* to do in all */
    float *pixels, *adversarial; /* a batch */
    float *logits, *loss;
    int32_t *label[2]; /* of batch i: i % 2 */
    long put;          /* the batch of the epoch that the network has already, or -1 */
    struct buf curve, losses; /* the text of two outputs so far */
};

/* What the steps of an epoch add up to. */
struct sums {
    double loss;
    long right, pictures;
};

static int set_weights(struct training *t, struct error *err)
{
    struct tensors w = { 0 };
    int rc = 0;

    if (t->o->start)
        rc = tensors_read(&w, t->o->start, err);
    else
        init_parameters(t->graph, t->o->seed, &w);
    if (rc == 0 && (rc = net_set_parameters(t->net, &w, err)) < 0 && t->o->start)
        error_context(err, "%s", t->o->start);
    tensors_release(&w);
    return rc;
}

static int open_net(struct training *t, struct error *err)
{
    const struct options *o = t->o;
    struct net_options use = {
        .batch = o->batch,
        .lanes = o->lanes,
        .threads = stage_threads(),
        .weight_gradient = true,
        .input_gradient = o->kind[0] == 'R',
        .in_turn = true,
        .tf32 = strcmp(o->precision, "tf32") == 0,
        .ranks = &t->ranks,
    };
    int rc;

    rc = ranks_start(&t->ranks, err);
    if (rc == 0)
        rc = net_arch(&t->graph, o->arch, o->size, o->classes, err);
    if (rc == 0 && !o->transform_input)
        rc = net_plain_input(t->graph, err);
    if (rc == 0)
        rc = net_open(&t->net, t->graph, &use, err);
    if (rc == 0)
        rc = set_weights(t, err);
    return rc;
}

static bool is_robust(const struct options *o)
{
    return strcmp(o->transform, "robust") == 0;
}

static int read_paths(struct training *t, struct error *err)
{
    const struct options *o = t->o;
    int rc;

    if ((o->data != NULL) == (o->sets != NULL))
        return error_set(err, E_INPUT, "give one of the inputs data and sets");
    rc = o->sets ? manifest_read(&t->sets, o->sets, err) : 0;
    if (rc < 0)
        return rc;
    t->n_sets = o->sets ? (int)manifest_size(&t->sets) : 1;
    if (t->n_sets == 0)
        return error_set(err, E_INPUT, "%s names no set", o->sets);
    t->path = xcalloc((size_t)t->n_sets, sizeof *t->path);
    for (int i = 0; i < t->n_sets; i++)
        t->path[i] = o->sets ? manifest_path(&t->sets, (size_t)i) : o->data;
    return 0;
}

static int open_sets(struct training *t, struct error *err)
{
    const struct options *o = t->o;
    bool robust = is_robust(o);
    struct batches_options use = {
        .set = t->path,
        .n_sets = t->n_sets,
        .batch = o->batch,
        .rest = o->rest,
        .classes = o->classes,
        .robust_side = robust ? t->graph->H : 0,
        .augment = o->augment,
        .seed = o->seed,
        .threads = stage_threads(),
        .rank = t->ranks.rank,
        .ranks = t->ranks.n,
    };
    int rc;

    rc = batches_open(&t->batches, &use, err);
    if (rc == 0 && !robust)
        rc = shape_check(t->path[0], t->batches.set, t->graph, err);
    if (rc < 0 || !o->val)
        return rc;
    rc = feed_open(&t->val, o->val, o->batch, 0, err);
    if (rc == 0)
        rc = shape_check(o->val, t->val.set, t->graph, err);
    if (rc == 0)
        rc = labels_check(o->val, t->val.set, o->classes, err);
    return rc;
}

static void plan_steps(struct training *t)
{
    const struct options *o = t->o;
    long all = t->batches.n * o->n_epochs;

    t->n_steps = o->n_steps > 0 && o->n_steps < all ? o->n_steps : all;
    t->schedule = (struct schedule){
        .steps = all,
        .peak = o->lr,
        .warmup = o->warmup,
        .cosine = strcmp(o->schedule, "cosine") == 0,
        .fall = strcmp(o->schedule, "step") == 0 ? o->fall_epochs * t->batches.n : 0,
        .radius = o->kind[0] == 'R' ? o->eps : 0,
        .ramp_start = o->ramp_start,
        .ramp_end = o->ramp_end,
    };
}

static void take_buffers(struct training *t)
{
    size_t n = (size_t)t->o->batch;
    size_t size = (size_t)t->graph->H * (size_t)t->graph->W * (size_t)t->graph->C;

    t->pixels = xcalloc(n * size, sizeof *t->pixels);
    t->adversarial = xcalloc(n * size, sizeof *t->adversarial);
    t->logits = xcalloc(n * (size_t)t->o->classes, sizeof *t->logits);
    t->loss = xcalloc(n, sizeof *t->loss);
    for (int k = 0; k < 2; k++)
        t->label[k] = xcalloc(n, sizeof *t->label[k]);
    curve_header(&t->curve);
    buf_adds(&t->losses, "step\tloss\n");
}

/* The steps of whole epochs, as far as this run goes. */
static long steps_after(const struct training *t, long epochs)
{
    long steps = epochs * t->batches.n;

    return steps < t->n_steps ? steps : t->n_steps;
}

/* Going on: a checkpoint of epoch N holds epoch-01 to epoch-N (weights), momentum-N, and
 * curve-N and losses-N, the text of the two tables. */

static int read_tensors(const struct training *t, const char *what,
                        int (*set)(struct net *, const struct tensors *, struct error *),
                        struct error *err)
{
    struct tensors w = { 0 };
    struct buf path = { 0 };
    int rc;

    rc = tensors_read(
        &w, epoch_path(&path, t->checkpoint.dir, what, t->epoch, ".safetensors"), err);
    if (rc == 0)
        rc = set(t->net, &w, err);
    buf_release(&path);
    tensors_release(&w);
    return rc;
}

static int read_text(const struct training *t, const char *what, struct buf *text,
                     struct error *err)
{
    struct buf path = { 0 };
    int rc;

    buf_reset(text);
    rc = fs_read(epoch_path(&path, t->checkpoint.dir, what, t->epoch, ".tsv"), text, err);
    buf_release(&path);
    return rc;
}

static int resume(struct training *t, struct error *err)
{
    struct error why = { 0 };
    int rc;

    if (checkpoint_open(&t->checkpoint, t->o->checkpoint, &why) == CHECKPOINT_NONE) {
        if (why.text[0])
            progress_note("starting again: %s", why.text);
        return 0;
    }
    t->epoch = (long)checkpoint_count(&t->checkpoint, "epoch-");
    t->step = steps_after(t, t->epoch);
    rc = read_tensors(t, "epoch", net_set_parameters, err);
    if (rc == 0)
        rc = read_tensors(t, "momentum", net_set_momentum, err);
    if (rc == 0)
        rc = read_text(t, "curve", &t->curve, err);
    if (rc == 0)
        rc = read_text(t, "losses", &t->losses, err);
    if (rc < 0)
        return error_context(err, "the checkpoint in %s", t->checkpoint.dir);
    progress_note("going on after epoch %ld", t->epoch);
    return 0;
}

static int save_tensors(struct training *t, const char *what,
                        int (*get)(struct net *, struct tensors *, struct error *),
                        struct error *err)
{
    const char *dir = t->checkpoint.dir ? t->checkpoint.dir : t->o->epochs;
    struct tensors w = { 0 };
    struct buf path = { 0 };
    int rc;

    rc = get(t->net, &w, err);
    if (rc == 0)
        rc = tensors_write(&w, epoch_path(&path, dir, what, t->epoch, ".safetensors"),
                           err);
    if (rc == 0)
        rc = checkpoint_add(&t->checkpoint,
                            epoch_file(&path, what, t->epoch, ".safetensors"), err);
    buf_release(&path);
    tensors_release(&w);
    return rc;
}

static int save_text(struct training *t, const char *what, const struct buf *text,
                     struct error *err)
{
    struct buf path = { 0 };
    int rc;

    rc = tsv_write(epoch_path(&path, t->checkpoint.dir, what, t->epoch, ".tsv"), text,
                   err);
    if (rc == 0)
        rc = checkpoint_add(&t->checkpoint, epoch_file(&path, what, t->epoch, ".tsv"),
                            err);
    buf_release(&path);
    return rc;
}

/* Leaves out what only the checkpoint of the epoch before needed. */
static void drop_epoch_before(struct training *t)
{
    struct buf name = { 0 };

    checkpoint_drop(&t->checkpoint,
                    epoch_file(&name, "momentum", t->epoch - 1, ".safetensors"));
    checkpoint_drop(&t->checkpoint, epoch_file(&name, "curve", t->epoch - 1, ".tsv"));
    checkpoint_drop(&t->checkpoint, epoch_file(&name, "losses", t->epoch - 1, ".tsv"));
    buf_release(&name);
}

static int save_epoch(struct training *t, struct error *err)
{
    int rc;

    if (t->ranks.rank > 0)
        return 0;
    rc = save_tensors(t, "epoch", net_get_parameters, err);
    if (rc < 0 || !t->checkpoint.dir)
        return rc;
    rc = save_tensors(t, "momentum", net_get_momentum, err);
    if (rc == 0)
        rc = save_text(t, "curve", &t->curve, err);
    if (rc == 0)
        rc = save_text(t, "losses", &t->losses, err);
    drop_epoch_before(t);
    if (rc == 0)
        rc = checkpoint_commit(&t->checkpoint, err);
    return rc < 0 ? error_context(err, "writing a checkpoint") : 0;
}

/* The work. */

/* What a network of robustness sees of pixels that its transform took out of 0..1. */
static void clamp_batch(const struct training *t, float *batch, int n)
{
    size_t size = (size_t)t->graph->H * (size_t)t->graph->W * (size_t)t->graph->C;

    for (size_t i = 0; i < (size_t)n * size; i++)
        batch[i] = fminf(fmaxf(batch[i], 0), 1);
}

static bool is_whole(const struct training *t, long i)
{
    return batches_size(&t->batches, i) == t->o->batch;
}

static int load_batch(struct training *t, long i, struct error *err)
{
    return batches_load(&t->batches, i, t->pixels, t->label[i % 2], err);
}

static int put_batch(struct training *t, long i, struct error *err)
{
    struct net_draws draws = { .draws = t->batches.picked, .epoch = t->batches.epoch };
    struct net_batch b = { .pixels = t->pixels,
                           .label = t->label[i % 2],
                           .draws = &draws };
    int rc = load_batch(t, i, err);

    if (rc == 0)
        rc = net_put(t->net, &b, err);
    t->put = i;
    return rc;
}

/* The next batch is made while this one is computed with. */
static int learn_whole(struct training *t, long i, const struct net_step *s,
                       struct error *err)
{
    bool more = i + 1 < t->batches.n && t->step + 1 < t->n_steps && is_whole(t, i + 1);
    int rc = 0;

    if (t->put != i)
        rc = put_batch(t, i, err);
    if (rc == 0)
        rc = net_train(t->net, s, err);
    if (rc == 0 && more)
        rc = put_batch(t, i + 1, err);
    return rc < 0 ? rc : net_trained(t->net, t->loss, t->logits, err);
}

/* What an epoch leaves over: fewer pictures than a batch. */
static int learn_rest(struct training *t, long i, const struct net_step *s,
                      struct error *err)
{
    struct net_draws draws = { .draws = t->batches.picked, .epoch = t->batches.epoch };
    int n = batches_size(&t->batches, i), rc = load_batch(t, i, err);
    const int32_t *label = t->label[i % 2];
    float *batch = s->attack ? t->adversarial : t->pixels;

    if (rc == 0 && s->attack)
        rc = attack_l2(t->net, s->attack, t->pixels, label, n, batch, NULL, err);
    if (rc == 0 && s->clamped)
        clamp_batch(t, batch, n);
    if (rc == 0)
        rc = net_learn(t->net, batch, label, n, &draws, t->logits, t->loss, err);
    return rc < 0 ? rc : net_update(t->net, s->sgd, err);
}

static int train_step(struct training *t, long i, struct sums *sums, struct error *err)
{
    const struct options *o = t->o;
    double radius = schedule_radius(&t->schedule, t->step), loss = 0;
    struct sgd sgd = {
        .lr = schedule_rate(&t->schedule, t->step),
        .momentum = o->momentum,
        .weight_decay = o->weight_decay,
        .clip = o->clip,
    };
    struct attack attack = {
        .radius = radius,
        .step = radius / o->step_ratio,
        .steps = o->attack_steps,
        .keep_best = true,
    };
    struct net_step step = { .sgd = &sgd,
                             .attack = radius > 0 ? &attack : NULL,
                             .clamped = is_robust(o) };
    int n = batches_size(&t->batches, i);
    int rc =
        is_whole(t, i) ? learn_whole(t, i, &step, err) : learn_rest(t, i, &step, err);

    if (rc < 0)
        return rc;
    for (int k = 0; k < n; k++) {
        const float *z = t->logits + (size_t)k * (size_t)o->classes;

        loss += (double)t->loss[k];
        sums->right += largest_logit(z, o->classes) == t->label[i % 2][k];
    }
    sums->loss += loss;
    sums->pictures += n;
    buf_printf(&t->losses, "%ld\t%.9g\n", t->step, loss / n);
    if (!isfinite(loss))
        return error_set(err, E_STAGE,
                         "the loss of step %ld is not finite: try a lower --lr", t->step);
    progress_step(++t->step, t->n_steps, "batch");
    return 0;
}

static int clean_answers(struct training *t, struct curve_row *row, struct error *err)
{
    struct feed *f = &t->val;
    int rc;

    feed_rewind(f);
    while ((rc = feed_next(f, err)) == FEED_BATCH) {
        rc = net_forward(t->net, f->pixels, f->n, t->logits, err);
        if (rc < 0)
            return rc;
        for (int k = 0; k < f->n; k++) {
            const float *z = t->logits + (size_t)k * (size_t)t->o->classes;

            row->correct += largest_logit(z, t->o->classes) == f->label[k];
        }
        row->pictures += f->n;
    }
    return rc < 0 ? rc : 0;
}

static int train_epoch(struct training *t, struct error *err)
{
    struct sums sums = { 0 };
    struct curve_row row = { 0 };
    int rc;

    t->put = -1;
    rc = batches_begin(&t->batches, (uint64_t)t->epoch, err);
    for (long i = 0; i < t->batches.n && t->step < t->n_steps && rc == 0; i++)
        rc = train_step(t, i, &sums, err);
    if (rc == 0 && t->o->val)
        rc = clean_answers(t, &row, err);
    if (rc < 0)
        return rc;
    row.epoch = ++t->epoch;
    row.rate = schedule_rate(&t->schedule, t->step - 1);
    row.radius = schedule_radius(&t->schedule, t->step - 1);
    row.loss = sums.loss / (double)sums.pictures;
    row.accuracy = (double)sums.right / (double)sums.pictures;
    curve_add(&t->curve, &row);
    progress_metric("loss", row.loss);
    progress_metric("accuracy", row.accuracy);
    if (row.pictures > 0)
        progress_metric("clean", curve_clean(&row));
    return save_epoch(t, err);
}

static int copy_epochs(const struct training *t, struct error *err)
{
    struct buf from = { 0 }, to = { 0 };
    int rc = 0;

    for (long e = 1; e <= t->epoch && rc == 0; e++) {
        epoch_path(&from, t->checkpoint.dir, "epoch", e, ".safetensors");
        epoch_path(&to, t->o->epochs, "epoch", e, ".safetensors");
        rc = fs_remove(buf_str(&to), err);
        if (rc == 0)
            rc = fs_copy(buf_str(&from), buf_str(&to), 0644, err);
    }
    buf_release(&from);
    buf_release(&to);
    return rc;
}

static int write_outputs(struct training *t, struct error *err)
{
    struct tensors w = { 0 };
    int rc;

    if (t->ranks.rank > 0)
        return 0;
    rc = net_get_parameters(t->net, &w, err);
    if (rc == 0)
        rc = tensors_write(&w, t->o->model, err);
    if (rc == 0)
        rc = tsv_write(t->o->curve, &t->curve, err);
    if (rc == 0)
        rc = tsv_write(t->o->losses, &t->losses, err);
    if (rc == 0 && t->checkpoint.dir)
        rc = copy_epochs(t, err);
    tensors_release(&w);
    return rc;
}

static void close_training(struct training *t)
{
    net_close(t->net);
    graph_free(t->graph);
    batches_close(&t->batches);
    feed_close(&t->val);
    manifest_release(&t->sets);
    free(t->path);
    checkpoint_release(&t->checkpoint);
    free(t->pixels);
    free(t->adversarial);
    free(t->logits);
    free(t->loss);
    for (int k = 0; k < 2; k++)
        free(t->label[k]);
    buf_release(&t->curve);
    buf_release(&t->losses);
}

static int train(const void *options, struct error *err)
{
    struct training t = { .o = options };
    int rc;

    rc = open_net(&t, err);
    if (rc == 0)
        rc = read_paths(&t, err);
    if (rc == 0)
        rc = open_sets(&t, err);
    if (rc < 0)
        goto out;
    plan_steps(&t);
    take_buffers(&t);
    rc = fs_mkdirs(t.o->epochs, err);
    if (rc == 0)
        rc = resume(&t, err);
    if (rc == 0)
        progress_note("computing on %s", net_platform(t.net));
    while (rc == 0 && t.step < t.n_steps)
        rc = train_epoch(&t, err);
    if (rc == 0)
        rc = write_outputs(&t, err);
out:
    if (rc < 0 && t.ranks.n > 1)
        ranks_fail(rc, err);
    close_training(&t);
    if (rc == 0)
        rc = ranks_finish(&t.ranks, err);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .arch = "alexnet",
        .size = "mini",
        .kind = "S",
        .schedule = "cosine",
        .transform = "part",
        .precision = "float32",
        .classes = 10,
        .transform_input = true,
        .n_epochs = 30,
        .batch = 64,
        .lanes = 1,
        .lr = .02,
        .warmup = .05,
        .momentum = .9,
        .weight_decay = 5e-4,
        .clip = 5,
        .eps = .75,
        .attack_steps = 7,
        .fall_epochs = 30,
        .step_ratio = 6,
        .ramp_start = .15,
        .ramp_end = .5,
        .augment = { .area = .5, .aspect = .288, .mirror = true },
    };
    const struct stage_arg args[] = {
        STAGE_ABOUT("train a network on an image set, plainly or on its adversaries"),
        STAGE_MAY_IN_SET("data", &o.data, "labelled pictures to train on"),
        STAGE_MAY_IN_LIST("sets", &o.sets,
                          "versions of them, by turns, in place of data"),
        STAGE_MAY_IN_SET("val", &o.val, "pictures for the clean accuracy of each epoch"),
        STAGE_MAY_IN("start", &o.start, "weights to start from; drawn when left out"),
        STAGE_OUT("model", &o.model, "the weights after the last step (safetensors)"),
        STAGE_OUT("curve", &o.curve, "TSV: how each epoch went"),
        STAGE_OUT_TREE("epochs", &o.epochs, "the weights after each epoch"),
        STAGE_OUT("losses", &o.losses, "TSV: the loss of each step"),
        STAGE_CHOICE("arch", &o.arch, ARCH_NAMES, "network"),
        STAGE_CHOICE("size", &o.size, ARCH_SIZES, "for 32 pixels, or as published"),
        STAGE_INT("classes", &o.classes, 2, 100000, "classes; labels are 0 to this - 1"),
        STAGE_BOOL("transform-input", &o.transform_input,
                   "false: a full GoogLeNet that sees pixels as the others do"),
        STAGE_CHOICE("kind", &o.kind, "S|R", "S: standard; R: on adversaries"),
        STAGE_INT("epochs", &o.n_epochs, 1, 10000, "passes over the set"),
        STAGE_INT("steps", &o.n_steps, 0, 1 << 30, "stop after these steps; 0: all"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures a step, a multiple of lanes"),
        STAGE_BOOL("rest", &o.rest, "train on what an epoch leaves over, too"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_FLOAT("lr", &o.lr, 0, 1000, "highest learning rate"),
        STAGE_CHOICE("schedule", &o.schedule, "cosine|constant|step",
                     "of the learning rate after the warm-up"),
        STAGE_INT("fall-epochs", &o.fall_epochs, 1, 10000,
                  "schedule=step: lr is divided by 10 every so many epochs"),
        STAGE_FLOAT("warmup", &o.warmup, 0, 1, "part of all steps in which lr rises"),
        STAGE_FLOAT("momentum", &o.momentum, 0, 1, "of SGD"),
        STAGE_FLOAT("weight-decay", &o.weight_decay, 0, 1, "of SGD, on every parameter"),
        STAGE_FLOAT("clip", &o.clip, 0, 1e9, "largest L2 norm of a gradient; 0: any"),
        STAGE_FLOAT("eps", &o.eps, 0, 1e6,
                    "R: radius of the attack (L2, pixels in 0..1)"),
        STAGE_INT("attack-steps", &o.attack_steps, 1, 1000, "R: steps of the attack"),
        STAGE_FLOAT("step-ratio", &o.step_ratio, 1e-3, 1e6, "R: radius over step length"),
        STAGE_FLOAT("ramp-start", &o.ramp_start, 0, 1, "R: radius 0 up to this part"),
        STAGE_FLOAT("ramp-end", &o.ramp_end, 0, 1, "R: whole radius from this part on"),
        STAGE_CHOICE("transform", &o.transform, "part|robust",
                     "part: of pictures of the net's size; robust: that of the "
                     "robustness library, of pictures or files of any size"),
        STAGE_FLOAT("crop-area", &o.augment.area, 1e-3, 1,
                    "transform=part: smallest part of a picture"),
        STAGE_FLOAT("crop-aspect", &o.augment.aspect, 0, 3,
                    "transform=part: largest |ln(width/height)|"),
        STAGE_BOOL("mirror", &o.augment.mirror,
                   "transform=part: mirror half of the pictures"),
        STAGE_CHOICE("precision", &o.precision, "float32|tf32",
                     "of products on a GPU; a CPU computes in float32 either way"),
        STAGE_SEED(&o.seed),
        STAGE_CHECKPOINT(&o.checkpoint),
        STAGE_END,
    };
    return stage_main(argc, argv, args, train, &o);
}
