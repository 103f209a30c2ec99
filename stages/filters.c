/*
 * filters - draws the filters of two nets: the most alike pairs, then the filters of
 * each.
 *
 * in   s, r     the models (safetensors)
 * in   pairs    which filter goes with which (TSV of `pair-filters`)
 * in   font     a TrueType font
 * out  figure   PNG or SVG
 *
 * Panel (a): pairs, s above r, with `r:` Spearman's correlation and the difference of
 * their total variations, rounded. With best=N the N best by their `place`, with 0 all of
 * them in order. Panels (b): the first filters of each net. Figures 2 and A2 of the
 * paper.
 */
#include "draw/canvas.h"
#include "draw/filter.h"
#include "draw/grid.h"
#include "kernel/kernel.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"

#include <math.h>

#include "larder/banned.h"

struct options {
    const char *s, *r, *pairs, *font, *figure;
    const char *kernel, *format, *panels, *s_name, *r_name;
    int n_pairs, n_filters, enlarge, columns;
};

struct pair {
    long s, r, place;
    double rho, dtv;
    char caption[2][32];
};

/* A net's filters as pictures, one after another. */
struct pictures {
    struct kernel kernel;
    uint8_t *rgb;
};

struct figure {
    struct pictures s, r;
    struct pair *pair;
    size_t n_pairs;
    struct font *font;
};

#define TEXT 11.0
#define MARGIN 8.0
static const char title_a[] = "(a) correlation r, and difference of total variation";

static size_t picture_size(const struct pictures *p)
{
    return (size_t)p->kernel.height * (size_t)p->kernel.width * 3;
}

static int read_pictures(struct pictures *p, const char *path, const char *name,
                         struct error *err)
{
    const struct kernel *k = &p->kernel;
    int rc = kernel_read(&p->kernel, path, name, err);

    if (rc < 0)
        return rc;
    if (k->channels != 1 && k->channels != 3)
        return error_set(err, E_INPUT,
                         "%s: \"%s\" has filters of %ld channels; 1 or 3 can "
                         "be drawn",
                         path, name, k->channels);
    p->rgb = xcalloc((size_t)k->filters, picture_size(p));
    for (long i = 0; i < k->filters; i++)
        filter_picture(kernel_filter(k, i), k->channels, k->height, k->width,
                       p->rgb + (size_t)i * picture_size(p));
    return 0;
}

static int read_pair(struct figure *f, const struct tsv *t, size_t row,
                     const int column[5], struct error *err)
{
    struct pair *p = &f->pair[row];

    if (tsv_long(t, row, column[0], &p->s, err) < 0 ||
        tsv_long(t, row, column[1], &p->r, err) < 0 ||
        tsv_double(t, row, column[2], &p->rho, err) < 0 ||
        tsv_double(t, row, column[3], &p->dtv, err) < 0 ||
        tsv_long(t, row, column[4], &p->place, err) < 0)
        return E_INPUT;
    if (p->s < 0 || p->s >= f->s.kernel.filters || p->r < 0 ||
        p->r >= f->r.kernel.filters)
        return error_set(err, E_INPUT, "%s:%zu: the models have no filters %ld and %ld",
                         t->path, row + 2, p->s, p->r);
    snprintf(p->caption[0], sizeof p->caption[0], "r: %.2f", p->rho);
    snprintf(p->caption[1], sizeof p->caption[1], "%ld", lround(p->dtv));
    return 0;
}

static int read_pairs(struct figure *f, const char *path, struct error *err)
{
    static const char *const name[5] = { "s_filter", "r_filter", "rho", "dtv", "place" };
    struct tsv t = { 0 };
    int column[5], rc;

    rc = tsv_read(&t, path, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < 5; i++)
        rc = column[i] = tsv_column(&t, name[i], err);
    f->pair = xcalloc(t.n_rows + 1, sizeof *f->pair);
    f->n_pairs = t.n_rows;
    for (size_t row = 0; rc >= 0 && row < t.n_rows; row++)
        rc = read_pair(f, &t, row, column, err);
    tsv_release(&t);
    return rc < 0 ? rc : 0;
}

