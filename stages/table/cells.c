#include "table/cells.h"

#include <math.h>

#include "larder/map.h"
#include "larder/mem.h"
#include "table/share.h"
#include "table/table.h"

#include "larder/banned.h"

static int unknown_word(const char *what, const char *word, const char *const *known,
                        size_t n, struct error *err)
{
    const char *near = nearest_name(word, known, n);
    struct buf all = { 0 };

    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%s", i > 0 ? ", " : "", known[i]);
    error_set(err, E_INPUT, "%s: there is no \"%s\"; there are: %s%s%s%s", what, word,
              buf_str(&all), near != NULL ? "; did you mean \"" : "",
              near != NULL ? near : "", near != NULL ? "\"?" : "");
    buf_release(&all);
    return E_INPUT;
}

static int check_parts(const struct cells *c, struct error *err)
{
    for (size_t i = 0; i < c->parts.n; i++) {
        size_t n = measure_parts(c->measure), k = 0;

        while (k < n && strcmp(c->measure->part[k], c->parts.word[i]) != 0)
            k++;
        if (k == n)
            return unknown_word("parts", c->parts.word[i], c->measure->part, n, err);
    }
    return 0;
}

static int check_axes(const struct cells *c, const struct lines *l, const char *what,
                      struct error *err)
{
    const struct tsv *t = &c->records.manifest.tsv;

    for (size_t i = 0; i < l->axis.n; i++)
        if (strcmp(l->axis.word[i], "part") != 0 && tsv_find(t, l->axis.word[i]) < 0)
            return unknown_word(what, l->axis.word[i], (const char *const *)t->column,
                                t->n_columns, err);
    return 0;
}

/* The place of the line that an item's part belongs to; adds it when it is new. */
static size_t find_line(struct lines *l, const struct manifest *m, size_t item,
                        const char *part)
{
    const char **value = xcalloc(l->axis.n + 1, sizeof *value);
    struct buf label = { 0 };
    size_t at;

    for (size_t a = 0; a < l->axis.n; a++) {
        const char *axis = l->axis.word[a];

        value[a] = strcmp(axis, "part") == 0 ? part : manifest_axis(m, item, axis);
        if (value[a][0] != '\0')
            buf_printf(&label, "%s%s", label.len > 0 ? " " : "",
                       names_printed(&l->printed, value[a]));
    }
    if (l->axis.n == 0)
        buf_adds(&label, "value");
    for (at = 0; at < l->n; at++)
        if (strcmp(l->line[at].label, buf_str(&label)) == 0)
            break;
    if (at == l->n) {
        GROW(l->line, l->n + 1, l->cap);
        buf_adds(&label, "");
        l->line[l->n++] = (struct line){ buf_take(&label), value };
        value = NULL;
    }
    free(value);
    buf_release(&label);
    return at;
}

/* Adds the lines in the order in which they are printed: first by the words of the map.
 */
static void order_lines(struct lines *l)
{
    struct line *sorted = xcalloc(l->n + 1, sizeof *sorted);
    size_t n = 0;

    for (size_t w = 0; w <= l->printed.n; w++)
        for (size_t i = 0; i < l->n; i++) {
            bool named = false;

            if (l->line[i].label == NULL)
                continue;
            for (size_t a = 0; a < l->axis.n && w < l->printed.n; a++)
                named = named || strcmp(l->line[i].value[a], l->printed.word[w]) == 0;
            if (!named && w < l->printed.n)
                continue;
            sorted[n++] = l->line[i];
            l->line[i] = (struct line){ 0 };
        }
    free(l->line);
    l->line = sorted;
    l->cap = l->n + 1;
}

static void lines_release(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->line[i].label);
        free(l->line[i].value);
    }
    free(l->line);
    names_release(&l->axis);
    names_release(&l->printed);
    *l = (struct lines){ 0 };
}

