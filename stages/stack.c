/*
 * stack - the rows of several TSV files as one: the data of a figure, with the columns by
 * which it is known.
 *
 * in   records  list of TSV files, by axes
 * out  data     TSV: the columns that are asked for, in order
 *
 * `columns` names them, NAME or NAME=OTHER to call one otherwise: axes of the list (stage
 * among them) or columns of the files. `where` says which rows count (COLUMN=VALUE,
 * joined by commas); a value with a `!` in front is one that does not. Rows keep their
 * order, and files that of the list.
 */
#include <string.h>

#include "kit/stage.h"
#include "table/names.h"
#include "table/records.h"
#include "table/where.h"

#include "larder/banned.h"

struct options {
    const char *records, *data, *columns, *where;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct records records;
    struct names columns, conditions;
    struct buf text;
};

static int add_row(struct work *w, size_t record, size_t row, struct error *err)
{
    for (size_t i = 0; i < w->columns.n; i++) {
        const char *value =
            where_value(&w->records, record, row, w->columns.word[i], err);

        if (value == NULL)
            return E_INPUT;
        buf_printf(&w->text, "%s%s", i > 0 ? "\t" : "", value);
    }
    buf_addc(&w->text, '\n');
    return 0;
}

/* "a,b=c" as a map, a word that is called by itself too. */
static int read_columns(struct work *w, struct error *err)
{
    struct buf map = { 0 };
    const char *at = w->o->columns;
    int rc;

    while (*at != '\0') {
        size_t n = strcspn(at, ",");

        buf_add(&map, at, n);
        if (memchr(at, '=', n) == NULL) {
            buf_addc(&map, '=');
            buf_add(&map, at, n);
        }
        at += n;
        if (*at == ',')
            buf_addc(&map, *at++);
    }
    rc = names_map(&w->columns, buf_str(&map), "columns", err);
    if (rc == 0 && w->columns.n == 0)
        rc = error_set(err, E_INPUT, "columns names none");
    buf_release(&map);
    return rc;
}

static int stack(struct work *w, struct error *err)
{
    int rc = read_columns(w, err);

    if (rc == 0)
        rc = names_map(&w->conditions, w->o->where, "where", err);
    if (rc == 0)
        rc = records_read(&w->records, w->o->records, err);
    for (size_t i = 0; i < w->columns.n && rc == 0; i++)
        buf_printf(&w->text, "%s%s", i > 0 ? "\t" : "", w->columns.printed[i]);
    buf_addc(&w->text, '\n');
    for (size_t i = 0; i < w->records.n && rc == 0; i++)
        for (size_t row = 0; row < w->records.record[i].tsv.n_rows && rc == 0; row++) {
            rc = where_fits(&w->records, &w->conditions, i, row, err);
            if (rc > 0)
                rc = add_row(w, i, row, err);
        }
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = stack(&w, err);

    if (rc == 0)
        rc = tsv_write(w.o->data, &w.text, err);
    buf_release(&w.text);
    records_release(&w.records);
    names_release(&w.columns);
    names_release(&w.conditions);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .columns = "", .where = "" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the rows of several TSV files as one"),
        STAGE_IN_LIST("records", &o.records, "TSV files, by axes"),
        STAGE_OUT("data", &o.data, "the columns that are asked for (TSV)"),
        STAGE_STRING("columns", &o.columns, "NAME or NAME=OTHER, joined by commas"),
        STAGE_STRING("where", &o.where,
                     "rows that count: column=value; !value: all but that"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
