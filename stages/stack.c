/*
 * stack - the rows of several TSV files as one: the data of a figure, with the columns by
 * which it is known.
 *
 * in   records  list of TSV files, by axes
 * out  data     TSV: the columns that are asked for, in order
 *
 * `columns` names them, NAME or NAME=OTHER to call one otherwise: axes of the list (stage
 * among them) or columns of the files. `where` says which rows count (COLUMN=VALUE,
 * joined by commas); a value with a `!` in front is one that does not. A column that a
 * file lacks is refused, or, with lacking=empty, empty in its rows; one that all lack is
 * refused. Rows keep their order, and files that of the list.
 */
#include <stdbool.h>
#include <string.h>

#include "kit/stage.h"
#include "table/names.h"
#include "table/records.h"
#include "table/where.h"

#include "larder/banned.h"

struct options {
    const char *records, *data, *columns, *where, *lacking;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct records records;
    struct names columns, conditions;
    struct buf text;
};

/* Is a column an axis, or in the record's file? */
static bool has_column(const struct work *w, size_t record, const char *name)
{
    return manifest_axis(&w->records.manifest, record, name) != NULL ||
           tsv_column(&w->records.record[record].tsv, name, NULL) >= 0;
}

/* Refuses columns that every file lacks. */
static int check_columns(const struct work *w, struct error *err)
{
    for (size_t i = 0; i < w->columns.n; i++) {
        size_t has = 0;

        for (size_t r = 0; r < w->records.n; r++)
            has += has_column(w, r, w->columns.word[i]);
        if (has == 0 && w->records.n > 0)
            return tsv_column(&w->records.record[0].tsv, w->columns.word[i], err);
    }
    return 0;
}

static int add_row(struct work *w, size_t record, size_t row, struct error *err)
{
    bool may_lack = strcmp(w->o->lacking, "empty") == 0;

    for (size_t i = 0; i < w->columns.n; i++) {
        const char *name = w->columns.word[i], *value = "";

        if (!may_lack || has_column(w, record, name))
            value = where_value(&w->records, record, row, name, err);
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
    if (rc == 0)
        rc = check_columns(w, err);
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
    struct options o = { .columns = "", .where = "", .lacking = "refuse" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the rows of several TSV files as one"),
        STAGE_IN_LIST("records", &o.records, "TSV files, by axes"),
        STAGE_OUT("data", &o.data, "the columns that are asked for (TSV)"),
        STAGE_STRING("columns", &o.columns, "NAME or NAME=OTHER, joined by commas"),
        STAGE_STRING("where", &o.where,
                     "rows that count: column=value; !value: all but that"),
        STAGE_CHOICE("lacking", &o.lacking, "refuse|empty",
                     "what a column is that one of the files lacks"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