static void join_record(struct cell *cell, size_t record)
{
    cell->record = xrealloc(cell->record, (cell->n_records + 1) * sizeof *cell->record);
    cell->record[cell->n_records++] = record;
}

/* Adds a record to a cell: it must be of the same pictures, each of which counts. */
static int pool_record(struct cells *c, struct cell *cell, size_t record,
                       struct error *err)
{
    const struct measured *a = &c->measured[cell->record[0]], *b = &c->measured[record];
    bool same = a->share && a->n == b->n && a->n_answers == b->n_answers &&
                (size_t)a->n == a->n_answers;

    for (size_t i = 0; same && i < a->n_answers; i++)
        same =
            b->answer[i].decided && strcmp(a->answer[i].image, b->answer[i].image) == 0;
    if (!same)
        return error_set(err, E_INPUT,
                         "%s and %s are not answers to the same pictures, so they cannot "
                         "be pooled",
                         c->records.record[cell->record[0]].tsv.path,
                         c->records.record[record].tsv.path);
    join_record(cell, record);
    return 0;
}

static int add_cell(struct cells *c, const struct cell *cell, struct error *err)
{
    struct cell *there = (struct cell *)cells_at(c, cell->row, cell->column);

    if (there != NULL && c->pool && there->part == cell->part)
        return pool_record(c, there, cell->record[0], err);
    if (there != NULL && c->spread && there->part == cell->part) {
        join_record(there, cell->record[0]);
        return 0;
    }
    if (there != NULL)
        return error_set(
            err, E_INPUT,
            "two numbers for row \"%s\", column \"%s\": %s of %s and %s of %s; "
            "name what tells them apart in rows or columns",
            c->rows.line[cell->row].label, c->columns.line[cell->column].label,
            c->measure->part[there->part],
            manifest_path(&c->records.manifest, there->record[0]),
            c->measure->part[cell->part],
            manifest_path(&c->records.manifest, cell->record[0]));
    GROW(c->cell, c->n + 1, c->cap);
    c->cell[c->n] = *cell;
    c->cell[c->n].record = xcalloc(1, sizeof *cell->record);
    c->cell[c->n].record[0] = cell->record[0];
    c->n++;
    return 0;
}

/* All rows and columns, so that they can be put in order before cells refer to them. */
static void make_lines(struct cells *c)
{
    for (size_t i = 0; i < c->records.n; i++)
        for (size_t p = 0; p < c->parts.n; p++) {
            find_line(&c->rows, &c->records.manifest, i, c->parts.word[p]);
            find_line(&c->columns, &c->records.manifest, i, c->parts.word[p]);
        }
    order_lines(&c->rows);
    order_lines(&c->columns);
}

static size_t part_index(const struct measure *m, const char *name)
{
    size_t k = 0;

    while (strcmp(m->part[k], name) != 0)
        k++;
    return k;
}

static int place_records(struct cells *c, struct error *err)
{
    make_lines(c);
    for (size_t p = 0; p < c->parts.n; p++)
        for (size_t i = 0; i < c->records.n; i++) {
            const char *part = c->parts.word[p];
            struct cell cell = { .record = &i,
                                 .n_records = 1,
                                 .part = part_index(c->measure, part) };

            cell.row = find_line(&c->rows, &c->records.manifest, i, part);
            cell.column = find_line(&c->columns, &c->records.manifest, i, part);
            if (add_cell(c, &cell, err) < 0)
                return E_INPUT;
        }
    return 0;
}

/* A last row: in each column the mean of all records above it. */
static int add_total(struct cells *c, const char *name, struct error *err)
{
    size_t n = c->n, row = c->rows.n;

    GROW(c->rows.line, c->rows.n + 1, c->rows.cap);
    c->rows.line[c->rows.n++] =
        (struct line){ xstrdup(name), xcalloc(c->rows.axis.n + 1, sizeof(char *)) };
    c->pool = true;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c->cell[i].n_records; k++) {
            struct cell cell = c->cell[i];

            cell.row = row;
            cell.record = &c->cell[i].record[k];
            cell.n_records = 1;
            if (add_cell(c, &cell, err) < 0)
                return E_INPUT;
        }
    return 0;
}

