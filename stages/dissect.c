/*
 * dissect - which concept each channel of a network responds to: Network Dissection (Bau
 * et al. 2017; the paper, section 3.3.2).
 *
 * in   model       weights (safetensors)
 *      broden      a folder as Broden is published (dissect/broden.h)
 *      thresholds  TSV of `thresholds`, with the same pictures and pixels
 * out  units       TSV: layer unit category label score threshold max, then for each
 *                  category C: C-label C-truth C-activation C-intersect C-iou
 *      iou         safetensors: for each layer units x labels, IoU of all of them
 *
 * A channel's concept is the label whose place has most in common with the place where
 * the channel is above its threshold (dissect/tally.h); score is that IoU, however small
 * it is. Of each category the best label stands beside. Of equal ones the lowest number
 * and the first category counts. A channel that meets no label has the label `none`.
 */
#include <math.h>
#include <string.h>

#include "dissect/maps.h"
#include "dissect/tally.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "nn/tensors.h"

#include "larder/banned.h"

struct options {
    struct maps_options maps;
    const char *thresholds, *units, *iou;
    const char *presence, *upsample;
};

/* One layer. */
struct part {
    double *threshold, *most; /* of each unit */
    struct tally tally;
    struct enlarge enlarge;
    int sh, sw; /* for which that was opened */
    struct field field;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct maps maps;
    struct part *part;
    uint64_t *truth;
    struct segments *segments; /* of each picture of the batch */
    struct tally_room *room;   /* of each thread */
    int threads;
    const struct maps_batch *batch;
    struct tensors iou;
    struct buf units;
};

static int find_layer(const struct work *w, const char *name)
{
    for (size_t i = 0; i < w->maps.layers.n; i++)
        if (strcmp(w->maps.layers.layer[i].tap, name) == 0)
            return (int)i;
    return -1;
}

static int read_row(struct work *w, const struct tsv *t, size_t row, const int column[4],
                    struct error *err)
{
    int layer = find_layer(w, tsv_get(t, row, column[0]));
    long unit;
    int rc = tsv_long(t, row, column[1], &unit, err);

    if (rc < 0 || layer < 0)
        return rc;
    if (unit < 0 || unit >= w->maps.layers.layer[layer].C)
        return error_set(err, E_INPUT, "%s:%zu: %s has no unit %ld", t->path,
                         tsv_line(t, row), tsv_get(t, row, column[0]), unit);
    rc = tsv_double(t, row, column[2], &w->part[layer].threshold[unit], err);
    return rc < 0 ? rc : tsv_double(t, row, column[3], &w->part[layer].most[unit], err);
}

static int read_thresholds(struct work *w, struct error *err)
{
    static const char *const names[4] = { "layer", "unit", "threshold", "max" };
    struct tsv t;
    int column[4], rc = tsv_read(&t, w->o->thresholds, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < w->maps.layers.n; i++)
        for (int c = 0; c < w->maps.layers.layer[i].C; c++)
            w->part[i].threshold[c] = (double)NAN;
    for (int i = 0; i < 4 && rc >= 0; i++)
        rc = column[i] = tsv_column(&t, names[i], err);
    rc = rc < 0 ? rc : 0;
    for (size_t row = 0; row < t.n_rows && rc == 0; row++)
        rc = read_row(w, &t, row, column, err);
    tsv_release(&t);
    for (size_t i = 0; i < w->maps.layers.n && rc == 0; i++)
        for (int c = 0; c < w->maps.layers.layer[i].C && rc == 0; c++)
            if (isnan(w->part[i].threshold[c]))
                rc = error_set(err, E_INPUT, "%s: no threshold of %s, unit %d",
                               w->o->thresholds, w->maps.layers.layer[i].tap, c);
    return rc;
}

