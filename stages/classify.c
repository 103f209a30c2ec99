/*
 * classify - what a model answers to each picture of a set.
 *
 * in   model    weights (safetensors)
 *      set      image set with labels
 * out  record   TSV in the order of the names: image, label, predicted (the first of the
 *               most probable classes), p (its probability), p_label (of the label)
 */
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "learn/answer.h"
#include "learn/model.h"

#include "larder/banned.h"

struct options {
    const char *model, *set, *record;
    int batch, lanes;
};

static void add_rows(struct buf *text, struct model *m, const struct feed *f)
{
    for (int k = 0; k < f->n; k++) {
        const double *p = model_probabilities(m, k);
        int predicted = largest(p, m->classes);

        buf_printf(text, "%s\t%d\t%d\t%.6g\t%.6g\n", f->image[k].name, (int)f->label[k],
                   predicted, p[predicted], p[f->label[k]]);
    }
}

static int classify(const void *options, struct error *err)
{
    const struct options *o = options;
    struct model_use use = { .batch = o->batch, .lanes = o->lanes };
    struct model m = { 0 };
    struct feed f = { 0 };
    struct buf text = { 0 };
    int rc;

    rc = model_open_with(&m, o->model, &use, &f, o->set, 0, err);
    if (rc < 0)
        goto out;
    buf_adds(&text, "image\tlabel\tpredicted\tp\tp_label\n");
    while ((rc = feed_next(&f, err)) == FEED_BATCH) {
        rc = model_forward(&m, &f, err);
        if (rc < 0)
            goto out;
        add_rows(&text, &m, &f);
        progress_step(f.at, f.size, "picture");
    }
    if (rc == FEED_END)
        rc = tsv_write(o->record, &text, err);
out:
    buf_release(&text);
    feed_close(&f);
    model_close(&m);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .batch = 64, .lanes = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("what a model answers to each picture of a set"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_IN_SET("set", &o.set, "labelled pictures"),
        STAGE_OUT("record", &o.record, "TSV: image label predicted p p_label"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, classify, &o);
}