static bool has_cell(const void *table, const char *row, const char *column)
{
    const struct cells *c = table;

    for (size_t i = 0; i < c->rows.n && column == NULL; i++)
        if (strcmp(c->rows.line[i].label, row) == 0)
            return true;
    for (size_t i = 0; i < c->n && column != NULL; i++)
        if (strcmp(c->rows.line[c->cell[i].row].label, row) == 0 &&
            strcmp(c->columns.line[c->cell[i].column].label, column) == 0)
            return true;
    return false;
}

static int measure_records(struct cells *c, struct error *err)
{
    int rc = 0;

    c->measured = xcalloc(c->records.n + 1, sizeof *c->measured);
    for (size_t i = 0; i < c->records.n && rc == 0; i++)
        rc = measure_read(c->measure, &c->measured[i], &c->records.record[i].tsv, err);
    return rc;
}

static int read_options(struct cells *c, const struct cells_options *o, struct error *err)
{
    if (names_list(&c->parts, o->parts, "parts", err) < 0 ||
        names_list(&c->rows.axis, o->rows, "rows", err) < 0 ||
        names_list(&c->columns.axis, o->columns, "columns", err) < 0 ||
        names_map(&c->rows.printed, o->row_names, "row-names", err) < 0 ||
        names_map(&c->columns.printed, o->column_names, "column-names", err) < 0 ||
        check_parts(c, err) < 0 || check_axes(c, &c->rows, "rows", err) < 0 ||
        check_axes(c, &c->columns, "columns", err) < 0)
        return E_INPUT;
    return 0;
}

/* Without `parts`, all of them. */
static int fill_parts(struct cells *c, struct error *err)
{
    struct buf all = { 0 };
    int rc;

    if (c->parts.n > 0)
        return 0;
    names_release(&c->parts);
    for (size_t i = 0; i < measure_parts(c->measure); i++)
        buf_printf(&all, "%s%s", i > 0 ? "," : "", c->measure->part[i]);
    rc = names_list(&c->parts, buf_str(&all), "parts", err);
    buf_release(&all);
    return rc;
}

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The one item of `lists` that has the record's values on all axes that both have; -1 for
 * none or two. */
static long list_of(const struct cells *c, const struct manifest *lists, size_t record)
{
    const struct tsv *t = &lists->tsv;
    long found = -1;

    for (size_t i = 0; i < manifest_size(lists); i++) {
        bool fits = true;

        for (size_t k = 0; k < t->n_columns && fits; k++) {
            const char *value =
                (int)k == lists->path || strcmp(t->column[k], "stage") == 0
                    ? NULL
                    : manifest_axis(&c->records.manifest, record, t->column[k]);

            fits = value == NULL || strcmp(value, tsv_get(t, i, (int)k)) == 0;
        }
        if (fits && found >= 0)
            return -1;
        if (fits)
            found = (long)i;
    }
    return found;
}

static int keep_list(struct measured *m, const char *path, struct error *err)
{
    struct tsv t;
    const char **image;
    int column, rc = tsv_read(&t, path, err);

    if (rc < 0)
        return rc;
    column = tsv_column(&t, "image", err);
    image = xcalloc(t.n_rows + 1, sizeof *image);
    for (size_t i = 0; column >= 0 && i < t.n_rows; i++)
        image[i] = tsv_get(&t, i, column);
    qsort(image, t.n_rows, sizeof *image, by_string);
    if (column >= 0)
        measured_keep(m, image, t.n_rows);
    free(image);
    tsv_release(&t);
    return column < 0 ? column : 0;
}