static int open_work(struct work *w, struct error *err)
{
    enum presence presence =
        strcmp(w->o->presence, "lite") == 0 ? PRESENCE_LITE : PRESENCE_ORIGINAL;
    int rc = maps_open(&w->maps, &w->o->maps, err);

    if (rc < 0)
        return rc;
    w->threads = stage_threads();
    w->room = xcalloc((size_t)w->threads, sizeof *w->room);
    w->segments = xcalloc((size_t)w->maps.batch, sizeof *w->segments);
    w->truth = xcalloc((size_t)w->maps.broden.n_labels + 1, sizeof *w->truth);
    w->part = xcalloc(w->maps.layers.n + 1, sizeof *w->part);
    for (size_t i = 0; i < w->maps.layers.n; i++) {
        const struct layer *l = &w->maps.layers.layer[i];
        struct part *p = &w->part[i];

        p->threshold = xcalloc((size_t)l->C, sizeof *p->threshold);
        p->most = xcalloc((size_t)l->C, sizeof *p->most);
        p->field = field_of(w->maps.graph, l->tap);
        tally_open(&p->tally, &w->maps.broden, presence, l->C, p->threshold);
    }
    return read_thresholds(w, err);
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->part != NULL && i < w->maps.layers.n; i++) {
        free(w->part[i].threshold);
        free(w->part[i].most);
        tally_close(&w->part[i].tally);
        enlarge_close(&w->part[i].enlarge);
    }
    for (int i = 0; w->segments != NULL && i < w->maps.batch; i++)
        segments_release(&w->segments[i]);
    for (int i = 0; i < w->threads; i++)
        tally_room_release(&w->room[i]);
    free(w->part);
    free(w->segments);
    free(w->room);
    free(w->truth);
    tensors_release(&w->iou);
    buf_release(&w->units);
    maps_close(&w->maps);
}

/* What is where in the pictures of the next batch. */
static int read_segments(void *context, long first, int n, struct error *err)
{
    struct work *w = context;
    int rc = 0;

    for (int k = 0; k < n && rc == 0; k++) {
        rc = broden_segments(&w->maps.broden, first + k, &w->segments[k], err);
        if (rc == 0)
            tally_truth(&w->segments[k], w->truth);
    }
    return rc;
}

/* A thread has every unit whose number is its own, plus a multiple of the threads. */
static void add_units(void *context, int thread)
{
    struct work *w = context;
    const struct maps_batch *b = w->batch;
    const struct layer *l = b->layer;
    struct part *p = &w->part[b->index];

    for (int k = 0; k < b->n; k++)
        for (int unit = thread; unit < l->C; unit += w->threads)
            tally_add(&p->tally, unit,
                      b->values + (size_t)k * (size_t)(l->H * l->W) * (size_t)l->C + unit,
                      l->C, &p->enlarge, &w->segments[k], &w->room[thread]);
}

/* All pictures of a batch have labels of one size, or they are taken apart. */
static int add_batch(void *context, const struct maps_batch *b, struct error *err)
{
    struct work *w = context;
    struct part *p = &w->part[b->index];
    enum enlarge_kind kind =
        strcmp(w->o->upsample, "resize") == 0 ? ENLARGE_RESIZE : ENLARGE_FIELD;
    const struct segments *s = w->segments;

    for (int k = 1; k < b->n; k++)
        if (s[k].sh != s->sh || s[k].sw != s->sw)
            return error_set(err, E_INPUT,
                             "%s: labels of %d x %d and of %d x %d in one folder",
                             w->maps.broden.index.path, s->sw, s->sh, s[k].sw, s[k].sh);
    if (p->sh != s->sh || p->sw != s->sw) {
        enlarge_close(&p->enlarge);
        enlarge_open(&p->enlarge, kind, b->layer->H, b->layer->W, s->sh, s->sw,
                     w->maps.graph->H, &p->field);
        p->sh = s->sh;
        p->sw = s->sw;
    }
    w->batch = b;
    workers_run(w->maps.workers, w->threads, add_units, w);
    return 0;
}

/* The best label of a category; 0: none of its labels was met. */
static int best_label(const struct broden *b, const double *iou, int category)
{
    int best = 0;

    for (int label = 1; label < b->n_labels; label++)
        if (b->primary[label] == category && iou[label] > (best ? iou[best] : 0))
            best = label;
    return best;
}

static void add_header(struct work *w)
{
    const struct broden *b = &w->maps.broden;

    buf_adds(&w->units, "layer\tunit\tcategory\tlabel\tscore\tthreshold\tmax");
    for (int c = 0; c < b->n_categories; c++) {
        const char *name = b->category_name[c];

        buf_printf(&w->units, "\t%s-label\t%s-truth\t%s-activation\t%s-intersect\t%s-iou",
                   name, name, name, name, name);
    }
    buf_adds(&w->units, "\n");
}

