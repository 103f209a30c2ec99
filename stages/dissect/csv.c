#include "dissect/csv.h"

#include <stdbool.h>
#include <string.h>

#include "kit/number.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* The fields of one line, in place. */
struct line {
    const char **field;
    size_t n, cap;
};

static void add_field(struct line *l, const char *field)
{
    GROW(l->field, l->n + 1, l->cap);
    l->field[l->n++] = field;
}

/* Ends the quoted field that begins at s, taking double quotes together; returns what
 * follows it. */
static char *end_quoted(char *s)
{
    char *to = s;

    while (*s != '\0' && (s[0] != '"' || s[1] == '"')) {
        s += s[0] == '"';
        *to++ = *s++;
    }
    s += *s == '"';
    if (to < s)
        *to = '\0';
    return s;
}

static void split_line(struct line *l, char *s)
{
    l->n = 0;
    for (;;) {
        bool quoted = *s == '"';
        char *begin = quoted ? s + 1 : s, *end;

        end = quoted ? end_quoted(begin) : s + strcspn(s, ",");
        add_field(l, begin);
        if (*end != ',')
            return;
        *end = '\0';
        s = end + 1;
    }
}

static int add_row(struct csv *c, const struct line *l, size_t line, size_t *cap,
                   struct error *err)
{
    if (l->n != c->n_columns)
        return error_set(err, E_INPUT, "%s:%zu: %zu fields, the header has %zu", c->path,
                         line, l->n, c->n_columns);
    GROW(c->cell, (c->n_rows + 1) * c->n_columns, *cap);
    memcpy(c->cell + c->n_rows * c->n_columns, l->field, c->n_columns * sizeof *c->cell);
    c->n_rows++;
    return 0;
}

int csv_read(struct csv *c, const char *path, struct error *err)
{
    struct line l = { 0 };
    size_t line = 0, cap = 0;
    char *at, *next;
    int rc;

    *c = (struct csv){ .path = xstrdup(path) };
    rc = fs_read(path, &c->text, err);
    buf_adds(&c->text, "");
    for (at = c->text.s; rc == 0 && *at != '\0'; at = next) {
        size_t n = strcspn(at, "\n");

        next = at[n] == '\n' ? at + n + 1 : at + n;
        at[n] = '\0';
        if (n > 0 && at[n - 1] == '\r')
            at[n - 1] = '\0';
        split_line(&l, at);
        if (line++ == 0) {
            c->n_columns = l.n;
            c->column = xcalloc(l.n, sizeof *c->column);
            memcpy(c->column, l.field, l.n * sizeof *c->column);
        } else {
            rc = add_row(c, &l, line, &cap, err);
        }
    }
    if (rc == 0 && line == 0)
        rc = error_set(err, E_INPUT, "%s is empty", path);
    free(l.field);
    if (rc < 0)
        csv_release(c);
    return rc;
}

void csv_release(struct csv *c)
{
    buf_release(&c->text);
    free(c->path);
    free(c->cell);
    free(c->column);
    *c = (struct csv){ 0 };
}

int csv_find(const struct csv *c, const char *column)
{
    for (size_t i = 0; i < c->n_columns; i++)
        if (strcmp(c->column[i], column) == 0)
            return (int)i;
    return -1;
}

int csv_column(const struct csv *c, const char *column, struct error *err)
{
    int at = csv_find(c, column);

    return at >= 0 ? at : error_set(err, E_INPUT, "%s: no column %s", c->path, column);
}

const char *csv_get(const struct csv *c, size_t row, int column)
{
    return c->cell[row * c->n_columns + (size_t)column];
}

static int no_number(const struct csv *c, size_t row, int column, struct error *err)
{
    return error_set(err, E_INPUT, "%s:%zu: %s is \"%s\"", c->path, row + 2,
                     c->column[column], csv_get(c, row, column));
}

int csv_long(const struct csv *c, size_t row, int column, long least, long most, long *x,
             struct error *err)
{
    if (number_long(csv_get(c, row, column), x) != NUMBER_OK || *x < least || *x > most)
        return no_number(c, row, column, err);
    return 0;
}

int csv_double(const struct csv *c, size_t row, int column, double *x, struct error *err)
{
    if (number_double(csv_get(c, row, column), x) != NUMBER_OK)
        return no_number(c, row, column, err);
    return 0;
}
