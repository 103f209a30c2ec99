/*
 * pivot - numbers out of TSV files, laid out as a table.
 *
 * in   records  a list of TSV files, by axes
 *      paper    published numbers (table/published.h), to stand beside
 * out  table    one line a cell (docs/tables.md)
 *      data     TSV, the same as plain columns: the axes of rows and columns, but for
 * that of a change, then the number; of a change both numbers, NAME_A and NAME_B, and the
 * change
 *
 * `value` is the column that holds the numbers, `low` and `high` those of their
 * intervals, `count` that of how many they rest on, `where` says which rows count
 * (COLUMN=VALUE, or COLUMN=!VALUE, joined by commas). `rows` and `columns` are axes of
 * the list or columns of the files, whose values name a row or column of the table, as in
 * `tabulate`. With `change=percent` or `difference` two columns become one: of those that
 * have the words of `of`, A:B, on an axis and are otherwise the same, B less A, or that
 * in percent of A; where one is not there it counts 0, and what divides by 0 is empty.
 * `order=falling` sorts rows by their first column, and `least` leaves out rows whose
 * first number is nearer to 0.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kit/stage.h"
#include "larder/mem.h"
#include "table/names.h"
#include "table/published.h"
#include "table/records.h"
#include "table/table.h"
#include "table/where.h"

#include "larder/banned.h"

struct options {
    const char *records, *paper, *table, *data;
    const char *value, *low, *high, *count, *where, *rows, *columns, *row_names,
        *column_names, *unit;
    const char *change, *of, *order;
    double least;
};

/* Of a pair the number of A and that of B; else only the latter. */
enum { A, B, SIDES };
/* What a number may have besides. */
enum { LOW, HIGH, COUNT, MORE };

/* A cell before it is written. */
struct number {
    size_t row, column;
    double value[SIDES];
    bool has[SIDES];
    const char *text[MORE]; /* as the file has them, or NULL */
    struct buf from;
};

/* A row or a column. */
struct place {
    char *name;   /* as it is printed */
    char *values; /* of its axes, a tab after each */
};

/* The rows or the columns, in the order of their first cell. */
struct side {
    struct names axes, printed;
    struct place *place;
    size_t n, cap;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct records records;
    struct side rows, columns;
    struct names conditions, pair;
    struct published published;
    int changed; /* the axis of columns on which the pair stands; -1: none */
    struct number *number;
    size_t n, cap;
};

/* A name as it is being put together. */
struct line {
    struct buf name, values;
};

static void line_release(struct line *l)
{
    buf_release(&l->name);
    buf_release(&l->values);
}

static size_t place_of(struct side *s, const struct line *l)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->place[i].name, buf_str(&l->name)) == 0)
            return i;
    GROW(s->place, s->n + 1, s->cap);
    s->place[s->n] =
        (struct place){ xstrdup(buf_str(&l->name)), xstrdup(buf_str(&l->values)) };
    return s->n++;
}

/* The name of a row or column, but for one axis, or -1. */
static int name_line(const struct work *w, const struct side *s, size_t record,
                     size_t row, int but, struct line *to, struct error *err)
{
    for (size_t i = 0; i < s->axes.n; i++) {
        const char *value = where_value(&w->records, record, row, s->axes.word[i], err);

        if (value == NULL)
            return E_INPUT;
        if ((int)i == but)
            continue;
        buf_printf(&to->values, "%s\t", value);
        if (value[0] != '\0')
            buf_printf(&to->name, "%s%s", to->name.len > 0 ? " " : "",
                       names_printed(&s->printed, value));
    }
    if (to->name.len == 0)
        buf_adds(&to->name, "value");
    return 0;
}

/* Which of the two words of `of` stands on an axis of the record; B where no pair is
 * asked for, -1 for a record that is neither. The axis must be the same for all. */
