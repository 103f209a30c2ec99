#include "cell.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { CONDITIONS_MAX = 32, COLUMNS_MAX = 1000 };

struct condition {
    const char *column, *value;
    size_t at; /* of the column in the table */
};

struct wish {
    struct arena arena;
    struct condition where[CONDITIONS_MAX];
    size_t n;
    const char *column;
    size_t at;
};

/* Fields of a line; borrowed from the text. */
struct field {
    const char *text;
    size_t n;
};

static int misspelt(const char *cell, struct error *err)
{
    return error_set(err, E_USAGE,
                     "a cell is written [COLUMN=VALUE,...]:COLUMN, as "
                     "[row=Clean,column=AlexNet]:value, not '%s'",
                     cell);
}

/* The end of a condition: a comma behind which another one begins, or the end. */
static const char *end_of(const char *at, const char *end)
{
    for (const char *c = at; (c = memchr(c, ',', (size_t)(end - c))) != NULL; c++) {
        const char *sign = memchr(c + 1, '=', (size_t)(end - c - 1));
        const char *next = memchr(c + 1, ',', (size_t)(end - c - 1));

        if (sign && (!next || sign < next))
            return c;
    }
    return end;
}

static int read_wish(struct wish *w, const char *cell, struct error *err)
{
    const char *end = strrchr(cell, ']'), *at = cell + 1;

    if (*cell != '[' || !end || (end[1] && end[1] != ':') || (end[1] && !end[2]))
        return misspelt(cell, err);
    w->column = end[1] ? end + 2 : "value";
    while (at < end) {
        const char *stop = end_of(at, end), *sign = memchr(at, '=', (size_t)(stop - at));

        if (!sign || sign == at || w->n == CONDITIONS_MAX)
            return misspelt(cell, err);
        w->where[w->n++] = (struct condition){
            arena_strndup(&w->arena, at, (size_t)(sign - at)),
            arena_strndup(&w->arena, sign + 1, (size_t)(stop - sign - 1)), 0
        };
        at = stop + 1;
    }
    return 0;
}

/* The next line, cut into at most max fields: how many it has, or 0 at the end. */
static size_t next_line(const char **at, const char *end, struct field *field, size_t max)
{
    const char *stop = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    size_t n = 0;

    if (*at >= end)
        return 0;
    if (!stop)
        stop = end;
    for (const char *s = *at; n < max; n++) {
        const char *tab = memchr(s, '\t', (size_t)(stop - s));

        field[n] = (struct field){ s, (size_t)((tab ? tab : stop) - s) };
        if (!tab) {
            n++;
            break;
        }
        s = tab + 1;
    }
    *at = stop + 1;
    return n;
}

static bool is_text(const struct field *f, const char *text)
{
    return f->n == strlen(text) && !memcmp(f->text, text, f->n);
}

static int no_column(struct wish *w, const char *name, const struct field *head, size_t n,
                     struct error *err)
{
    const char **known = arena_alloc(&w->arena, (n + 1) * sizeof *known);
    struct buf maybe = { 0 }, all = { 0 };
    const char *near;

    for (size_t i = 0; i < n; i++) {
        known[i] = arena_strndup(&w->arena, head[i].text, head[i].n);
        buf_printf(&all, "%s%s", i ? ", " : "", known[i]);
    }
    near = nearest_name(name, known, n);
    buf_printf(&maybe, "; did you mean %s?", near ? near : "");
    error_set(err, E_USAGE, "the table has no column %s%s its columns are %s", name,
              near ? buf_str(&maybe) : ";", buf_str(&all));
    buf_release(&all);
    buf_release(&maybe);
    return E_USAGE;
}

static int find_column(struct wish *w, const char *name, const struct field *head,
                       size_t n, size_t *at, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (is_text(&head[i], name)) {
            *at = i;
            return 0;
        }
    return no_column(w, name, head, n, err);
}

static bool fits(const struct wish *w, const struct field *field, size_t n)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->where[i].at >= n || !is_text(&field[w->where[i].at], w->where[i].value))
            return false;
    return w->at < n;
}

/* *found: of the row that fits, how many do. */
static size_t find_row(const struct wish *w, const char *at, const char *end,
                       struct field *found)
{
    struct field field[COLUMNS_MAX];
    size_t n, n_found = 0;

    while ((n = next_line(&at, end, field, COLUMNS_MAX)) > 0)
        if (fits(w, field, n) && n_found++ == 0)
            *found = field[w->at];
    return n_found;
}

int cell_find(const char *text, size_t n, const char *cell, struct buf *value,
              struct error *err)
{
    struct field head[COLUMNS_MAX], found = { 0 };
    struct wish w = { 0 };
    const char *at = text, *end = text + n;
    size_t n_columns = next_line(&at, end, head, COLUMNS_MAX), n_rows = 0;
    int rc = read_wish(&w, cell, err);

    for (size_t i = 0; i < w.n && rc == 0; i++)
        rc = find_column(&w, w.where[i].column, head, n_columns, &w.where[i].at, err);
    if (rc == 0)
        rc = find_column(&w, w.column, head, n_columns, &w.at, err);
    if (rc == 0)
        n_rows = find_row(&w, at, end, &found);
    if (rc == 0 && n_rows != 1)
        rc = error_set(
            err, E_USAGE,
            "the cell %s means %zu rows of the table, and must mean one: say what stands "
            "in its columns",
            cell, n_rows);
    if (rc == 0 && (!found.n || memchr(found.text, '\0', found.n)))
        rc = error_set(err, E_USAGE, "the cell %s is empty; name another", cell);
    if (rc == 0)
        buf_add(value, found.text, found.n);
    arena_release(&w.arena);
    return rc;
}
