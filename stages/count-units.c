/*
 * count-units - how many channels of each layer respond to a concept of each category.
 *
 * in   units   TSV of `dissect`
 * out  counts  TSV: layer category n n01 n04, by layer in the order of the file, last the
 *              layer `network`: all of them
 *
 * A channel counts for the category of its best label, however small the IoU is, as the
 * authors count (anguyen8/shape-bias, plotHelper.py, findStats); n01 and n04 count those
 * of an IoU of at least 0.01 and 0.04. Categories stand in the order of Broden's; the
 * last is `none`. Figures 4a, A7, A9 and A28 of the paper.
 */
#include <string.h>

#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { MOST_CATEGORIES = 32, CUTS = 3 };
static const double least[CUTS] = { 0, .01, .04 };

struct options {
    const char *units, *counts;
};

/* One run; all-zero is empty. */
struct work {
    struct tsv units;
    int layer, category, score;
    char *name[MOST_CATEGORIES]; /* of the categories */
    size_t n;
    struct buf text;
};

/* A category is what has a column NAME-label. */
static int find_categories(struct work *w, struct error *err)
{
    static const char suffix[] = "-label";

    for (size_t i = 0; i < w->units.n_columns; i++) {
        const char *column = w->units.column[i];
        size_t n = strlen(column);

        if (n <= strlen(suffix) || strcmp(column + n - strlen(suffix), suffix) != 0)
            continue;
        if (w->n + 1 == MOST_CATEGORIES)
            return error_set(err, E_INPUT, "%s: more than %d categories", w->units.path,
                             MOST_CATEGORIES - 1);
        w->name[w->n++] = xstrndup(column, n - strlen(suffix));
    }
    w->name[w->n++] = xstrdup("none");
    return 0;
}

static int read_units(struct work *w, const char *path, struct error *err)
{
    int rc = tsv_read(&w->units, path, err);

    if (rc == 0 && ((w->layer = tsv_column(&w->units, "layer", err)) < 0 ||
                    (w->category = tsv_column(&w->units, "category", err)) < 0 ||
                    (w->score = tsv_column(&w->units, "score", err)) < 0))
        rc = E_INPUT;
    return rc == 0 ? find_categories(w, err) : rc;
}

/* Adds the channels of one layer, or of all (NULL), to the counts. */
static int count(const struct work *w, const char *layer, long n[MOST_CATEGORIES][CUTS],
                 struct error *err)
{
    memset(n, 0, MOST_CATEGORIES * sizeof *n);
    for (size_t row = 0; row < w->units.n_rows; row++) {
        const char *category = tsv_get(&w->units, row, w->category);
        double score;
        size_t c = 0;

        if (layer != NULL && strcmp(tsv_get(&w->units, row, w->layer), layer) != 0)
            continue;
        while (c < w->n && strcmp(w->name[c], category) != 0)
            c++;
        if (c == w->n)
            return error_set(err, E_INPUT, "%s:%zu: there is no category %s",
                             w->units.path, tsv_line(&w->units, row), category);
        if (tsv_double(&w->units, row, w->score, &score, err) < 0)
            return E_INPUT;
        for (int k = 0; k < CUTS; k++)
            n[c][k] += score >= least[k];
    }
    return 0;
}

static int add_layer(struct work *w, const char *layer, struct error *err)
{
    long n[MOST_CATEGORIES][CUTS];
    int rc = count(w, layer, n, err);

    for (size_t c = 0; c < w->n && rc == 0; c++)
        buf_printf(&w->text, "%s\t%s\t%ld\t%ld\t%ld\n", layer != NULL ? layer : "network",
                   w->name[c], n[c][0], n[c][1], n[c][2]);
    return rc;
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct work w = { 0 };
    int rc = read_units(&w, o->units, err);

    buf_adds(&w.text, "layer\tcategory\tn\tn01\tn04\n");
    for (size_t row = 0; row < w.units.n_rows && rc == 0; row++) {
        const char *layer = tsv_get(&w.units, row, w.layer);

        if (row == 0 || strcmp(layer, tsv_get(&w.units, row - 1, w.layer)) != 0)
            rc = add_layer(&w, layer, err);
    }
    if (rc == 0)
        rc = add_layer(&w, NULL, err);
    if (rc == 0)
        rc = tsv_write(o->counts, &w.text, err);
    for (size_t c = 0; c < w.n; c++)
        free(w.name[c]);
    buf_release(&w.text);
    tsv_release(&w.units);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("how many channels of each layer respond to each category"),
        STAGE_IN("units", &o.units, "channels with their concepts (TSV of dissect)"),
        STAGE_OUT("counts", &o.counts, "TSV: layer category n n01 n04"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