static int side_of(struct work *w, size_t record, size_t row, int *side,
                   struct error *err)
{
    *side = w->pair.n == 0 ? B : -1;
    for (int i = 0; i < (int)w->columns.axes.n && *side < 0; i++) {
        const char *value =
            where_value(&w->records, record, row, w->columns.axes.word[i], NULL);

        if (value != NULL && strcmp(value, w->pair.word[0]) == 0)
            *side = A;
        else if (value != NULL && strcmp(value, w->pair.printed[0]) == 0)
            *side = B;
        else
            continue;
        if (w->changed >= 0 && w->changed != i)
            return error_set(err, E_INPUT, "of=\"%s\" stands on %s and on %s; name one",
                             w->o->of, w->columns.axes.word[w->changed],
                             w->columns.axes.word[i]);
        w->changed = i;
    }
    return 0;
}

/* NULL where there is none. */
static struct number *find_number(const struct work *w, size_t row, size_t column)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->number[i].row == row && w->number[i].column == column)
            return &w->number[i];
    return NULL;
}

static struct number *make_number(struct work *w, size_t row, size_t column)
{
    struct number *old = find_number(w, row, column);

    if (old != NULL)
        return old;
    GROW(w->number, w->n + 1, w->cap);
    w->number[w->n] = (struct number){ .row = row, .column = column };
    return &w->number[w->n++];
}

static void add_digest(struct buf *from, const struct digest *id)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(id, hex);
    if (strstr(buf_str(from), hex) == NULL)
        buf_printf(from, "%s%s", from->len > 0 ? "," : "", hex);
}

/* The columns that options name; a change has no interval. */
static int put_more(const struct work *w, size_t record, size_t row, struct number *to,
                    struct error *err)
{
    const char *const name[MORE] = { w->o->low, w->o->high, w->o->count };
    const struct tsv *t = &w->records.record[record].tsv;

    for (int i = 0; i < MORE; i++) {
        int column = name[i][0] != '\0' ? tsv_column(t, name[i], err) : -1;
        double x;

        if (name[i][0] == '\0')
            continue;
        if (column < 0 || tsv_double(t, row, column, &x, err) < 0)
            return E_INPUT;
        to->text[i] = tsv_get(t, row, column);
    }
    return 0;
}

static int put_number(struct work *w, size_t record, size_t row, int side, double x,
                      const struct line line[2], struct error *err)
{
    const struct tsv *t = &w->records.record[record].tsv;
    struct number *to =
        make_number(w, place_of(&w->rows, &line[0]), place_of(&w->columns, &line[1]));

    if (to->has[side])
        return error_set(
            err, E_INPUT,
            "%s:%zu: a second number for row \"%s\", column \"%s\"; name what "
            "tells them apart in rows or columns, or leave rows out by where",
            t->path, tsv_line(t, row), buf_str(&line[0].name), buf_str(&line[1].name));
    to->has[side] = true;
    to->value[side] = x;
    add_digest(&to->from, &w->records.record[record].digest);
    return put_more(w, record, row, to, err);
}

static int add_row(struct work *w, size_t record, size_t row, struct error *err)
{
    const struct tsv *t = &w->records.record[record].tsv;
    int value = tsv_column(t, w->o->value, err), side = -1;
    struct line line[2] = { 0 };
    double x = 0;
    int rc = value < 0 ? value : side_of(w, record, row, &side, err);

    if (rc == 0 && side >= 0)
        rc = tsv_double(t, row, value, &x, err);
    if (rc == 0)
        rc = name_line(w, &w->rows, record, row, -1, &line[0], err);
    if (rc == 0)
        rc = name_line(w, &w->columns, record, row, w->changed, &line[1], err);
    if (rc == 0 && side >= 0)
        rc = put_number(w, record, row, side, x, line, err);
    line_release(&line[0]);
    line_release(&line[1]);
    return rc;
}

static int read_options(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    bool changes = strcmp(o->change, "none") != 0;

    if (names_list(&w->rows.axes, o->rows, "rows", err) < 0 ||
        names_list(&w->columns.axes, o->columns, "columns", err) < 0 ||
        names_map(&w->rows.printed, o->row_names, "row-names", err) < 0 ||
        names_map(&w->columns.printed, o->column_names, "column-names", err) < 0 ||
        names_map(&w->conditions, o->where, "where", err) < 0 ||
        names_pairs(&w->pair, o->of, "of", err) < 0)
        return E_INPUT;
    if (changes && (o->low[0] || o->high[0] || o->count[0]))
        return error_set(err, E_INPUT,
                         "a change has no interval: leave low, high and count out");
    if (w->pair.n != (changes ? 1 : 0))
        return error_set(err, E_INPUT, "change=%s with of=\"%s\": %s", o->change, o->of,
                         changes ? "say of what, A:B" : "a pair is for a change alone");
    return 0;
}

