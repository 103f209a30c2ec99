#include "claim/evidence.h"

#include <fnmatch.h>
#include <string.h>

#include "kit/number.h"
#include "larder/mem.h"

#include "larder/banned.h"

static int read_files(struct evidence_files *f, const char *kind, const char *list,
                      struct error *err)
{
    static const struct provenance unknown;
    int rc = items_read(&f->items, kind, list, &unknown, err);

    f->tsv = xcalloc(f->items.n + 1, sizeof *f->tsv);
    f->used = xcalloc(f->items.n + 1, sizeof *f->used);
    for (size_t i = 0; rc == 0 && i < f->items.n; i++)
        rc = tsv_read(&f->tsv[i], f->items.item[i].path, err);
    return rc;
}

static void release_files(struct evidence_files *f)
{
    for (size_t i = 0; i < f->items.n; i++)
        tsv_release(&f->tsv[i]);
    free(f->tsv);
    free(f->used);
    items_release(&f->items);
}

int evidence_read(struct evidence *e, const char *tables, const char *data,
                  struct error *err)
{
    int rc = read_files(&e->tables, "table", tables, err);

    return rc == 0 ? read_files(&e->data, "data", data, err) : rc;
}

void evidence_release(struct evidence *e)
{
    release_files(&e->tables);
    release_files(&e->data);
    *e = (struct evidence){ 0 };
}

void evidence_forget(struct evidence *e)
{
    memset(e->tables.used, 0, e->tables.items.n * sizeof *e->tables.used);
    memset(e->data.used, 0, e->data.items.n * sizeof *e->data.used);
    e->swapped = false;
}

static bool ends_with_word(const char *text, const char *word)
{
    size_t n = strlen(text), w = strlen(word);

    return n >= w && strcmp(text + n - w, word) == 0 &&
           (n == w || strchr(" =", text[n - w - 1]) != NULL);
}

/* text with the word swapped: as its last, and as the value of an axis. New. */
static char *swap(struct evidence *e, const char *text, bool axes)
{
    struct buf out = { 0 };

    while (*text != '\0') {
        size_t n = axes ? strcspn(text, ",") : strlen(text);
        struct buf part = { 0 };

        buf_add(&part, text, n);
        if (e->from != NULL && ends_with_word(buf_str(&part), e->from)) {
            buf_cut(&part, n - strlen(e->from));
            buf_adds(&part, e->to);
            e->swapped = true;
        }
        buf_add(&out, buf_str(&part), part.len);
        buf_release(&part);
        text += n;
        if (*text != '\0')
            buf_addc(&out, *text++);
    }
    return buf_take(&out);
}

static bool is_like(const char *name, const char *pattern)
{
    return fnmatch(pattern, name, 0) == 0;
}

/* An item of this name, or one that has what stands behind the @ among its axes. */
static bool is_called(const char *item, const char *name)
{
    const char *at = strchr(name, '@'), *own = strchr(item, '@');
    size_t n = at != NULL ? (size_t)(at - name) : strlen(name);

    if (own == NULL ? strlen(item) != n : (size_t)(own - item) != n)
        return false;
    if (strncmp(item, name, n) != 0)
        return false;
    while (at != NULL) {
        const char *wanted = at + 1, *next = strchr(wanted, ',');
        struct buf pattern = { 0 };
        bool found = false;

        buf_add(&pattern, wanted,
                next != NULL ? (size_t)(next - wanted) : strlen(wanted));
        for (const char *axis = own; axis != NULL && !found;
             axis = strchr(axis + 1, ',')) {
            const char *end = strchr(axis + 1, ',');
            struct buf value = { 0 };

            buf_add(&value, axis + 1,
                    end != NULL ? (size_t)(end - axis - 1) : strlen(axis + 1));
            found = is_like(buf_str(&value), buf_str(&pattern));
            buf_release(&value);
        }
        buf_release(&pattern);
        if (!found)
            return false;
        at = next;
    }
    return true;
}

/* An empty field is a number that could not be computed. */
static int read_number(const struct tsv *t, size_t row, int column, double *x,
                       struct error *err)
{
    const char *text = tsv_get(t, row, column);

    if (text[0] == '\0' || strcmp(text, "na") == 0) {
        error_set(err, E_INPUT, "no %s, at %s", t->column[column], tsv_get(t, row, 0));
        return FORMULA_ABSENT;
    }
    return tsv_double(t, row, column, x, err);
}

/* A value with the interval beside it. */
static int add_number(const struct tsv *t, size_t row, int column, struct numbers *to,
                      struct error *err)
{
    int low = tsv_find(t, "low"), high = tsv_find(t, "high");
    bool has = strcmp(t->column[column], "value") == 0 && low >= 0 && high >= 0 &&
               tsv_get(t, row, low)[0] != '\0' && tsv_get(t, row, high)[0] != '\0';
    struct number x = { 0 };
    int rc = read_number(t, row, column, &x.value, err);

    x.low = x.high = x.value;
    if (rc == 0 && has)
        rc = tsv_double(t, row, low, &x.low, err);
    if (rc == 0 && has)
        rc = tsv_double(t, row, high, &x.high, err);
    if (rc == 0)
        numbers_add(to, x);
    return rc;
}

