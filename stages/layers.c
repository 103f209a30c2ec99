/*
 * layers - draws a number of each layer: a panel for each architecture, in it a series
 * for each network. Figure A27 of the paper.
 *
 * in   records  a list of records with a row for each layer (kernel-tv)
 *      font     a TrueType font
 * out  figure   PNG or SVG
 *      data     TSV, what is drawn: the axes of panels and series, layer, the column
 *
 * A row whose layer is `network` is not drawn. Layers stand in the order of a panel's
 * first record.
 */
#include <math.h>
#include <string.h>

#include "draw/chart.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "table/names.h"
#include "table/records.h"

#include "larder/banned.h"

struct options {
    const char *records, *font, *figure, *data;
    const char *column, *panels, *series, *panel_names, *series_names, *y_title, *format;
};

/* One panel; names are borrowed from the records and the maps of names. */
struct panel {
    const char *value; /* on the axis of panels */
    struct chart chart;
    const char **place;
    struct chart_series series[CHART_SERIES];
    const char *series_value[CHART_SERIES];
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct records records;
    struct names panel_names, series_names;
    struct panel *panel;
    size_t n;
    struct buf data;
};

static const char *axis_value(const struct work *w, size_t record, const char *axis)
{
    const char *value = manifest_axis(&w->records.manifest, record, axis);

    return value != NULL ? value : "";
}

/* The panel of a record: one that is there or, with the record's layers, a new one. */
static struct panel *find_panel(struct work *w, size_t record, int layer)
{
    const struct tsv *t = &w->records.record[record].tsv;
    const char *value = axis_value(w, record, w->o->panels);
    struct panel *p;

    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->panel[i].value, value) == 0)
            return &w->panel[i];
    w->panel = xrealloc(w->panel, (w->n + 1) * sizeof *w->panel);
    p = &w->panel[w->n++];
    *p = (struct panel){ .value = value };
    p->place = xcalloc(t->n_rows + 1, sizeof *p->place);
    for (size_t i = 0; i < t->n_rows; i++)
        if (strcmp(tsv_get(t, i, layer), "network") != 0)
            p->place[p->chart.n_places++] = tsv_get(t, i, layer);
    return p;
}

static int add_values(struct work *w, struct panel *p, size_t record, int layer,
                      int column, double *y, struct error *err)
{
    const struct tsv *t = &w->records.record[record].tsv;
    int rc = 0;

    for (size_t i = 0; i < p->chart.n_places; i++)
        y[i] = (double)NAN;
    for (size_t row = 0; row < t->n_rows && rc == 0; row++) {
        const char *name = tsv_get(t, row, layer);
        size_t i = 0;

        while (i < p->chart.n_places && strcmp(p->place[i], name) != 0)
            i++;
        if (strcmp(name, "network") == 0)
            continue;
        if (i == p->chart.n_places)
            return error_set(err, E_INPUT, "%s has a layer %s that others of %s lack",
                             t->path, name, p->value);
        rc = tsv_double(t, row, column, &y[i], err);
        buf_printf(&w->data, "%s\t%s\t%s\t%s\n", p->value,
                   axis_value(w, record, w->o->series), name, tsv_get(t, row, column));
    }
    return rc;
}

static int add_record(struct work *w, size_t record, struct error *err)
{
    const struct tsv *t = &w->records.record[record].tsv;
    int layer = tsv_column(t, "layer", err), column = tsv_column(t, w->o->column, err);
    struct chart *c;
    struct panel *p;
    double *y;

    if (layer < 0 || column < 0)
        return E_INPUT;
    p = find_panel(w, record, layer);
    c = &p->chart;
    if (c->n_series == CHART_SERIES)
        return error_set(err, E_INPUT, "more than %d networks of %s cannot be told apart",
                         CHART_SERIES, p->value);
    y = xcalloc(c->n_places + 1, sizeof *y);
    p->series_value[c->n_series] = axis_value(w, record, w->o->series);
    p->series[c->n_series++] = (struct chart_series){
        names_printed(&w->series_names, axis_value(w, record, w->o->series)), y
    };
    return add_values(w, p, record, layer, column, y, err);
}

static int read_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc = names_map(&w->panel_names, o->panel_names, "panel-names", err);

    if (rc == 0)
        rc = names_map(&w->series_names, o->series_names, "series-names", err);
    if (rc == 0)
        rc = records_read(&w->records, o->records, err);
    if (rc == 0 && w->records.n == 0)
        rc = error_set(err, E_INPUT, "%s names no record", o->records);
    buf_printf(&w->data, "%s\t%s\tlayer\t%s\n", o->panels, o->series, o->column);
    for (size_t i = 0; i < w->records.n && rc == 0; i++)
        rc = add_record(w, i, err);
    return rc;
}

static int draw(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    struct canvas *canvas = NULL;
    struct font *font = NULL;
    double width = 0, x = 0;
    int rc;

    for (size_t i = 0; i < w->n; i++) {
        struct panel *p = &w->panel[i];

        p->chart.title = names_printed(&w->panel_names, p->value);
        p->chart.y_title = o->y_title;
        p->chart.place = p->place;
        p->chart.series = p->series;
        width += chart_width(&p->chart);
    }
    rc = font_open(&font, o->font, err);
    if (rc == 0)
        rc = canvas_open(&canvas, o->figure, canvas_format_of(o->format), width,
                         CHART_HEIGHT, 2, font, err);
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        chart_draw(canvas, &w->panel[i].chart, x, 0);
        x += chart_width(&w->panel[i].chart);
    }
    rc = canvas_close(canvas, rc, err);
    font_close(font);
    return rc;
}

static void close_work(struct work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        for (size_t s = 0; s < w->panel[i].chart.n_series; s++)
            free((double *)w->panel[i].series[s].y);
        free(w->panel[i].place);
    }
    free(w->panel);
    buf_release(&w->data);
    names_release(&w->panel_names);
    names_release(&w->series_names);
    records_release(&w->records);
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = read_all(&w, err);

    if (rc == 0)
        rc = draw(&w, err);
    if (rc == 0)
        rc = tsv_write(w.o->data, &w.data, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .column = "mean_tv",
                         .panels = "arch",
                         .series = "net",
                         .panel_names = "",
                         .series_names = "",
                         .y_title = "Mean TV",
                         .format = "png" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws a number of each layer, networks side by side"),
        STAGE_IN_LIST("records", &o.records, "records with a row for each layer"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_OUT("data", &o.data, "TSV: panel, series, layer, value"),
        STAGE_STRING("column", &o.column, "of the records: what is drawn"),
        STAGE_STRING("panels", &o.panels, "the axis with a panel for each value"),
        STAGE_STRING("series", &o.series, "the axis with a series for each value"),
        STAGE_STRING("panel-names", &o.panel_names, "what to print: word=Name,word=Name"),
        STAGE_STRING("series-names", &o.series_names, "the same for series"),
        STAGE_STRING("y-title", &o.y_title, "beside the y axis"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