static int read_all(struct work *w, struct error *err)
{
    int rc = read_options(w, err);

    if (rc == 0)
        rc = records_read(&w->records, w->o->records, err);
    for (size_t i = 0; i < w->records.n && rc == 0; i++)
        for (size_t row = 0; row < w->records.record[i].tsv.n_rows && rc == 0; row++) {
            rc = where_fits(&w->records, &w->conditions, i, row, err);
            if (rc > 0)
                rc = add_row(w, i, row, err);
        }
    return rc;
}

/* What is written; NAN: nothing. */
static double result(const struct work *w, const struct number *n)
{
    if (strcmp(w->o->change, "none") == 0)
        return n->value[B];
    if (strcmp(w->o->change, "difference") == 0)
        return n->value[B] - n->value[A];
    return n->value[A] != 0 ? 100 * (n->value[B] - n->value[A]) / n->value[A]
                            : (double)NAN;
}

/* A row in the order in which it is written. */
struct ordered {
    size_t row;
    double first; /* its number in the first column, 0 where there is none */
    bool falling;
};

static int by_first(const void *pa, const void *pb)
{
    const struct ordered *a = pa, *b = pb;

    if (a->falling && a->first != b->first)
        return a->first > b->first ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void add_cell(const struct work *w, const struct number *n, struct buf *to)
{
    const char *row = w->rows.place[n->row].name,
               *column = w->columns.place[n->column].name;
    char text[40] = "";
    double x = result(w, n);

    if (!isnan(x))
        snprintf(text, sizeof text, "%.6g", x);
    table_add_cell(
        to,
        &(struct table_cell){ .row = row,
                              .column = column,
                              .n = or_empty(n->text[COUNT]),
                              .k = "",
                              .value = text,
                              .low = or_empty(n->text[LOW]),
                              .high = or_empty(n->text[HIGH]),
                              .unit = w->o->unit,
                              .from = buf_str(&n->from),
                              .paper = published_value(&w->published, row, column),
                              .within = published_within(&w->published, row, column) },
        w->published.tsv.n_rows > 0);
}

static bool has_cell(const void *table, const char *row, const char *column)
{
    const struct work *w = table;

    for (size_t i = 0; i < w->rows.n && column == NULL; i++)
        if (strcmp(w->rows.place[i].name, row) == 0)
            return true;
    for (size_t i = 0; i < w->n && column != NULL; i++)
        if (strcmp(w->rows.place[w->number[i].row].name, row) == 0 &&
            strcmp(w->columns.place[w->number[i].column].name, column) == 0)
            return true;
    return false;
}

/* A number as it is written, nothing for none, and what follows it. */
static void add_number(struct buf *to, double x, char end)
{
    if (!isnan(x))
        buf_printf(to, "%.6g", x);
    buf_addc(to, end);
}

static void add_axes(const struct side *s, int but, struct buf *to)
{
    for (size_t i = 0; i < s->axes.n; i++)
        if ((int)i != but)
            buf_printf(to, "%s\t", s->axes.word[i]);
}

static void add_data_header(const struct work *w, struct buf *to)
{
    add_axes(&w->rows, -1, to);
    add_axes(&w->columns, w->changed, to);
    if (w->pair.n > 0)
        buf_printf(to, "%s_%s\t%s_%s\t%s\n", w->o->value, w->pair.word[0], w->o->value,
                   w->pair.printed[0], w->o->change);
    else
        buf_printf(to, "%s\n", w->o->value);
}

static void add_data(const struct work *w, const struct number *n, struct buf *to)
{
    buf_adds(to, w->rows.place[n->row].values);
    buf_adds(to, w->columns.place[n->column].values);
    if (w->pair.n > 0) {
        add_number(to, n->value[A], '\t');
        add_number(to, n->value[B], '\t');
    }
    add_number(to, result(w, n), '\n');
}

static void write_rows(const struct work *w, struct buf *to, struct buf *data)
{
    struct ordered *order = xcalloc(w->rows.n + 1, sizeof *order);

    for (size_t i = 0; i < w->rows.n; i++) {
        const struct number *n = find_number(w, i, 0);
        double first = n != NULL ? result(w, n) : 0;

        order[i] = (struct ordered){ i, isnan(first) ? 0 : first,
                                     strcmp(w->o->order, "falling") == 0 };
    }
    qsort(order, w->rows.n, sizeof *order, by_first);
    table_add_header(to, w->published.tsv.n_rows > 0);
    add_data_header(w, data);
    for (size_t i = 0; i < w->rows.n; i++)
        for (size_t c = 0; c < w->columns.n && fabs(order[i].first) >= w->o->least; c++) {
            const struct number *n = find_number(w, order[i].row, c);

            if (n == NULL)
                continue;
            add_cell(w, n, to);
            add_data(w, n, data);
        }
    free(order);
}

static void close_side(struct side *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->place[i].name);
        free(s->place[i].values);
    }
    free(s->place);
    names_release(&s->axes);
    names_release(&s->printed);
}

