#include "table/overlaps.h"

#include <string.h>

#include "larder/mem.h"
#include "table/bootstrap.h"

#include "larder/banned.h"

enum { FOUND, EXACT, BOTH, COUNTS, MOST_LABELS = 65536 };

/* A row: of one picture and one label. */
struct row {
    size_t picture;
    long label, count[COUNTS];
};

/* All-zero is empty. */
struct overlaps {
    struct row *row;
    size_t n, pictures, labels;
    double (*sum)[COUNTS]; /* of each label */
};

static int read_row(struct row *r, const struct tsv *t, size_t i, const int *column,
                    struct error *err)
{
    int rc = tsv_long(t, i, column[COUNTS], &r->label, err);

    for (int k = 0; k < COUNTS && rc == 0; k++)
        rc = tsv_long(t, i, column[k], &r->count[k], err);
    if (rc < 0)
        return rc;
    if (r->label < 0 || r->label >= MOST_LABELS)
        return error_set(err, E_INPUT, "%s:%zu: label %ld", t->path, tsv_line(t, i),
                         r->label);
    for (int k = 0; k < COUNTS; k++)
        if (r->count[k] < 0 || r->count[BOTH] > r->count[k])
            return error_set(err, E_INPUT,
                             "%s:%zu: found %ld, exact %ld and both %ld cannot be",
                             t->path, tsv_line(t, i), r->count[FOUND], r->count[EXACT],
                             r->count[BOTH]);
    return 0;
}

/* The rows of a picture stand together. */
static int read_rows(struct overlaps *o, const struct tsv *t, struct error *err)
{
    static const char *const name[COUNTS + 1] = { "found", "exact", "both", "label" };
    int image = tsv_column(t, "image", err), column[COUNTS + 1];

    if (image < 0)
        return image;
    for (int k = 0; k <= COUNTS; k++)
        if ((column[k] = tsv_column(t, name[k], err)) < 0)
            return column[k];
    o->row = xcalloc(t->n_rows + 1, sizeof *o->row);
    for (; o->n < t->n_rows; o->n++) {
        struct row *r = &o->row[o->n];
        int rc = read_row(r, t, o->n, column, err);

        if (rc < 0)
            return rc;
        if (o->n == 0 ||
            strcmp(tsv_get(t, o->n, image), tsv_get(t, o->n - 1, image)) != 0)
            o->pictures++;
        r->picture = o->pictures - 1;
        if ((size_t)r->label >= o->labels)
            o->labels = (size_t)r->label + 1;
    }
    o->sum = xcalloc(o->labels + 1, sizeof *o->sum);
    return 0;
}

/* With count NULL each picture counts once. */
static void add_up(struct overlaps *o, const uint16_t *count)
{
    memset(o->sum, 0, o->labels * sizeof *o->sum);
    for (size_t i = 0; i < o->n; i++) {
        const struct row *r = &o->row[i];
        double times = count != NULL ? count[r->picture] : 1;

        for (int k = 0; k < COUNTS; k++)
            o->sum[r->label][k] += times * (double)r->count[k];
    }
}

static double mean_iou(void *context, const uint16_t *count)
{
    struct overlaps *o = context;
    double sum = 0;
    int n = 0;

    add_up(o, count);
    for (size_t l = 0; l < o->labels; l++) {
        double either = o->sum[l][FOUND] + o->sum[l][EXACT] - o->sum[l][BOTH];

        if (either <= 0)
            continue;
        sum += o->sum[l][BOTH] / either;
        n++;
    }
    return n > 0 ? 100 * sum / n : 0;
}

static double right_pixels(void *context, const uint16_t *count)
{
    struct overlaps *o = context;
    double both = 0, all = 0;

    add_up(o, count);
    for (size_t l = 0; l < o->labels; l++) {
        both += o->sum[l][BOTH];
        all += o->sum[l][EXACT];
    }
    return all > 0 ? 100 * both / all : 0;
}

int overlaps_read(struct measured *m, const struct tsv *record, struct error *err)
{
    double (*const number[])(void *, const uint16_t *) = { mean_iou, right_pixels };
    struct overlaps o = { 0 };
    struct bootstrap b;
    int rc = read_rows(&o, record, err);

    if (rc == 0 && o.pictures > 0) {
        bootstrap_open(&b, o.pictures);
        m->n = (long)o.pictures;
        m->has_intervals = true;
        for (size_t k = 0; k < 2; k++) {
            m->value[k] = number[k](&o, NULL);
            m->interval[k] = bootstrap_of(&b, number[k], &o);
        }
        bootstrap_close(&b);
    }
    free(o.row);
    free(o.sum);
    return rc;
}
