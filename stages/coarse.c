/*
 * coarse - answers of networks by coarse classes: those of many fine ones.
 *
 * in   record   TSV with the columns label and predicted (classify), of one network or
 * more classes  TSV: class coarse: the coarse class of each fine one that has one out
 * coarse   the same rows, label and predicted now the places of their coarse classes
 *               among the sorted names, so that an answer is right when it lands in the
 *               coarse class of the label; an answer that has none is -1
 *
 * A picture whose own class has none is an error. The paper scores silhouettes so
 * (section 3.2.2: the 16 classes of Geirhos et al. 2019), and not by the mean of
 * probabilities that `cue` takes.
 */
#include "kit/stage.h"
#include "kit/tsv.h"
#include "learn/cue.h"

#include "larder/banned.h"

enum { NONE = -1, MOST_CLASSES = 1 << 20 };

struct options {
    const char *record, *classes, *coarse;
};

static int coarse_of(const struct coarse *c, long fine)
{
    return fine >= 0 && fine < c->fine ? c->of[fine] : NONE;
}

static int add_row(const struct tsv *t, const struct coarse *classes, size_t row,
                   int label, int predicted, struct buf *to, struct error *err)
{
    int rc = 0;

    for (int k = 0; k < (int)t->n_columns && rc == 0; k++) {
        long fine;
        int c;

        buf_adds(to, k > 0 ? "\t" : "");
        if (k != label && k != predicted) {
            buf_adds(to, tsv_get(t, row, k));
            continue;
        }
        rc = tsv_long(t, row, k, &fine, err);
        c = rc == 0 ? coarse_of(classes, fine) : NONE;
        if (rc == 0 && c == NONE && k == label)
            rc = error_set(err, E_INPUT, "%s:%zu: class %ld has no coarse class", t->path,
                           tsv_line(t, row), fine);
        buf_printf(to, "%d", c);
    }
    buf_adds(to, "\n");
    return rc;
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct coarse classes = { 0 };
    struct tsv t = { 0 };
    struct buf text = { 0 };
    int rc = coarse_read(&classes, o->classes, MOST_CLASSES, err);
    int label = -1, predicted = -1;

    if (rc == 0)
        rc = tsv_read(&t, o->record, err);
    if (rc == 0 && ((label = tsv_column(&t, "label", err)) < 0 ||
                    (predicted = tsv_column(&t, "predicted", err)) < 0))
        rc = E_INPUT;
    for (size_t k = 0; rc == 0 && k < t.n_columns; k++)
        buf_printf(&text, "%s%s", k > 0 ? "\t" : "", t.column[k]);
    buf_adds(&text, "\n");
    for (size_t i = 0; rc == 0 && i < t.n_rows; i++)
        rc = add_row(&t, &classes, i, label, predicted, &text, err);
    if (rc == 0)
        rc = tsv_write(o->coarse, &text, err);
    buf_release(&text);
    tsv_release(&t);
    coarse_release(&classes);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("answers of networks by coarse classes"),
        STAGE_IN("record", &o.record, "TSV: image label predicted ... (classify)"),
        STAGE_IN("classes", &o.classes, "TSV: class coarse"),
        STAGE_OUT("coarse", &o.coarse, "the same, label and predicted coarse"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