static void add_unit(struct work *w, size_t layer, int unit, const double *iou)
{
    const struct broden *b = &w->maps.broden;
    const struct part *p = &w->part[layer];
    int best = 0, category = -1;

    for (int c = 0; c < b->n_categories; c++) {
        int label = best_label(b, iou, c);

        if (label != 0 && iou[label] > (best ? iou[best] : 0)) {
            best = label;
            category = c;
        }
    }
    buf_printf(&w->units, "%s\t%d\t%s\t%s\t%.6g\t%.6g\t%.6g",
               w->maps.layers.layer[layer].tap, unit,
               best ? b->category_name[category] : "none",
               best ? b->label_name[best] : "none", best ? iou[best] : 0,
               p->threshold[unit], p->most[unit]);
    for (int c = 0; c < b->n_categories; c++) {
        int label = best_label(b, iou, c);

        buf_printf(
            &w->units, "\t%s\t%llu\t%llu\t%lu\t%.6g",
            label ? b->label_name[label] : "none", (unsigned long long)w->truth[label],
            (unsigned long long)p->tally.active[unit * BRODEN_CATEGORIES + c],
            label ? (unsigned long)
                        p->tally.both[(size_t)unit * (size_t)b->n_labels + (size_t)label]
                  : 0ul,
            label ? iou[label] : 0);
    }
    buf_adds(&w->units, "\n");
}

static void find_concepts(struct work *w)
{
    size_t n = (size_t)w->maps.broden.n_labels;
    double *iou = xcalloc(n + 1, sizeof *iou);

    add_header(w);
    for (size_t i = 0; i < w->maps.layers.n; i++) {
        const struct layer *l = &w->maps.layers.layer[i];
        const long dim[2] = { l->C, (long)n };
        struct tensor *t = tensors_add(&w->iou, l->tap, 2, dim);

        for (int unit = 0; unit < l->C; unit++) {
            tally_iou(&w->part[i].tally, unit, w->truth, iou);
            for (size_t k = 0; k < n; k++)
                t->value[(size_t)unit * n + k] = (float)iou[k];
            add_unit(w, i, unit, iou);
        }
    }
    free(iou);
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    if (rc == 0)
        rc = maps_each(&w.maps,
                       &(struct maps_pass){ .before = read_segments,
                                            .add = add_batch,
                                            .context = &w,
                                            .total = broden_size(&w.maps.broden) },
                       err);
    if (rc == 0) {
        find_concepts(&w);
        rc = tsv_write(w.o->units, &w.units, err);
    }
    if (rc == 0)
        rc = tensors_write(&w.iou, w.o->iou, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .maps = { .layers = "", .pixels = "net", .batch = 32, .lanes = 1 },
        .presence = "lite",
        .upsample = "resize",
    };
    const struct stage_arg args[] = {
        STAGE_ABOUT("which concept each channel of a network responds to"),
        STAGE_IN("model", &o.maps.model, "weights (safetensors)"),
        STAGE_IN_TREE("broden", &o.maps.broden,
                      "pictures with labels, as Broden has them"),
        STAGE_IN("thresholds", &o.thresholds, "TSV of the program thresholds"),
        STAGE_OUT("units", &o.units, "each channel with its concept (TSV)"),
        STAGE_OUT("iou", &o.iou, "IoU of channels and labels (safetensors)"),
        STAGE_STRING("layers", &o.maps.layers, "names joined by commas; empty: all"),
        STAGE_CHOICE("pixels", &o.maps.pixels, MAPS_PIXELS,
                     "normalised as the network's, as NetDissect's, or both"),
        STAGE_CHOICE("presence", &o.presence, "lite|original",
                     "a category is present where its labels meet the mask, or anywhere"),
        STAGE_CHOICE("upsample", &o.upsample, "resize|field",
                     "maps scaled as pictures, or set where receptive fields lie"),
        STAGE_INT("batch", &o.maps.batch, 1, 65536,
                  "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.maps.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