/* ROW/COLUMN of a table; field: what of the cells. */
static int find_cells(struct evidence *e, size_t table, const char *row,
                      const char *column, const char *field, struct numbers *to,
                      struct error *err)
{
    const struct tsv *t = &e->tables.tsv[table];
    int at_row = tsv_column(t, "row", err), at_column = tsv_column(t, "column", err);
    int value = tsv_column(t, field, err), rc = 0;
    char *wanted = swap(e, column, false);
    size_t before = to->n;

    if (at_row < 0 || at_column < 0 || value < 0)
        rc = E_INPUT;
    for (size_t i = 0; i < t->n_rows && rc == 0; i++)
        if (is_like(tsv_get(t, i, at_row), row) &&
            is_like(tsv_get(t, i, at_column), wanted))
            rc = add_number(t, i, value, to, err);
    if (rc == FORMULA_ABSENT)
        error_context(err, "%s", e->tables.items.item[table].name);
    if (rc == 0 && to->n == before) {
        error_set(err, E_INPUT, "%s has no cell %s, %s", e->tables.items.item[table].name,
                  row, wanted);
        rc = FORMULA_ABSENT;
    }
    free(wanted);
    return rc;
}

static int absent(const char *kind, const char *name, struct error *err)
{
    error_set(err, E_INPUT, "there is no %s %s here", kind, name);
    return FORMULA_ABSENT;
}

/* TABLE/ROW/COLUMN or TABLE/ROW/COLUMN/FIELD */
static int find_in_table(struct evidence *e, const char *name, struct numbers *to,
                         struct error *err)
{
    char *table = xstrdup(name), *row = strchr(table, '/');
    char *column = row != NULL ? strchr(row + 1, '/') : NULL;
    char *field = column != NULL ? strchr(column + 1, '/') : NULL;
    int rc = FORMULA_ABSENT;

    if (column == NULL) {
        free(table);
        return error_set(err, E_INPUT,
                         "[%s] is neither [TABLE/ROW/COLUMN] nor [DATA:COLUMN]", name);
    }
    *row++ = '\0';
    *column++ = '\0';
    if (field != NULL)
        *field++ = '\0';
    absent("table", table, err);
    for (size_t i = 0; i < e->tables.items.n; i++)
        if (is_called(e->tables.items.item[i].name, table)) {
            e->tables.used[i] = true;
            rc = find_cells(e, i, row, column, field != NULL ? field : "value", to, err);
            break;
        }
    free(table);
    return rc;
}

/* Does the row say what stands after `where`? 1, 0, or an error. */
static int row_fits(const struct tsv *t, size_t row, const char *where, struct error *err)
{
    while (where != NULL) {
        const char *next = strchr(where, ',');
        size_t n = next != NULL ? (size_t)(next - where) : strlen(where);
        struct buf condition = { 0 };
        char *key, *value;
        int column = E_INPUT;
        bool fits = false;

        while (n > 0 && *where == ' ')
            where++, n--;
        buf_add(&condition, where, n);
        key = buf_take(&condition);
        value = strchr(key, '=');
        if (value == NULL) {
            error_set(err, E_INPUT, "\"%s\" is not COLUMN=VALUE", key);
        } else {
            *value++ = '\0';
            column = tsv_column(t, key, err);
            fits = column >= 0 && is_like(tsv_get(t, row, column), value);
        }
        free(key);
        if (column < 0)
            return E_INPUT;
        if (!fits)
            return 0;
        where = next != NULL ? next + 1 : NULL;
    }
    return 1;
}

static int find_rows(const struct tsv *t, const char *column, const char *where,
                     struct numbers *to, struct error *err)
{
    int at = tsv_column(t, column, err), rc = at < 0 ? at : 0;

    for (size_t i = 0; i < t->n_rows && rc == 0; i++) {
        rc = row_fits(t, i, where, err);
        if (rc > 0)
            rc = add_number(t, i, at, to, err);
        else if (rc == 0)
            continue;
    }
    return rc;
}

/* DATA:COLUMN where A=b, C=d */
static int find_in_data(struct evidence *e, const char *name, struct numbers *to,
                        struct error *err)
{
    char *copy = xstrdup(name), *column = strchr(copy, ':'), *where, *file;
    bool any = false;
    int rc = 0;

    *column++ = '\0';
    where = strstr(column, " where ");
    if (where != NULL) {
        *where = '\0';
        where += strlen(" where ");
    }
    file = swap(e, copy, true);
    for (size_t i = 0; i < e->data.items.n && rc == 0; i++)
        if (is_called(e->data.items.item[i].name, file)) {
            e->data.used[i] = any = true;
            rc = find_rows(&e->data.tsv[i], column, where, to, err);
        }
    if (rc == 0 && !any)
        rc = absent("data", file, err);
    free(file);
    free(copy);
    return rc;
}

int evidence_find(void *self, const char *name, struct numbers *to, struct error *err)
{
    const char *slash = strchr(name, '/'), *colon = strchr(name, ':');

    if (colon != NULL && (slash == NULL || colon < slash))
        return find_in_data(self, name, to, err);
    return find_in_table(self, name, to, err);
}

static void add_used(const struct evidence_files *f, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    for (size_t i = 0; i < f->items.n; i++)
        if (f->used[i])
            buf_printf(to, "%s%s", to->len > 0 ? "," : "",
                       digest_hex(&f->items.item[i].digest, hex));
}

void evidence_add_used(const struct evidence *e, struct buf *to)
{
    struct buf text = { 0 };

    add_used(&e->tables, &text);
    add_used(&e->data, &text);
    buf_add(to, buf_str(&text), text.len);
    buf_release(&text);
}
