/*
 * unit-grids - draws channels: for each a square of the pictures that activate it most,
 * and, where they are given, those whose answer changes without it. The paper, Figures 5
 * and A12 to A26.
 *
 * in   chosen    the channels (TSV of choose-units)
 *      shown     TSV of unit-crops
 *      crops     their parts (unit-crops)
 *      misread   TSV of misread; may be left out
 *      pictures  image set of misread; goes with it
 *      font      a TrueType font
 * out  figure    PNG or SVG
 *
 * Above a block: network, layer and number of the channel, its concept, its IoU; with
 * `scores` its Shape and Texture scores, too. Parts smaller than `cell` are enlarged by a
 * whole number. The lists of misread pictures stand beside the square, those answered by
 * shape above, by texture below, each under its name.
 */
#include <math.h>
#include <string.h>

#include "dissect/chosen.h"
#include "draw/canvas.h"
#include "draw/font.h"
#include "image/resize.h"
#include "image/set.h"
#include "kit/number.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "table/names.h"

#include "larder/banned.h"

#define TEXT 10.0
#define SMALL 7.0
#define GAP 1.0
#define APART 14.0 /* between blocks */
#define CAPTION 16.0
#define MARGIN 8.0
enum { LISTS = 2 };
static const struct colour black = { 0, 0, 0 };
static const char *const lists[LISTS] = { "shape", "texture" };

struct options {
    const char *chosen, *shown, *crops, *misread, *pictures, *font, *figure;
    const char *format, *net_names, *only;
    int columns, n, cell, blocks, most;
    bool scores;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct chosen chosen;
    struct tsv shown, misread;
    struct imageset *crops, *pictures;
    struct names nets;
    struct canvas *canvas;
    const struct chosen_unit **block; /* those that are drawn */
    size_t n;
    double square, wide, high; /* of the square, and of a block */
    double step;               /* from one picture of a list to the next */
};

static int open_work(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc = names_map(&w->nets, o->net_names, "net-names", err);

    if (rc == 0)
        rc = chosen_read(&w->chosen, o->chosen, err);
    if (rc == 0)
        rc = tsv_read(&w->shown, o->shown, err);
    if (rc == 0)
        rc = imageset_open(&w->crops, o->crops, err);
    if (rc == 0 && (o->misread == NULL) != (o->pictures == NULL))
        rc = error_set(err, E_INPUT, "misread and pictures go together");
    if (rc == 0 && o->misread != NULL)
        rc = tsv_read(&w->misread, o->misread, err);
    if (rc == 0 && o->pictures != NULL)
        rc = imageset_open(&w->pictures, o->pictures, err);
    w->block = xcalloc(w->chosen.n + 1, sizeof *w->block);
    for (size_t i = 0; i < w->chosen.n && rc == 0; i++)
        if (w->chosen.unit[i].unit >= 0 &&
            (o->only[0] == '\0' || strcmp(w->chosen.unit[i].block, o->only) == 0))
            w->block[w->n++] = &w->chosen.unit[i];
    return rc;
}

static void close_work(struct work *w)
{
    free(w->block);
    imageset_close(w->crops);
    imageset_close(w->pictures);
    tsv_release(&w->shown);
    tsv_release(&w->misread);
    chosen_release(&w->chosen);
    names_release(&w->nets);
}

static void measure(struct work *w, const struct font *font)
{
    const struct options *o = w->o;
    int rows = (o->n + o->columns - 1) / o->columns,
        image = tsv_find(&w->misread, "image");

    w->step = o->cell + APART;
    for (size_t row = 0; row < w->misread.n_rows && image >= 0; row++)
        w->step =
            fmax(w->step, 5 + font_width(font, SMALL, tsv_get(&w->misread, row, image)));

    w->square = o->columns * (o->cell + GAP);
    w->wide = w->square;
    w->high = CAPTION + rows * (o->cell + GAP);
    if (o->misread != NULL) {
        double below = 2 * (CAPTION + o->cell + SMALL + 4);

        w->wide += 2 * APART + o->most * w->step;
        w->high = fmax(w->high, CAPTION + below);
    }
}

/* A picture in a cell: enlarged by a whole number, or made smaller. */
static void draw_picture(const struct work *w, const struct image *im, double x, double y)
{
    int cell = w->o->cell, times = im->width < cell ? cell / im->width : 1;
    struct image small = { 0 };
    double off;

    if (im->width > cell) {
        image_resize(&small, im, cell, cell);
        im = &small;
    }
    off = (cell - im->width * times) / 2.;
    canvas_picture(w->canvas, x + off, y + off, im->pixel, im->width, im->height, times);
    image_release(&small);
}

static int draw_square(const struct work *w, const struct chosen_unit *u, double x,
                       double y, struct error *err)
{
    struct buf name = { 0 };
    int rc = 0;

    for (int i = 0; i < w->o->n && rc == 0; i++) {
        struct image im;
        long at;

        buf_reset(&name);
        chosen_name(u, &name);
        buf_printf(&name, "/%02d", i + 1);
        at = imageset_find(w->crops, buf_str(&name));
        if (at < 0)
            break;
        rc = imageset_get(w->crops, at, &im, err);
        if (rc == 0)
            draw_picture(w, &im, x + i % w->o->columns * (w->o->cell + GAP),
                         y + i / w->o->columns * (w->o->cell + GAP));
    }
    buf_release(&name);
    return rc;
}

