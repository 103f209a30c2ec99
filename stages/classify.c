/*
 * classify - what models answer to each picture of a set.
 *
 * in   model    weights (safetensors); in place of it
 *      models   a list of weights: each batch of pictures is read once for all
 *      set      image set with labels
 * out  record   TSV in the order of the names: image, label, predicted (the first of the
 *               most probable classes), p (its probability), p_label (of the label); with
 *               best=N also predicted_2 p_2 to predicted_N p_N, the next best. Of a
 *               list: the record of one model after the other, in its order, with the
 *               axes of the list in front as columns axis:NAME (table/records.h).
 */
#include "kit/manifest.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "learn/model.h"
#include "table/records.h"

#include "larder/banned.h"

struct options {
    const char *model, *models, *set, *record;
    int batch, lanes, take, best;
};

/* A model and what it has answered so far. */
struct asked {
    struct model model;
    struct buf rows, axes; /* axes: the fields in front of each row */
};

/* All-zero is empty. */
struct work {
    const struct options *o;
    struct manifest list;
    struct asked *asked;
    size_t n;
    struct feed feed;
};

static int open_model(struct work *w, const char *path, struct error *err)
{
    struct model_use use = { .batch = w->o->batch, .lanes = w->o->lanes };
    struct model *m = &w->asked[w->n++].model;
    const struct feed *f = &w->feed;
    int rc = model_open(m, path, &use, err);

    if (rc == 0)
        rc = shape_check(w->o->set, f->set, m->graph, err);
    if (rc == 0)
        rc = labels_check(w->o->set, f->set, m->classes, err);
    if (rc == 0 && w->o->best > m->classes)
        rc = error_set(err, E_INPUT, "%s tells %d classes apart, fewer than best=%d",
                       path, m->classes, w->o->best);
    return rc;
}

static int open_list(struct work *w, struct error *err)
{
    const struct tsv *t = &w->list.tsv;
    int rc = manifest_read(&w->list, w->o->models, err);

    if (rc < 0)
        return rc;
    if (manifest_size(&w->list) == 0)
        return error_set(err, E_INPUT, "%s names no model", w->o->models);
    w->asked = xcalloc(manifest_size(&w->list), sizeof *w->asked);
    for (size_t i = 0; i < manifest_size(&w->list) && rc == 0; i++) {
        for (size_t k = 0; k < t->n_columns; k++)
            if ((int)k != w->list.path)
                buf_printf(&w->asked[i].axes, "%s\t", tsv_get(t, i, (int)k));
        rc = open_model(w, manifest_path(&w->list, i), err);
    }
    return rc;
}

static int open_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc;

    if ((o->model != NULL) == (o->models != NULL))
        return error_set(err, E_INPUT, "give one of the inputs model and models");
    rc = feed_open(&w->feed, o->set, o->batch, o->take, err);
    if (rc == 0 && o->models != NULL)
        return open_list(w, err);
    if (rc < 0)
        return rc;
    w->asked = xcalloc(1, sizeof *w->asked);
    return open_model(w, o->model, err);
}

/* The indices of the n largest values, the largest first; equal ones in their order. By
 * insertion, since n is small. */
static void largest_of(const double *p, int of, int *index, int n)
{
    int have = 0;

    for (int i = 0; i < of; i++) {
        int at = have;

        while (at > 0 && p[i] > p[index[at - 1]])
            at--;
        if (at == n)
            continue;
        have += have < n;
        for (int k = have - 1; k > at; k--)
            index[k] = index[k - 1];
        index[at] = i;
    }
}

static int ask(struct asked *a, const struct feed *f, int n_best, struct error *err)
{
    struct model *m = &a->model;
    int *best = xcalloc((size_t)n_best, sizeof *best);
    int rc = model_forward(m, f, err);

    for (int k = 0; k < f->n && rc == 0; k++) {
        const double *p = model_probabilities(m, k);

        largest_of(p, m->classes, best, n_best);
        buf_printf(&a->rows, "%s%s\t%d\t%d\t%.6g\t%.6g", buf_str(&a->axes),
                   f->image[k].name, (int)f->label[k], best[0], p[best[0]],
                   p[f->label[k]]);
        for (int i = 1; i < n_best; i++)
            buf_printf(&a->rows, "\t%d\t%.6g", best[i], p[best[i]]);
        buf_addc(&a->rows, '\n');
    }
    free(best);
    return rc;
}

static int write_record(const struct work *w, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    for (size_t k = 0; k < w->list.tsv.n_columns; k++)
        if ((int)k != w->list.path)
            buf_printf(&text, RECORDS_AXIS "%s\t", w->list.tsv.column[k]);
    buf_adds(&text, "image\tlabel\tpredicted\tp\tp_label");
    for (int i = 2; i <= w->o->best; i++)
        buf_printf(&text, "\tpredicted_%d\tp_%d", i, i);
    buf_addc(&text, '\n');
    for (size_t i = 0; i < w->n; i++)
        buf_add(&text, w->asked[i].rows.s, w->asked[i].rows.len);
    rc = tsv_write(w->o->record, &text, err);
    buf_release(&text);
    return rc;
}

static void close_all(struct work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        model_close(&w->asked[i].model);
        buf_release(&w->asked[i].rows);
        buf_release(&w->asked[i].axes);
    }
    free(w->asked);
    feed_close(&w->feed);
    manifest_release(&w->list);
}

static int classify(const void *options, struct error *err)
{
    struct work w = { .o = options };
    struct feed *f = &w.feed;
    int rc = open_all(&w, err);

    while (rc == 0 && (rc = feed_next(f, err)) == FEED_BATCH) {
        for (size_t i = 0; i < w.n && rc == 0; i++)
            rc = ask(&w.asked[i], f, w.o->best, err);
        progress_step(f->at, f->size, "picture");
    }
    if (rc == FEED_END)
        rc = write_record(&w, err);
    close_all(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .batch = 64, .lanes = 1, .best = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("what models answer to each picture of a set"),
        STAGE_MAY_IN("model", &o.model, "weights (safetensors)"),
        STAGE_MAY_IN_LIST("models", &o.models, "weights of several, in place of model"),
        STAGE_IN_SET("set", &o.set, "labelled pictures"),
        STAGE_OUT("record", &o.record, "TSV: image label predicted p p_label"),
        STAGE_INT("best", &o.best, 1, 1000, "of the best classes, how many are told"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, classify, &o);
}
