/*
 * scatter - draws two numbers of each channel: a panel for each layer, in it a series for
 * each network. Figures 3 and A5 of the paper.
 *
 * in   records  a list of records with rows layer, channel and both numbers
 * (activation-tv) font     a TrueType font out  figure   PNG or SVG data     TSV, what is
 * drawn: layer, the axis of series, channel, x, y
 *
 * The axes of a panel begin at 0 and share their range; the line is where both are equal.
 */
#include <string.h>

#include "draw/scatter.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "table/names.h"
#include "table/records.h"

#include "larder/banned.h"

struct options {
    const char *records, *font, *figure, *data;
    const char *x, *y, *layers, *series, *series_names, *x_title, *y_title, *format;
};

/* One panel; the layer is borrowed from the records. */
struct panel {
    const char *layer;
    struct scatter scatter;
    struct scatter_series series[LOOKS];
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct records records;
    struct names layers, series_names;
    struct panel *panel;
    size_t n;
    struct buf data;
};

static bool is_wanted(const struct work *w, const char *layer)
{
    return w->layers.n == 0 || names_find(&w->layers, layer) >= 0;
}

static struct panel *find_panel(struct work *w, const char *layer)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->panel[i].layer, layer) == 0)
            return &w->panel[i];
    w->panel = xrealloc(w->panel, (w->n + 1) * sizeof *w->panel);
    w->panel[w->n] = (struct panel){ .layer = layer };
    return &w->panel[w->n++];
}

static int add_row(struct work *w, size_t record, size_t row, const int *column,
                   const char *series, struct error *err)
{
    const struct tsv *t = &w->records.record[record].tsv;
    const char *layer = tsv_get(t, row, column[0]);
    struct scatter_series *s;
    double v[2];

    if (!is_wanted(w, layer))
        return 0;
    for (int k = 0; k < 2; k++) {
        int rc = tsv_double(t, row, column[2 + k], &v[k], err);

        if (rc < 0)
            return rc;
        if (v[k] < 0)
            return error_set(err, E_INPUT, "%s:%zu: %g is less than 0", t->path,
                             tsv_line(t, row), v[k]);
    }
    s = &find_panel(w, layer)->series[record];
    s->x = xrealloc((double *)s->x, (s->n + 1) * sizeof *s->x);
    s->y = xrealloc((double *)s->y, (s->n + 1) * sizeof *s->y);
    ((double *)s->x)[s->n] = v[0];
    ((double *)s->y)[s->n++] = v[1];
    buf_printf(&w->data, "%s\t%s\t%s\t%.6g\t%.6g\n", layer, series,
               tsv_get(t, row, column[1]), v[0], v[1]);
    return 0;
}

static int add_record(struct work *w, size_t record, struct error *err)
{
    const char *const name[4] = { "layer", "channel", w->o->x, w->o->y };
    const struct tsv *t = &w->records.record[record].tsv;
    const char *series = manifest_axis(&w->records.manifest, record, w->o->series);
    int column[4], rc = 0;

    for (int k = 0; k < 4; k++)
        if ((column[k] = tsv_column(t, name[k], err)) < 0)
            return column[k];
    series = series != NULL ? series : "";
    for (size_t row = 0; row < t->n_rows && rc == 0; row++)
        rc = add_row(w, record, row, column, series, err);
    for (size_t i = 0; i < w->n; i++)
        w->panel[i].series[record].name = names_printed(&w->series_names, series);
    return rc;
}

static int read_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc = names_list(&w->layers, o->layers, "layers", err);

    if (rc == 0)
        rc = names_map(&w->series_names, o->series_names, "series-names", err);
    if (rc == 0)
        rc = records_read(&w->records, o->records, err);
    if (rc == 0 && (w->records.n == 0 || w->records.n > LOOKS))
        rc = error_set(err, E_INPUT, "%s names %zu records; 1 to %d can be told apart",
                       o->records, w->records.n, LOOKS);
    buf_printf(&w->data, "layer\t%s\tchannel\t%s\t%s\n", o->series, o->x, o->y);
    for (size_t i = 0; rc == 0 && i < w->records.n; i++)
        rc = add_record(w, i, err);
    if (rc == 0 && w->n == 0)
        rc = error_set(err, E_INPUT, "%s has no layer of: %s", o->records, o->layers);
    return rc;
}

static int draw(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    struct canvas *canvas = NULL;
    struct font *font = NULL;
    int rc = font_open(&font, o->font, err);

    if (rc == 0)
        rc = canvas_open(&canvas, o->figure, canvas_format_of(o->format),
                         SCATTER_WIDTH * (double)w->n, SCATTER_HEIGHT, 2, font, err);
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        struct scatter *s = &w->panel[i].scatter;

        *s = (struct scatter){ .title = w->panel[i].layer,
                               .x_title = o->x_title,
                               .y_title = o->y_title,
                               .series = w->panel[i].series,
                               .n_series = w->records.n };
        scatter_draw(canvas, s, SCATTER_WIDTH * (double)i, 0);
    }
    rc = canvas_close(canvas, rc, err);
    font_close(font);
    return rc;
}

static void close_work(struct work *w)
{
    for (size_t i = 0; i < w->n; i++)
        for (size_t s = 0; s < LOOKS; s++) {
            free((double *)w->panel[i].series[s].x);
            free((double *)w->panel[i].series[s].y);
        }
    free(w->panel);
    buf_release(&w->data);
    names_release(&w->layers);
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
    struct options o = { .x = "tv_clean",
                         .y = "tv_noisy",
                         .layers = "",
                         .series = "net",
                         .series_names = "",
                         .x_title = "TV for clean pictures",
                         .y_title = "TV for noisy pictures",
                         .format = "png" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws two numbers of each channel, networks over each other"),
        STAGE_IN_LIST("records", &o.records, "records with rows of layer and channel"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_OUT("data", &o.data, "TSV: layer, series, channel, x, y"),
        STAGE_STRING("x", &o.x, "the column of the records along the x axis"),
        STAGE_STRING("y", &o.y, "the column along the y axis"),
        STAGE_STRING("layers", &o.layers, "which of them, joined by commas; empty: all"),
        STAGE_STRING("series", &o.series, "the axis with a series for each value"),
        STAGE_STRING("series-names", &o.series_names,
                     "what to print: word=Name,word=Name"),
        STAGE_STRING("x-title", &o.x_title, "below the x axis"),
        STAGE_STRING("y-title", &o.y_title, "beside the y axis"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