static int by_place(const void *pa, const void *pb)
{
    const struct pair *a = pa, *b = pb;

    return (a->place > b->place) - (a->place < b->place);
}

/* Keeps the n best pairs, each filter of r once. */
static void choose_pairs(struct figure *f, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->n_pairs; i++)
        if (f->pair[i].place > 0 && (size_t)f->pair[i].place <= n)
            f->pair[kept++] = f->pair[i];
    f->n_pairs = kept;
    qsort(f->pair, f->n_pairs, sizeof *f->pair, by_place);
}

static struct tile *pair_tiles(const struct figure *f)
{
    struct tile *tile = xcalloc(f->n_pairs + 1, sizeof *tile);

    for (size_t i = 0; i < f->n_pairs; i++) {
        const struct pair *p = &f->pair[i];

        tile[i] = (struct tile){ f->s.rgb + (size_t)p->s * picture_size(&f->s),
                                 f->r.rgb + (size_t)p->r * picture_size(&f->r),
                                 { p->caption[0], p->caption[1] } };
    }
    return tile;
}

static struct tile *filter_tiles(const struct pictures *p, size_t n)
{
    struct tile *tile = xcalloc(n + 1, sizeof *tile);

    for (size_t i = 0; i < n; i++)
        tile[i] = (struct tile){ p->rgb + i * picture_size(p), NULL, { NULL, NULL } };
    return tile;
}

static struct grid filter_grid(const struct options *o, const struct pictures *p)
{
    size_t n =
        (size_t)(o->n_filters < p->kernel.filters ? o->n_filters : p->kernel.filters);

    return (struct grid){ .tile = filter_tiles(p, n),
                          .n = n,
                          .width = (int)p->kernel.width,
                          .height = (int)p->kernel.height,
                          .columns = o->columns,
                          .enlarge = (o->enlarge + 1) / 2,
                          .gap = 1 };
}

/* What stands where. */
struct layout {
    struct grid pairs, s, r;
    double left, top;            /* of the pairs */
    double second, third, below; /* of the two others; their tops are the same */
    double width, height;
};

static void place_grids(struct layout *l, const struct options *o, const struct figure *f)
{
    double high = fmax(grid_height(&l->s), grid_height(&l->r));
    double wide = fmax(grid_width(&l->pairs), font_width(f->font, TEXT, title_a));
    bool below = strcmp(o->panels, "below") == 0;

    l->left = 2 * MARGIN + fmax(font_width(f->font, TEXT, o->s_name),
                                font_width(f->font, TEXT, o->r_name));
    l->top = MARGIN + 2 * TEXT;
    l->second = below ? l->left : l->left + wide + 3 * MARGIN;
    l->below = below ? l->top + grid_height(&l->pairs) + 2 * MARGIN + 2 * TEXT : l->top;
    l->third = l->second + grid_width(&l->s) + 2 * MARGIN;
    l->width = fmax(l->left + wide, l->third + grid_width(&l->r)) + MARGIN;
    l->height = fmax(l->top + grid_height(&l->pairs), l->below + high) + MARGIN;
}

static void lay_out(struct layout *l, const struct options *o, const struct figure *f)
{
    l->pairs = (struct grid){ .tile = pair_tiles(f),
                              .n = f->n_pairs,
                              .width = (int)f->s.kernel.width,
                              .height = (int)f->s.kernel.height,
                              .columns = o->columns,
                              .enlarge = o->enlarge,
                              .gap = 1,
                              .captions = 2,
                              .text = TEXT };
    l->s = filter_grid(o, &f->s);
    l->r = filter_grid(o, &f->r);
    place_grids(l, o, f);
}

/* The nets' names, each beside its row of the first pairs. */
static void draw_row_names(const struct layout *l, const struct options *o,
                           struct canvas *c)
{
    const struct colour black = { 0, 0, 0 };
    double side = (double)l->pairs.height * l->pairs.enlarge;
    double y = l->top + grid_picture_top(&l->pairs, 0) + side / 2 + TEXT * 0.35;