static int keep_only(struct cells *c, const char *only, struct error *err)
{
    struct manifest lists;
    int rc = manifest_read(&lists, only, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < c->records.n && rc == 0; i++) {
        long item = list_of(c, &lists, i);

        if (item < 0)
            rc = error_set(err, E_INPUT,
                           "%s: not one list of pictures fits the axes of %s", only,
                           c->records.record[i].tsv.path);
        else
            rc = keep_list(&c->measured[i], manifest_path(&lists, (size_t)item), err);
    }
    manifest_release(&lists);
    return rc;
}

int cells_read(struct cells *c, const struct cells_options *o, const char *list,
               struct error *err)
{
    int rc;

    *c = (struct cells){ .measure = measure_find(o->measure),
                         .pool = o->pool,
                         .spread = o->spread };
    if (o->pool && o->spread)
        return error_set(err, E_INPUT, "pool and spread are two ways to share a cell");
    if (c->measure == NULL)
        return error_set(err, E_INPUT, "there is no measure \"%s\"; there are: %s",
                         o->measure, MEASURES);
    rc = records_read(&c->records, list, err);
    if (rc == 0)
        rc = read_options(c, o, err);
    if (rc == 0)
        rc = fill_parts(c, err);
    if (rc == 0)
        rc = measure_records(c, err);
    if (rc == 0 && o->only != NULL)
        rc = keep_only(c, o->only, err);
    if (rc == 0)
        rc = place_records(c, err);
    if (rc == 0 && o->total != NULL && o->total[0] != '\0')
        rc = add_total(c, o->total, err);
    if (rc == 0 && o->paper != NULL)
        rc = published_read(&c->published, o->paper, has_cell, c, err);
    if (rc < 0)
        cells_release(c);
    return rc;
}

void cells_release(struct cells *c)
{
    for (size_t i = 0; c->measured != NULL && i < c->records.n; i++)
        measured_release(&c->measured[i]);
    free(c->measured);
    for (size_t i = 0; i < c->n; i++)
        free(c->cell[i].record);
    for (size_t i = 0; i < c->n_bootstraps; i++)
        bootstrap_close(&c->bootstrap[i]);
    free(c->bootstrap);
    free(c->cell);
    lines_release(&c->rows);
    lines_release(&c->columns);
    names_release(&c->parts);
    published_release(&c->published);
    records_release(&c->records);
    *c = (struct cells){ 0 };
}

const struct cell *cells_at(const struct cells *c, size_t row, size_t column)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->cell[i].row == row && c->cell[i].column == column)
            return &c->cell[i];
    return NULL;
}

double *cells_rights(const struct cells *c, const struct cell *cell, size_t *n)
{
    const struct measured *first = &c->measured[cell->record[0]];
    double *v = xcalloc(first->n_answers + 1, sizeof *v);

    *n = first->n_answers;
    for (size_t r = 0; r < cell->n_records; r++)
        for (size_t i = 0; i < *n; i++)
            v[i] += c->measured[cell->record[r]].answer[i].part == cell->part;
    for (size_t i = 0; i < *n; i++)
        v[i] /= (double)cell->n_records;
    return v;
}

const struct bootstrap *cells_bootstrap(struct cells *c, size_t n)
{
    struct bootstrap *b;

    for (size_t i = 0; i < c->n_bootstraps; i++)
        if (c->bootstrap[i].n == n)
            return &c->bootstrap[i];
    c->bootstrap = xrealloc(c->bootstrap, (c->n_bootstraps + 1) * sizeof *c->bootstrap);
    b = &c->bootstrap[c->n_bootstraps++];
    bootstrap_open(b, n);
    return b;
}

/* What a cell says, as text in its fixed formats. */
struct cell_text {
    char n[24], k[24], value[40], low[16], high[16];
    struct buf from;
};

