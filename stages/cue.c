/*
 * cue - by which cue a model answers pictures whose shape and texture disagree.
 *
 * in   model     weights (safetensors)
 *      set       image set: label is the class of the shape, texture that of the texture;
 *                pictures whose cues agree are left out
 *      classes   TSV with the columns class and coarse: the coarse class of each class of
 *                the model; without it each class is its own. Labels then are positions
 *                among the coarse names, sorted by bytes.
 * out  answers   TSV in the order of the names: image, shape, texture, predicted (the
 *                coarse class), answer (shape, texture or other)
 */
#include "learn/cue.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/model.h"

#include "larder/banned.h"

struct options {
    const char *model, *set, *classes, *answers;
    int batch, lanes;
};

static int open_all(const struct options *o, struct model *m, struct feed *f,
                    struct coarse *coarse, struct error *err)
{
    struct model_use use = { .batch = o->batch, .lanes = o->lanes };
    int rc;

    rc = model_open(m, o->model, &use, err);
    if (rc == 0)
        rc = feed_open(f, o->set, o->batch, 0, err);
    if (rc == 0)
        rc = shape_check(o->set, f->set, m->graph, err);
    if (rc < 0)
        return rc;
    if (o->classes)
        return coarse_read(coarse, o->classes, m->classes, err);
    coarse_identity(coarse, m->classes);
    return 0;
}

static int check_cues(const struct image *im, int n, struct error *err)
{
    if (im->label >= 0 && im->label < n && im->texture >= 0 && im->texture < n)
        return 0;
    return error_set(err, E_INPUT,
                     "picture %s has shape %d and texture %d; the classes are 0 to %d",
                     im->name, (int)im->label, (int)im->texture, n - 1);
}

/* mean: room for the coarse classes. */
static int add_rows(struct buf *text, struct model *m, const struct feed *f,
                    const struct coarse *coarse, double *mean, struct error *err)
{
    for (int k = 0; k < f->n; k++) {
        const struct image *im = &f->image[k];
        int predicted, rc = check_cues(im, coarse->n, err);

        if (rc < 0)
            return rc;
        if (im->label == im->texture)
            continue;
        coarse_means(coarse, model_probabilities(m, k), mean);
        predicted = largest(mean, coarse->n);
        buf_printf(text, "%s\t%d\t%d\t%d\t%s\n", im->name, (int)im->label,
                   (int)im->texture, predicted,
                   cue_answer(predicted, im->label, im->texture));
    }
    return 0;
}

static int cue(const void *options, struct error *err)
{
    const struct options *o = options;
    struct model m = { 0 };
    struct feed f = { 0 };
    struct coarse coarse = { 0 };
    struct buf text = { 0 };
    double *mean = NULL;
    int rc;

    rc = open_all(o, &m, &f, &coarse, err);
    if (rc < 0)
        goto out;
    mean = xcalloc((size_t)coarse.n, sizeof *mean);
    buf_adds(&text, "image\tshape\ttexture\tpredicted\tanswer\n");
    while ((rc = feed_next(&f, err)) == FEED_BATCH) {
        rc = model_forward(&m, &f, err);
        if (rc == 0 && (rc = add_rows(&text, &m, &f, &coarse, mean, err)) < 0)
            error_context(err, "%s", o->set);
        if (rc < 0)
            goto out;
        progress_step(f.at, f.size, "picture");
    }
    if (rc == FEED_END)
        rc = tsv_write(o->answers, &text, err);
out:
    free(mean);
    buf_release(&text);
    coarse_release(&coarse);
    feed_close(&f);
    model_close(&m);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .batch = 64, .lanes = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("by which cue a model answers pictures of two cues"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_IN_SET("set", &o.set, "pictures with a shape and a texture class"),
        STAGE_MAY_IN("classes", &o.classes, "TSV: class coarse; left out: the identity"),
        STAGE_OUT("answers", &o.answers, "TSV: image shape texture predicted answer"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, cue, &o);
}
