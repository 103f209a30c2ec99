#include "learn/curve.h"

#include "kit/tsv.h"
#include "larder/mem.h"

#include "larder/banned.h"

void curve_header(struct buf *text)
{
    buf_adds(text, "epoch\tlr\tradius\tloss\taccuracy\tclean\tcorrect\tpictures\n");
}

double curve_clean(const struct curve_row *row)
{
    return (double)row->correct / (double)row->pictures;
}

void curve_add(struct buf *text, const struct curve_row *row)
{
    buf_printf(text, "%ld\t%.6g\t%.6g\t%.6g\t%.6g\t", row->epoch, row->rate, row->radius,
               row->loss, row->accuracy);
    if (row->pictures > 0)
        buf_printf(text, "%.6g", curve_clean(row));
    else
        buf_addc(text, '-');
    buf_printf(text, "\t%ld\t%ld\n", row->correct, row->pictures);
}

void curve_release(struct curve *c)
{
    free(c->row);
    *c = (struct curve){ 0 };
}

static int read_row(const struct tsv *t, size_t i, const int column[7],
                    struct curve_row *row, struct error *err)
{
    int rc;

    rc = tsv_long(t, i, column[0], &row->epoch, err);
    if (rc == 0)
        rc = tsv_double(t, i, column[1], &row->rate, err);
    if (rc == 0)
        rc = tsv_double(t, i, column[2], &row->radius, err);
    if (rc == 0)
        rc = tsv_double(t, i, column[3], &row->loss, err);
    if (rc == 0)
        rc = tsv_double(t, i, column[4], &row->accuracy, err);
    if (rc == 0)
        rc = tsv_long(t, i, column[5], &row->correct, err);
    if (rc == 0)
        rc = tsv_long(t, i, column[6], &row->pictures, err);
    if (rc == 0 && row->pictures <= 0)
        rc = error_set(err, E_INPUT,
                       "%s: no clean accuracies: train was run without the input val",
                       t->path);
    return rc;
}

int curve_read(struct curve *c, const char *path, struct error *err)
{
    static const char *const names[7] = { "epoch",    "lr",      "radius",  "loss",
                                          "accuracy", "correct", "pictures" };
    struct tsv t = { 0 };
    int column[7], rc;

    *c = (struct curve){ 0 };
    rc = tsv_read(&t, path, err);
    for (int i = 0; i < 7 && rc >= 0; i++)
        rc = column[i] = tsv_column(&t, names[i], err);
    if (rc >= 0 && t.n_rows == 0)
        rc = error_set(err, E_INPUT, "%s: has no epoch", path);
    if (rc < 0)
        goto out;
    c->row = xcalloc(t.n_rows, sizeof *c->row);
    rc = 0;
    for (; c->n < t.n_rows && rc == 0; c->n++)
        rc = read_row(&t, c->n, column, &c->row[c->n], err);
out:
    tsv_release(&t);
    return rc < 0 ? rc : 0;
}

const struct curve_row *curve_nearest(const struct curve *s, const struct curve_row *r)
{
    const struct curve_row *best = NULL;
    long long least = 0;

    /* |a/n - b/m| = |a m - b n| / (n m): compared as fractions over n. */
    for (size_t i = 0; i < s->n; i++) {
        const struct curve_row *row = &s->row[i];
        long long gap = llabs((long long)row->correct * r->pictures -
                              (long long)r->correct * row->pictures);

        if (!best || gap * best->pictures < least * row->pictures) {
            best = row;
            least = gap;
        }
    }
    return best;
}
