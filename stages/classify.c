/*
 * classify - what models answer to each picture of a set.
 *
 * in   model    weights (safetensors); in place of it
 *      models   a list of weights: each batch of pictures is read once for all
 *      set      image set with labels
 * out  record   TSV in the order of the names: image, label, predicted (the first of the
 *               most probable classes), p (its probability), p_label (of the label). Of a
 *               list: the record of one model after the other, in its order, with the
 *               axes of the list in front as columns axis:NAME (table/records.h).
 */
#include "kit/manifest.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/model.h"
#include "table/records.h"

#include "larder/banned.h"

struct options {
    const char *model, *models, *set, *record;
    int batch, lanes, take;
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

static int ask(struct asked *a, const struct feed *f, struct error *err)
{
    struct model *m = &a->model;
    int rc = model_forward(m, f, err);

    for (int k = 0; k < f->n && rc == 0; k++) {
        const double *p = model_probabilities(m, k);
        int predicted = largest(p, m->classes);

        buf_printf(&a->rows, "%s%s\t%d\t%d\t%.6g\t%.6g\n", buf_str(&a->axes),
                   f->image[k].name, (int)f->label[k], predicted, p[predicted],
                   p[f->label[k]]);
    }
    return rc;
}

static int write_record(const struct work *w, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    for (size_t k = 0; k < w->list.tsv.n_columns; k++)
        if ((int)k != w->list.path)
            buf_printf(&text, RECORDS_AXIS "%s\t", w->list.tsv.column[k]);
    buf_adds(&text, "image\tlabel\tpredicted\tp\tp_label\n");
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
            rc = ask(&w.asked[i], f, err);
        progress_step(f->at, f->size, "picture");
    }
    if (rc == FEED_END)
        rc = write_record(&w, err);
    close_all(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .batch = 64, .lanes = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("what models answer to each picture of a set"),
        STAGE_MAY_IN("model", &o.model, "weights (safetensors)"),
        STAGE_MAY_IN_LIST("models", &o.models, "weights of several, in place of model"),
        STAGE_IN_SET("set", &o.set, "labelled pictures"),
        STAGE_OUT("record", &o.record, "TSV: image label predicted p p_label"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, classify, &o);
}
