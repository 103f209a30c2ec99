/*
 * intersect - the pictures that all of several records get right: ImageNet-CL of a pair.
 *
 * in   records  list of records of one set (classify)
 * out  list     TSV in the order of the names: image, label
 *
 * Names and not positions are written, so that lists of two labs can be joined. Paper,
 * section 2: "ImageNet-CL", the images that a network and its robust counterpart both
 * classify correctly.
 */
#include <string.h>

#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "table/records.h"

#include "larder/banned.h"

struct options {
    const char *records, *list;
    int least;
};

enum { IMAGE, LABEL, PREDICTED, COLUMNS };

/* The records under comparison; all-zero is empty. */
struct compared {
    struct records records;
    int (*column)[COLUMNS]; /* of each record */
};

static const struct tsv *table(const struct compared *c, size_t record)
{
    return &c->records.record[record].tsv;
}

static const char *cell(const struct compared *c, size_t record, size_t row, int which)
{
    return tsv_get(table(c, record), row, c->column[record][which]);
}

static int find_columns(struct compared *c, size_t record, struct error *err)
{
    static const char *const name[COLUMNS] = { "image", "label", "predicted" };
    const struct tsv *first = table(c, 0), *t = table(c, record);
    int rc = 0;

    for (int k = 0; k < COLUMNS && rc >= 0; k++)
        rc = c->column[record][k] = tsv_column(t, name[k], err);
    if (rc >= 0 && t->n_rows != first->n_rows)
        rc = error_set(err, E_INPUT, "%s has %zu pictures, %s has %zu", first->path,
                       first->n_rows, t->path, t->n_rows);
    return rc < 0 ? rc : 0;
}

/* Whether all are right about the picture of a row, which must be the same one. */
static int all_right(const struct compared *c, size_t row, struct error *err)
{
    bool right = true;

    for (size_t i = 0; i < c->records.n; i++) {
        for (int k = IMAGE; k <= LABEL; k++)
            if (strcmp(cell(c, i, row, k), cell(c, 0, row, k)) != 0)
                return error_set(err, E_INPUT,
                                 "picture %zu is %s, label %s, in %s and %s, label %s, "
                                 "in %s: they are of different sets",
                                 row + 1, cell(c, 0, row, IMAGE), cell(c, 0, row, LABEL),
                                 table(c, 0)->path, cell(c, i, row, IMAGE),
                                 cell(c, i, row, LABEL), table(c, i)->path);
        right &= strcmp(cell(c, i, row, PREDICTED), cell(c, i, row, LABEL)) == 0;
    }
    return right;
}

static int write_list(const struct compared *c, const struct options *o,
                      struct error *err)
{
    struct buf text = { 0 };
    int n = 0, rc = 0;

    buf_adds(&text, "image\tlabel\n");
    for (size_t row = 0; row < table(c, 0)->n_rows && rc >= 0; row++) {
        rc = all_right(c, row, err);
        if (rc <= 0)
            continue;
        buf_printf(&text, "%s\t%s\n", cell(c, 0, row, IMAGE), cell(c, 0, row, LABEL));
        n++;
    }
    if (rc >= 0 && n < o->least)
        rc = error_set(err, E_STAGE,
                       "all are right on %d pictures, fewer than least=%d: take more "
                       "pictures",
                       n, o->least);
    if (rc >= 0)
        rc = tsv_write(o->list, &text, err);
    buf_release(&text);
    return rc;
}

static int intersect(const void *options, struct error *err)
{
    const struct options *o = options;
    struct compared c = { 0 };
    int rc;

    rc = records_read(&c.records, o->records, err);
    if (rc == 0 && c.records.n == 0)
        rc = error_set(err, E_INPUT, "%s names no record", o->records);
    c.column = xcalloc(c.records.n + 1, sizeof *c.column);
    for (size_t i = 0; i < c.records.n && rc == 0; i++)
        rc = find_columns(&c, i, err);
    if (rc == 0)
        rc = write_list(&c, o, err);
    free(c.column);
    records_release(&c.records);
    return rc < 0 ? rc : 0;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the pictures that all of several records get right"),
        STAGE_IN_LIST("records", &o.records, "records of one set"),
        STAGE_OUT("list", &o.list, "TSV: image label"),
        STAGE_INT("least", &o.least, 0, 1 << 30, "refuse a list of fewer pictures"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, intersect, &o);
}