static void format_interval(struct cell_text *t, double value, struct interval i)
{
    snprintf(t->value, sizeof t->value, "%.2f", 100 * value);
    snprintf(t->low, sizeof t->low, "%.2f", 100 * i.low);
    snprintf(t->high, sizeof t->high, "%.2f", 100 * i.high);
}

/* The mean over several sets made from the same pictures. */
static void format_pooled(struct cells *c, const struct cell *cell, struct cell_text *t)
{
    size_t n;
    double *v = cells_rights(c, cell, &n), sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += v[i];
    if (n > 0)
        format_interval(t, sum / (double)n, bootstrap_interval(cells_bootstrap(c, n), v));
    free(v);
}

/* The number of a record, of a share in percent; false when nothing counted. */
static bool number_of(const struct measured *m, size_t part, double *x)
{
    *x = m->share && m->n > 0 ? 100. * (double)m->k[part] / (double)m->n : m->value[part];
    return !m->share || m->n > 0;
}

static void format_spread(const struct cells *c, const struct cell *cell,
                          struct cell_text *t)
{
    double sum = 0, least = (double)INFINITY, most = -(double)INFINITY;
    size_t n = 0;

    for (size_t i = 0; i < cell->n_records; i++) {
        double x;

        if (!number_of(&c->measured[cell->record[i]], cell->part, &x))
            continue;
        sum += x;
        least = fmin(least, x);
        most = fmax(most, x);
        n++;
    }
    snprintf(t->n, sizeof t->n, "%zu", n);
    if (n == 0)
        return;
    snprintf(t->value, sizeof t->value, "%.2f", sum / (double)n);
    snprintf(t->low, sizeof t->low, "%.2f", least);
    snprintf(t->high, sizeof t->high, "%.2f", most);
}

static void format_cell(struct cells *c, const struct cell *cell, struct cell_text *t)
{
    const struct measured *m = &c->measured[cell->record[0]];
    char hex[DIGEST_HEX + 1];

    *t = (struct cell_text){ 0 };
    for (size_t i = 0; i < cell->n_records; i++)
        buf_printf(&t->from, "%s%s", i > 0 ? "," : "",
                   digest_hex(&c->records.record[cell->record[i]].digest, hex));
    snprintf(t->n, sizeof t->n, "%ld", m->n);
    if (c->spread) {
        format_spread(c, cell, t);
    } else if (!m->share) {
        snprintf(t->value, sizeof t->value, "%.2f", m->value[cell->part]);
        if (m->has_intervals) {
            snprintf(t->low, sizeof t->low, "%.2f", m->interval[cell->part].low);
            snprintf(t->high, sizeof t->high, "%.2f", m->interval[cell->part].high);
        }
    } else if (cell->n_records > 1) {
        format_pooled(c, cell, t);
    } else if (m->n > 0) {
        long k = m->k[cell->part];

        snprintf(t->k, sizeof t->k, "%ld", k);
        format_interval(t, (double)k / (double)m->n, share_wilson(k, m->n));
    }
}

void cells_write(struct cells *c, struct buf *to)
{
    bool paper = c->published.tsv.n_rows > 0;

    table_add_header(to, paper);
    for (size_t row = 0; row < c->rows.n; row++)
        for (size_t column = 0; column < c->columns.n; column++) {
            const struct cell *cell = cells_at(c, row, column);
            const char *name[] = { c->rows.line[row].label,
                                   c->columns.line[column].label };
            struct cell_text t;

            if (cell == NULL)
                continue;
            format_cell(c, cell, &t);
            table_add_cell(
                to,
                &(struct table_cell){
                    .row = name[0],
                    .column = name[1],
                    .n = t.n,
                    .k = t.k,
                    .value = t.value,
                    .low = t.low,
                    .high = t.high,
                    .unit = c->measure->unit,
                    .from = buf_str(&t.from),
                    .paper = published_value(&c->published, name[0], name[1]),
                    .within = published_within(&c->published, name[0], name[1]) },
                paper);
            buf_release(&t.from);
        }
}
