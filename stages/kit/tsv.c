#include "kit/tsv.h"

#include "kit/number.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* Cuts the text at the next separator of the line or of the field. Returns what follows,
 * or NULL at the end of the text. */
static char *cut(char *at, char separator)
{
    char *end = strchr(at, separator);

    if (end == NULL)
        return NULL;
    *end = '\0';
    return end + 1;
}

static size_t count_fields(const char *line)
{
    size_t n = 1;

    for (; *line != '\0'; line++)
        n += *line == '\t';
    return n;
}

/* Puts the addresses of n fields into field[]. */
static void split_fields(char *line, char **field, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        field[i] = line;
        line = cut(line, '\t');
    }
}

static int check_text(const struct tsv *t, struct error *err)
{
    if (t->text.len == 0)
        return error_set(err, E_INPUT, "%s: empty, without a header line", t->path);
    if (memchr(t->text.s, '\0', t->text.len) != NULL)
        return error_set(err, E_INPUT, "%s: not a text: it holds NUL bytes", t->path);
    if (memchr(t->text.s, '\r', t->text.len) != NULL)
        return error_set(err, E_INPUT, "%s: lines must end with \\n alone, not \\r\\n",
                         t->path);
    return 0;
}

static int read_header(struct tsv *t, char *line, struct error *err)
{
    t->n_columns = count_fields(line);
    t->column = xcalloc(t->n_columns, sizeof *t->column);
    split_fields(line, t->column, t->n_columns);
    for (size_t i = 0; i < t->n_columns; i++)
        if (tsv_find(t, t->column[i]) != (int)i)
            return error_set(err, E_INPUT, "%s:1: column \"%s\" stands there twice",
                             t->path, t->column[i]);
    return 0;
}

int tsv_read(struct tsv *t, const char *path, struct error *err)
{
    char *line, *next;
    size_t cap = 0;
    int rc;

    *t = (struct tsv){ .path = path };
    rc = fs_read(path, &t->text, err);
    if (rc < 0)
        goto out;
    rc = check_text(t, err);
    if (rc < 0)
        goto out;
    line = t->text.s;
    next = cut(line, '\n');
    rc = read_header(t, line, err);
    if (rc < 0)
        goto out;
    for (line = next; line != NULL && line < t->text.s + t->text.len; line = next) {
        next = cut(line, '\n');
        if (count_fields(line) != t->n_columns) {
            rc = error_set(err, E_INPUT, "%s:%zu: %zu fields where the header has %zu",
                           path, t->n_rows + 2, count_fields(line), t->n_columns);
            goto out;
        }
        GROW(t->cell, (t->n_rows + 1) * t->n_columns, cap);
        split_fields(line, t->cell + t->n_rows * t->n_columns, t->n_columns);
        t->n_rows++;
    }
out:
    if (rc < 0)
        tsv_release(t);
    return rc;
}

void tsv_release(struct tsv *t)
{
    buf_release(&t->text);
    free(t->cell);
    free(t->column);
    *t = (struct tsv){ 0 };
}

int tsv_find(const struct tsv *t, const char *column)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->column[i], column) == 0)
            return (int)i;
    return -1;
}

int tsv_column(const struct tsv *t, const char *column, struct error *err)
{
    struct buf there = { 0 };
    int i = tsv_find(t, column);

    if (i >= 0)
        return i;
    for (size_t k = 0; k < t->n_columns; k++)
        buf_printf(&there, "%s%s", k > 0 ? ", " : "", t->column[k]);
    error_set(err, E_INPUT, "%s: no column \"%s\"; there are: %s", t->path, column,
              buf_str(&there));
    buf_release(&there);
    return E_INPUT;
}

size_t tsv_line(const struct tsv *t, size_t row)
{
    return t->rows_before + row + 2;
}

const char *tsv_get(const struct tsv *t, size_t row, int column)
{
    return t->cell[row * t->n_columns + (size_t)column];
}

static int not_a_number(const struct tsv *t, size_t row, int column, const char *kind,
                        struct error *err)
{
    return error_set(err, E_INPUT, "%s:%zu: %s: \"%s\" is not %s", t->path,
                     tsv_line(t, row), t->column[column], tsv_get(t, row, column), kind);
}

int tsv_double(const struct tsv *t, size_t row, int column, double *x, struct error *err)
{
    if (number_double(tsv_get(t, row, column), x) != NUMBER_OK)
        return not_a_number(t, row, column, "a finite number", err);
    return 0;
}

int tsv_long(const struct tsv *t, size_t row, int column, long *x, struct error *err)
{
    if (number_long(tsv_get(t, row, column), x) != NUMBER_OK)
        return not_a_number(t, row, column, "a whole number", err);
    return 0;
}

int tsv_write(const char *path, const struct buf *text, struct error *err)
{
    return fs_write(path, buf_str(text), text->len, false, err);
}