    canvas_text(c, l->left - MARGIN, y, TEXT, ALIGN_RIGHT, black, o->s_name);
    canvas_text(c, l->left - MARGIN, y + side + l->pairs.gap, TEXT, ALIGN_RIGHT, black,
                o->r_name);
}

static void draw_panels(const struct layout *l, const struct options *o, struct canvas *c)
{
    const struct colour black = { 0, 0, 0 };
    struct buf title = { 0 };

    canvas_text(c, l->left, MARGIN + TEXT, TEXT, ALIGN_LEFT, black, title_a);
    grid_draw(&l->pairs, c, l->left, l->top);
    if (l->pairs.n > 0)
        draw_row_names(l, o, c);
    buf_printf(&title, "(b) %s", o->s_name);
    canvas_text(c, l->second, l->below - TEXT, TEXT, ALIGN_LEFT, black, buf_str(&title));
    grid_draw(&l->s, c, l->second, l->below);
    canvas_text(c, l->third, l->below - TEXT, TEXT, ALIGN_LEFT, black, o->r_name);
    grid_draw(&l->r, c, l->third, l->below);
    buf_release(&title);
}

static int draw(const struct options *o, const struct figure *f, struct error *err)
{
    struct layout l = { 0 };
    struct canvas *c = NULL;
    int rc;

    lay_out(&l, o, f);
    rc = canvas_open(&c, o->figure, canvas_format_of(o->format), l.width, l.height, 2,
                     f->font, err);
    if (rc == 0)
        draw_panels(&l, o, c);
    rc = canvas_close(c, rc, err);
    free((void *)l.pairs.tile);
    free((void *)l.s.tile);
    free((void *)l.r.tile);
    return rc;
}

static void figure_release(struct figure *f)
{
    font_close(f->font);
    free(f->pair);
    free(f->s.rgb);
    free(f->r.rgb);
    kernel_release(&f->s.kernel);
    kernel_release(&f->r.kernel);
}

static int filters(const void *options, struct error *err)
{
    const struct options *o = options;
    struct figure f = { 0 };
    int rc;

    rc = font_open(&f.font, o->font, err);
    if (rc < 0)
        goto out;
    rc = read_pictures(&f.s, o->s, o->kernel, err);
    if (rc < 0)
        goto out;
    rc = read_pictures(&f.r, o->r, o->kernel, err);
    if (rc < 0)
        goto out;
    if (picture_size(&f.s) != picture_size(&f.r) ||
        f.s.kernel.width != f.r.kernel.width) {
        rc = error_set(err, E_INPUT, "%s: filters of %s and %s differ in size", o->kernel,
                       o->s, o->r);
        goto out;
    }
    rc = read_pairs(&f, o->pairs, err);
    if (rc < 0)
        goto out;
    if (o->n_pairs > 0)
        choose_pairs(&f, (size_t)o->n_pairs);
    rc = draw(o, &f, err);
out:
    figure_release(&f);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .kernel = "features.0.weight",
                         .format = "png",
                         .panels = "beside",
                         .s_name = "S",
                         .r_name = "R",
                         .n_pairs = 8,
                         .n_filters = 40,
                         .enlarge = 8,
                         .columns = 8 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws the filters of two nets, paired and side by side"),
        STAGE_IN("s", &o.s, "the first model (safetensors)"),
        STAGE_IN("r", &o.r, "the second model (safetensors)"),
        STAGE_IN("pairs", &o.pairs, "which filters go together (TSV of pair-filters)"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_STRING("kernel", &o.kernel, "the parameter that holds the filters"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_CHOICE("panels", &o.panels, "beside|below", "where panel (b) stands"),
        STAGE_STRING("s-name", &o.s_name, "what to call the first model"),
        STAGE_STRING("r-name", &o.r_name, "what to call the second model"),
        STAGE_INT("best", &o.n_pairs, 0, 10000, "pairs to show; 0: all, in order"),
        STAGE_INT("first", &o.n_filters, 1, 10000, "filters of each model to show"),
        STAGE_INT("enlarge", &o.enlarge, 1, 64,
                  "side of a weight in panel (a); (b): half"),
        STAGE_INT("columns", &o.columns, 1, 100, "filters in a row"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, filters, &o);
}