static void close_work(struct work *w)
{
    for (size_t i = 0; i < w->n; i++)
        buf_release(&w->number[i].from);
    free(w->number);
    close_side(&w->rows);
    close_side(&w->columns);
    names_release(&w->conditions);
    names_release(&w->pair);
    published_release(&w->published);
    records_release(&w->records);
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options, .changed = -1 };
    struct buf text = { 0 }, data = { 0 };
    int rc = read_all(&w, err);

    if (rc == 0 && w.o->paper != NULL)
        rc = published_read(&w.published, w.o->paper, has_cell, &w, err);
    if (rc == 0) {
        write_rows(&w, &text, &data);
        rc = tsv_write(w.o->table, &text, err);
    }
    if (rc == 0)
        rc = tsv_write(w.o->data, &data, err);
    buf_release(&data);
    buf_release(&text);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .value = "n",
                         .low = "",
                         .high = "",
                         .count = "",
                         .where = "",
                         .rows = "",
                         .columns = "",
                         .row_names = "",
                         .column_names = "",
                         .unit = "",
                         .change = "none",
                         .of = "",
                         .order = "given" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("numbers out of TSV files, laid out as a table"),
        STAGE_IN_LIST("records", &o.records, "TSV files, by axes"),
        STAGE_MAY_IN("paper", &o.paper, "published numbers (TSV: row column value)"),
        STAGE_OUT("table", &o.table, "table (TSV, one line a cell)"),
        STAGE_OUT("data", &o.data, "the same as plain columns (TSV)"),
        STAGE_STRING("value", &o.value, "the column that holds the numbers"),
        STAGE_STRING("low", &o.low, "the column with the lower ends of intervals"),
        STAGE_STRING("high", &o.high, "that with the upper ends"),
        STAGE_STRING("count", &o.count, "that with how many a number rests on"),
        STAGE_STRING("where", &o.where,
                     "rows that count: column=value; !value: all but that"),
        STAGE_STRING("rows", &o.rows, "axes or columns that name a row"),
        STAGE_STRING("columns", &o.columns, "axes or columns that name a column"),
        STAGE_STRING("row-names", &o.row_names, "what to print: word=Name,word=Name"),
        STAGE_STRING("column-names", &o.column_names, "the same for columns"),
        STAGE_STRING("unit", &o.unit, "of the numbers"),
        STAGE_CHOICE("change", &o.change, "none|difference|percent",
                     "two columns become one: B less A, or that in percent of A"),
        STAGE_STRING("of", &o.of, "which: A:B, words of an axis of the columns"),
        STAGE_CHOICE("order", &o.order, "given|falling", "of the rows"),
        STAGE_FLOAT("least", &o.least, 0, 1e300,
                    "rows with a smaller number are left out"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
