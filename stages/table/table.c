#include "table/table.h"

#include <math.h>

#include "kit/number.h"
#include "larder/mem.h"
#include "table/published.h"

#include "larder/banned.h"

void table_add_header(struct buf *to, bool paper)
{
    buf_printf(to, "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom%s\n",
               paper ? "\tpaper\tdelta\twithin" : "");
}

/* "87.73" has two. */
static int decimals(const char *number)
{
    const char *point = strchr(number, '.');

    return point == NULL ? 0 : (int)strspn(point + 1, "0123456789");
}

void table_delta(const struct table_cell *cell, char delta[TABLE_DELTA])
{
    int a = decimals(cell->value), b = decimals(cell->paper);
    double own, published;

    delta[0] = '\0';
    if (number_double(cell->value, &own) == NUMBER_OK &&
        number_double(cell->paper, &published) == NUMBER_OK)
        snprintf(delta, TABLE_DELTA, "%+.*f", a > b ? a : b, own - published);
}

const char *table_verdict(const struct table_cell *cell)
{
    double own, published, low, high;
    bool near = false;

    if (number_double(cell->value, &own) != NUMBER_OK ||
        number_double(cell->paper, &published) != NUMBER_OK)
        return "";
    if (cell->within != NULL && cell->within[0] != '\0')
        return published_is_near(own, published, cell->within, &near, NULL) == 0 && near
                   ? "agrees"
                   : "apart";
    if (number_double(cell->low, &low) != NUMBER_OK ||
        number_double(cell->high, &high) != NUMBER_OK) {
        low = own - fabs(own) / 20;
        high = own + fabs(own) / 20;
    }
    return published >= low && published <= high ? "agrees" : "apart";
}

void table_add_cell(struct buf *to, const struct table_cell *c, bool paper)
{
    char delta[TABLE_DELTA];

    buf_printf(to, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", c->row, c->column, c->n, c->k,
               c->value, c->low, c->high, c->unit, c->from);
    if (paper) {
        table_delta(c, delta);
        buf_printf(to, "\t%s\t%s\t%s", c->paper, delta, c->within ? c->within : "");
    }
    buf_addc(to, '\n');
}

/* Adds a name to a list of distinct ones. */
static void add_name(const char ***list, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp((*list)[i], name) == 0)
            return;
    *list = xrealloc(*list, (*n + 1) * sizeof **list);
    (*list)[(*n)++] = name;
}

static int read_cells(struct table *t, struct error *err)
{
    static const char *const name[] = { "row", "column", "n",    "k",   "value",
                                        "low", "high",   "unit", "from" };
    enum { FIELDS = sizeof name / sizeof *name };
    int column[FIELDS], paper = tsv_find(&t->tsv, "paper"),
                        within = tsv_find(&t->tsv, "within");

    for (size_t i = 0; i < FIELDS; i++)
        if ((column[i] = tsv_column(&t->tsv, name[i], err)) < 0)
            return E_INPUT;
    t->cell = xcalloc(t->tsv.n_rows, sizeof *t->cell);
    for (size_t row = 0; row < t->tsv.n_rows; row++) {
        struct table_cell *c = &t->cell[row];
        const char **field[FIELDS] = { &c->row, &c->column, &c->n,    &c->k,   &c->value,
                                       &c->low, &c->high,   &c->unit, &c->from };

        for (size_t i = 0; i < FIELDS; i++)
            *field[i] = tsv_get(&t->tsv, row, column[i]);
        c->paper = paper < 0 ? "" : tsv_get(&t->tsv, row, paper);
        c->within = within < 0 ? "" : tsv_get(&t->tsv, row, within);
        if (table_at(t, c->row, c->column) != NULL)
            return error_set(err, E_INPUT, "%s:%zu: the cell %s, %s stands there twice",
                             t->tsv.path, row + 2, c->row, c->column);
        t->has_paper = t->has_paper || c->paper[0] != '\0';
        add_name(&t->row, &t->n_rows, c->row);
        add_name(&t->column, &t->n_columns, c->column);
        t->n++;
    }
    return 0;
}

int table_read(struct table *t, const char *path, struct error *err)
{
    int rc;

    *t = (struct table){ 0 };
    rc = tsv_read(&t->tsv, path, err);
    if (rc == 0)
        rc = read_cells(t, err);
    if (rc < 0)
        table_release(t);
    return rc;
}

void table_release(struct table *t)
{
    free(t->cell);
    free(t->row);
    free(t->column);
    tsv_release(&t->tsv);
    *t = (struct table){ 0 };
}

const struct table_cell *table_at(const struct table *t, const char *row,
                                  const char *column)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->cell[i].row, row) == 0 && strcmp(t->cell[i].column, column) == 0)
            return &t->cell[i];
    return NULL;
}
