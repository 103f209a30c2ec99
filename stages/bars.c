/*
 * bars - draws a table as groups of bars. Figure A1 of the paper.
 *
 * in   table    a table (docs/tables.md)
 *      font     a TrueType font
 * out  figure   PNG or SVG
 *      data     TSV, what is drawn: group, series, n, k, value, low, high
 *
 * A column of the table is a group and a row a series, or the other way round. Where a
 * value has an interval, the bar has one.
 */
#include <math.h>
#include <stdbool.h>

#include "draw/bars.h"
#include "kit/number.h"
#include "kit/stage.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "table/names.h"
#include "table/table.h"

#include "larder/banned.h"

struct options {
    const char *table, *font, *figure, *data;
    const char *groups, *group_names, *series_names, *title, *y_title, *line_name;
    const char *format, *more, *less;
    bool labels;
    double from, to, line;
};

/* The groups, or the series: those of the map in its order, or else all of the table. */
struct side {
    struct names names;
    const char **word; /* in the table; borrowed */
    const char **printed;
    size_t n;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct table table;
    struct side groups, series;
    struct bars_series *drawn;
    struct buf data;
};

static bool by_columns(const struct options *o)
{
    return strcmp(o->groups, "columns") == 0;
}

static int check_word(const struct table *t, const char *option, const char *word,
                      const char *const *known, size_t n, struct error *err)
{
    const char *near = nearest_name(word, known, n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(known[i], word) == 0)
            return 0;
    return error_set(err, E_INPUT, "%s: %s has no \"%s\"%s%s%s", option, t->tsv.path,
                     word, near != NULL ? "; did you mean \"" : "",
                     near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static int read_side(struct side *s, const struct table *t, bool columns,
                     const char *option, const char *map, struct error *err)
{
    const char *const *known = columns ? t->column : t->row;
    size_t n_known = columns ? t->n_columns : t->n_rows;
    int rc = names_map(&s->names, map, option, err);

    s->n = s->names.n > 0 ? s->names.n : n_known;
    s->word = xcalloc(s->n + 1, sizeof *s->word);
    s->printed = xcalloc(s->n + 1, sizeof *s->printed);
    for (size_t i = 0; i < s->n && rc == 0; i++) {
        s->word[i] = s->names.n > 0 ? s->names.word[i] : known[i];
        s->printed[i] = names_printed(&s->names, s->word[i]);
        rc = check_word(t, option, s->word[i], known, n_known, err);
    }
    return rc;
}

static int read_table(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    bool columns = by_columns(o);
    int rc = table_read(&w->table, o->table, err);

    if (rc == 0)
        rc =
            read_side(&w->groups, &w->table, columns, "group-names", o->group_names, err);
    if (rc == 0)
        rc = read_side(&w->series, &w->table, !columns, "series-names", o->series_names,
                       err);
    if (rc == 0 && w->groups.n == 0)
        rc = error_set(err, E_INPUT, "%s is empty", o->table);
    if (rc == 0 && o->more[0] != '\0' && w->series.n > 1)
        rc = error_set(err, E_INPUT, "more and less are for one series; %s has %zu",
                       o->table, w->series.n);
    if (rc == 0 && w->series.n > LOOKS)
        rc = error_set(err, E_INPUT, "%s: more than %d series cannot be told apart",
                       o->table, LOOKS);
    return rc;
}

/* A field that may be empty: NAN. */
static int read_number(const struct work *w, const char *text, double *to,
                       struct error *err)
{
    *to = (double)NAN;
    if (text[0] == '\0')
        return 0;
    if (number_double(text, to) != NUMBER_OK)
        return error_set(err, E_INPUT, "%s: \"%s\" is no number", w->o->table, text);
    return 0;
}

static int read_bar(struct work *w, size_t group, size_t series, double *value,
                    double *low, double *high, struct error *err)
{
    const char *g = w->groups.word[group], *s = w->series.word[series];
    const struct table_cell *c =
        by_columns(w->o) ? table_at(&w->table, s, g) : table_at(&w->table, g, s);

    *value = *low = *high = (double)NAN;
    if (c == NULL)
        return 0;
    buf_printf(&w->data, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", w->groups.printed[group],
               w->series.printed[series], c->n, c->k, c->value, c->low, c->high);
    if (read_number(w, c->value, value, err) < 0 ||
        read_number(w, c->low, low, err) < 0 || read_number(w, c->high, high, err) < 0)
        return E_INPUT;
    return 0;
}

static int read_bars(struct work *w, struct error *err)
{
    size_t n = w->groups.n;
    int rc = 0;

    w->drawn = xcalloc(w->series.n + 1, sizeof *w->drawn);
    buf_adds(&w->data, "group\tseries\tn\tk\tvalue\tlow\thigh\n");
    for (size_t s = 0; s < w->series.n && rc == 0; s++) {
        double *value = xcalloc(3 * n, sizeof *value);

        w->drawn[s] =
            (struct bars_series){ w->series.printed[s], value, value + n, value + 2 * n };
        for (size_t g = 0; g < n && rc == 0; g++)
            rc = read_bar(w, g, s, &value[g], &value[n + g], &value[2 * n + g], err);
    }
    return rc;
}

static int draw(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    const struct bars bars = { .title = o->title,
                               .y_title = o->y_title,
                               .group = w->groups.printed,
                               .n_groups = w->groups.n,
                               .series = w->drawn,
                               .n_series = w->series.n,
                               .from = o->from,
                               .to = o->to,
                               .line = o->line,
                               .line_name = o->line_name[0] ? o->line_name : NULL,
                               .labels = o->labels,
                               .more = o->more[0] ? o->more : NULL,
                               .less = o->less };
    struct canvas *canvas = NULL;
    struct font *font = NULL;
    int rc = font_open(&font, o->font, err);

    if (rc == 0)
        rc = canvas_open(&canvas, o->figure, canvas_format_of(o->format),
                         bars_width(&bars, font), BARS_HEIGHT, 2, font, err);
    if (rc == 0)
        bars_draw(canvas, &bars, font, 0, 0);
    rc = canvas_close(canvas, rc, err);
    font_close(font);
    return rc;
}

static void close_side(struct side *s)
{
    names_release(&s->names);
    free(s->word);
    free(s->printed);
}

static void close_work(struct work *w)
{
    for (size_t s = 0; w->drawn != NULL && s < w->series.n; s++)
        free((double *)w->drawn[s].value);
    free(w->drawn);
    close_side(&w->groups);
    close_side(&w->series);
    buf_release(&w->data);
    table_release(&w->table);
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = read_table(&w, err);

    if (rc == 0)
        rc = read_bars(&w, err);
    if (rc == 0)
        rc = draw(&w, err);
    if (rc == 0)
        rc = tsv_write(w.o->data, &w.data, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .groups = "columns",
                         .group_names = "",
                         .series_names = "",
                         .title = "",
                         .y_title = "",
                         .line_name = "",
                         .more = "",
                         .less = "",
                         .format = "png" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws a table as groups of bars"),
        STAGE_IN("table", &o.table, "a table"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_OUT("data", &o.data, "TSV: group series n k value low high"),
        STAGE_CHOICE("groups", &o.groups, "columns|rows", "of the table: a group each"),
        STAGE_STRING("group-names", &o.group_names,
                     "which, in which order, called what: name=Name; empty: all"),
        STAGE_STRING("series-names", &o.series_names, "the same for series"),
        STAGE_STRING("title", &o.title, "above the bars"),
        STAGE_STRING("y-title", &o.y_title, "beside the value axis"),
        STAGE_FLOAT("from", &o.from, -1e9, 1e9, "where the value axis begins"),
        STAGE_FLOAT("to", &o.to, -1e9, 1e9, "where it ends; equal: as values need it"),
        STAGE_FLOAT("line", &o.line, -1e9, 1e9, "a value with dashes across"),
        STAGE_STRING("line-name", &o.line_name, "what it is; empty: no line"),
        STAGE_BOOL("labels", &o.labels, "each value stands at its bar"),
        STAGE_STRING("more", &o.more,
                     "of one series: what bars above 0 are called; they look otherwise "
                     "than those below"),
        STAGE_STRING("less", &o.less, "what bars below 0 are called"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