/* The name of the rank-th picture of a list, and how many there are. */
static const char *misread_name(const struct work *w, const struct chosen_unit *u,
                                const char *list, size_t rank, size_t *n)
{
    const struct tsv *t = &w->misread;
    int block = tsv_find(t, "block"), column = tsv_find(t, "list");
    int image = tsv_find(t, "image");
    const char *found = NULL;

    *n = 0;
    for (size_t row = 0; row < t->n_rows && block >= 0 && column >= 0 && image >= 0;
         row++)
        if (strcmp(tsv_get(t, row, block), u->block) == 0 &&
            strcmp(tsv_get(t, row, column), list) == 0 && ++*n == rank)
            found = tsv_get(t, row, image);
    return found;
}

static int draw_list(const struct work *w, const struct chosen_unit *u, int list,
                     double x, double y, struct error *err)
{
    struct buf text = { 0 };
    size_t n;
    int rc = 0;

    misread_name(w, u, lists[list], 0, &n);
    buf_printf(&text, "answered by %s before: %zu", lists[list], n);
    canvas_text(w->canvas, x, y + 11, TEXT, ALIGN_LEFT, black, buf_str(&text));
    for (int i = 0; i < w->o->most && (size_t)i < n && rc == 0; i++) {
        double left = x + i * w->step;
        struct image im;
        long at;

        buf_reset(&text);
        chosen_name(u, &text);
        buf_printf(&text, "/%s/%04d", lists[list], i + 1);
        at = imageset_find(w->pictures, buf_str(&text));
        if (at < 0)
            break;
        rc = imageset_get(w->pictures, at, &im, err);
        if (rc == 0) {
            draw_picture(w, &im, left, y + CAPTION);
            canvas_text(w->canvas, left, y + CAPTION + w->o->cell + SMALL + 1, SMALL,
                        ALIGN_LEFT, black,
                        misread_name(w, u, lists[list], (size_t)i + 1, &n));
        }
    }
    buf_release(&text);
    return rc;
}

static int draw_block(const struct work *w, const struct chosen_unit *u, double x,
                      double y, struct error *err)
{
    struct buf text = { 0 };
    double iou = 0;
    int rc;

    number_double(u->iou, &iou);
    buf_printf(&text, "%s %s %ld | %s | %.2f", names_printed(&w->nets, u->net), u->layer,
               u->unit, u->label, iou);
    if (w->o->scores)
        buf_printf(&text, " | %s, S/T %s/%s", u->category, u->shape, u->texture);
    canvas_text(w->canvas, x, y + 11, TEXT, ALIGN_LEFT, black, buf_str(&text));
    buf_release(&text);
    rc = draw_square(w, u, x, y + CAPTION, err);
    for (int list = 0; list < LISTS && w->o->misread != NULL && rc == 0; list++)
        rc = draw_list(w, u, list, x + w->square + 2 * APART,
                       y + CAPTION + list * (CAPTION + w->o->cell + SMALL + 4), err);
    return rc;
}

static int draw_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    size_t columns = (size_t)o->blocks < w->n ? (size_t)o->blocks : w->n;
    size_t rows = columns > 0 ? (w->n + columns - 1) / columns : 0;
    double wide, high;
    struct font *font = NULL;
    int rc = font_open(&font, o->font, err);

    if (rc < 0)
        return rc;
    measure(w, font);
    wide = 2 * MARGIN + (double)columns * (w->wide + APART);
    high = 2 * MARGIN + (double)rows * (w->high + APART);
    if (rc == 0)
        rc = canvas_open(&w->canvas, o->figure, canvas_format_of(o->format),
                         fmax(wide, 300), fmax(high, 40), 2, font, err);
    if (rc == 0 && w->n == 0)
        canvas_text(w->canvas, MARGIN, 24, TEXT, ALIGN_LEFT, black,
                    "No channel of this run fits the rule.");
    for (size_t i = 0; i < w->n && rc == 0; i++)
        rc =
            draw_block(w, w->block[i], MARGIN + (double)(i % columns) * (w->wide + APART),
                       MARGIN + (double)(i / columns) * (w->high + APART), err);
    rc = canvas_close(w->canvas, rc, err);
    font_close(font);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    if (rc == 0)
        rc = draw_all(&w, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .format = "png",
                         .net_names = "",
                         .only = "",
                         .columns = 7,
                         .n = 49,
                         .cell = 16,
                         .blocks = 4,
                         .most = 8 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws channels by the pictures that activate them most"),
        STAGE_IN("chosen", &o.chosen, "channels (TSV of choose-units)"),
        STAGE_IN("shown", &o.shown, "TSV of unit-crops"),
        STAGE_IN_SET("crops", &o.crops, "their parts (unit-crops)"),
        STAGE_MAY_IN("misread", &o.misread, "TSV of misread"),
        STAGE_MAY_IN_SET("pictures", &o.pictures, "its pictures"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_STRING("net-names", &o.net_names, "what to print: net=Name,net=Name"),
        STAGE_STRING("only", &o.only, "the one block that is drawn; empty: all"),
        STAGE_INT("columns", &o.columns, 1, 100, "of a square"),
        STAGE_INT("n", &o.n, 1, 99, "pictures of a square"),
        STAGE_INT("cell", &o.cell, 1, 1000, "the side of a picture"),
        STAGE_INT("blocks", &o.blocks, 1, 100, "channels side by side"),
        STAGE_INT("most", &o.most, 1, 1000, "pictures of a list"),
        STAGE_BOOL("scores", &o.scores, "category and scores stand in the caption"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
