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
#include <string.h>

#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { NONE = -1 };

struct options {
    const char *record, *classes, *coarse;
};

/* All-zero is empty. */
struct work {
    struct tsv record, classes;
    long *class;       /* of each row of classes */
    const char **name; /* coarse classes, sorted, each once */
    size_t n_names;
    int coarse; /* the column */
};

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_classes(struct work *w, const char *path, struct error *err)
{
    int rc = tsv_read(&w->classes, path, err), class = -1;
    size_t rows = w->classes.n_rows, n = 0;

    if (rc < 0)
        return rc;
    if ((class = tsv_column(&w->classes, "class", err)) < 0 ||
        (w->coarse = tsv_column(&w->classes, "coarse", err)) < 0)
        return E_INPUT;
    w->class = xcalloc(rows + 1, sizeof *w->class);
    w->name = xcalloc(rows + 1, sizeof *w->name);
    for (size_t i = 0; i < rows; i++) {
        if ((rc = tsv_long(&w->classes, i, class, &w->class[i], err)) < 0)
            return rc;
        w->name[i] = tsv_get(&w->classes, i, w->coarse);
    }
    qsort(w->name, rows, sizeof *w->name, by_string);
    for (size_t i = 0; i < rows; i++)
        if (n == 0 || strcmp(w->name[n - 1], w->name[i]) != 0)
            w->name[n++] = w->name[i];
    w->n_names = n;
    return 0;
}

static int coarse_of(const struct work *w, long class)
{
    for (size_t i = 0; i < w->classes.n_rows; i++) {
        const char *name;
        const char **at;

        if (w->class[i] != class)
            continue;
        name = tsv_get(&w->classes, i, w->coarse);
        at = bsearch(&name, w->name, w->n_names, sizeof *w->name, by_string);
        return (int)(at - w->name);
    }
    return NONE;
}

static int add_row(const struct work *w, size_t row, int label, int predicted,
                   struct buf *to, struct error *err)
{
    const struct tsv *t = &w->record;
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
        c = rc == 0 ? coarse_of(w, fine) : NONE;
        if (rc == 0 && c == NONE && k == label)
            rc = error_set(err, E_INPUT, "%s:%zu: class %ld has no coarse class in %s",
                           t->path, tsv_line(t, row), fine, w->classes.path);
        buf_printf(to, "%d", c);
    }
    buf_adds(to, "\n");
    return rc;
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct work w = { 0 };
    struct buf text = { 0 };
    int rc = read_classes(&w, o->classes, err), label = -1, predicted = -1;

    if (rc == 0)
        rc = tsv_read(&w.record, o->record, err);
    if (rc == 0 && ((label = tsv_column(&w.record, "label", err)) < 0 ||
                    (predicted = tsv_column(&w.record, "predicted", err)) < 0))
        rc = E_INPUT;
    for (size_t k = 0; rc == 0 && k < w.record.n_columns; k++)
        buf_printf(&text, "%s%s", k > 0 ? "\t" : "", w.record.column[k]);
    buf_adds(&text, "\n");
    for (size_t i = 0; rc == 0 && i < w.record.n_rows; i++)
        rc = add_row(&w, i, label, predicted, &text, err);
    if (rc == 0)
        rc = tsv_write(o->coarse, &text, err);
    buf_release(&text);
    free(w.class);
    free(w.name);
    tsv_release(&w.record);
    tsv_release(&w.classes);
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
