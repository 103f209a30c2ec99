/*
 * tiles - draws pictures in several versions: a row a picture, a column a version.
 * Figures 1 and A4 of the paper.
 *
 * in   picked       which pictures (TSV of pick)
 *      pictures     their versions (pick)
 *      adversaries  the version `adversary`: files NAME.png (attack); may be left out
 *      font         a TrueType font
 * out  figure       PNG or SVG
 *      data         TSV, what is drawn: row, column, version, image, x, y, enlarge,
 * sha256
 *
 * column is its caption; x and y are where a picture begins, in units of which a PNG has
 * two pixels; a pixel of it has the side `enlarge`; sha256 is that of its values, height
 * x width x RGB.
 */
#include <math.h>

#include "draw/canvas.h"
#include "image/decode.h"
#include "image/resize.h"
#include "image/versions.h"
#include "kit/stage.h"
#include "larder/digest.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "table/names.h"

#include "larder/banned.h"

struct options {
    const char *picked, *pictures, *adversaries, *font, *figure, *data;
    const char *columns, *captions, *format;
    int enlarge;
    bool row_names;
};

enum { AIM = 112 }; /* the side that small pictures are enlarged to, or more */
#define TEXT 11.0
#define GAP 6.0
#define MARGIN 6.0

static const char adversary[] = "adversary";
static const struct colour black = { 0, 0, 0 }, grey = { .6, .6, .6 };

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct versions versions;
    struct names columns;
    const char **word, **caption; /* of the columns that are drawn; borrowed */
    size_t n_columns;
    struct image *tile; /* row by row */
    struct font *font;
    int enlarge;
    double left, top, side_x, side_y, pitch; /* of the tiles */
    struct buf data;
};

static bool has_column(const struct work *w, const char *word)
{
    if (w->o->adversaries != NULL && strcmp(word, adversary) == 0)
        return true;
    return versions_has(&w->versions, word);
}

static int read_columns(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc = names_map(&w->columns, o->columns, "columns", err);

    if (rc == 0)
        rc = versions_check(&w->versions, w->columns.word, w->columns.n, "columns", err);
    w->word = xcalloc(w->columns.n + 1, sizeof *w->word);
    w->caption = xcalloc(w->columns.n + 1, sizeof *w->caption);
    for (size_t i = 0; i < w->columns.n && rc == 0; i++)
        if (has_column(w, w->columns.word[i])) {
            w->word[w->n_columns] = w->columns.word[i];
            w->caption[w->n_columns++] = w->columns.printed[i];
        }
    return rc;
}

static int read_file(const struct work *w, size_t row, struct image *rgb,
                     struct error *err)
{
    struct buf path = { 0 }, bytes = { 0 };
    struct image im = { 0 };
    int rc;

    buf_printf(&path, "%s/%s.png", w->o->adversaries, versions_image(&w->versions, row));
    rc = fs_read(buf_str(&path), &bytes, err);
    if (rc == 0)
        rc = image_decode(&im, bytes.s, bytes.len, err);
    if (rc == 0)
        image_rgb(rgb, &im);
    image_release(&im);
    buf_release(&bytes);
    buf_release(&path);
    return rc;
}

static int read_tile(struct work *w, size_t row, size_t column, struct error *err)
{
    struct image *im = &w->tile[row * w->n_columns + column];
    const char *word = w->word[column];

    if (w->o->adversaries != NULL && strcmp(word, adversary) == 0)
        return read_file(w, row, im, err);
    return versions_rgb(&w->versions, word, row, im, err);
}

static int read_tiles(struct work *w, struct error *err)
{
    size_t n = w->versions.n * w->n_columns;
    int rc = 0;

    w->tile = xcalloc(n + 1, sizeof *w->tile);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = read_tile(w, i / w->n_columns, i % w->n_columns, err);
        if (rc == 0 && (w->tile[i].width != w->tile[0].width ||
                        w->tile[i].height != w->tile[0].height))
            rc = error_set(err, E_INPUT, "%s is %d x %d in the version %s, %d x %d in %s",
                           versions_image(&w->versions, i / w->n_columns),
                           w->tile[i].width, w->tile[i].height, w->word[i % w->n_columns],
                           w->tile[0].width, w->tile[0].height, w->word[0]);
    }
    return rc;
}

static int read_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc = versions_open(&w->versions, o->picked, o->pictures, err);

    if (rc == 0)
        rc = read_columns(w, err);
    if (rc == 0)
        rc = read_tiles(w, err);
    return rc == 0 ? font_open(&w->font, o->font, err) : rc;
}

static bool above(const struct work *w)
{
    return strcmp(w->o->captions, "above") == 0;
}

static void lay_out(struct work *w)
{
    const struct image *im = &w->tile[0];
    int larger = im->width > im->height ? im->width : im->height;

    w->enlarge = w->o->enlarge > 0 ? w->o->enlarge : (AIM + larger - 1) / larger;
    w->side_x = im->width * w->enlarge;
    w->side_y = im->height * w->enlarge;
    w->pitch = w->side_x;
    for (size_t k = 0; k < w->n_columns; k++)
        w->pitch = fmax(w->pitch, font_width(w->font, TEXT, w->caption[k]));
    w->pitch = ceil(w->pitch + GAP);
    w->left = MARGIN;
    for (size_t i = 0; i < w->versions.n && w->o->row_names; i++)
        w->left = fmax(w->left, 2 * MARGIN + font_width(w->font, TEXT,
                                                        versions_row(&w->versions, i)));
    w->left = ceil(w->left);
    w->top = MARGIN + (above(w) ? 2 * TEXT - MARGIN : 0);
}

static void draw_tile(struct work *w, struct canvas *c, size_t row, size_t column)
{
    const struct image *im = &w->tile[row * w->n_columns + column];
    double x =
        w->left + floor((w->pitch - GAP - w->side_x) / 2) + (double)column * w->pitch;
    double y = w->top + (double)row * (w->side_y + GAP);
    struct digest digest;
    char hex[DIGEST_HEX + 1];

    canvas_rect(c, x - .5, y - .5, w->side_x + 1, w->side_y + 1, grey);
    canvas_picture(c, x, y, im->pixel, im->width, im->height, w->enlarge);
    digest_bytes(&digest, im->pixel, image_bytes(im));
    buf_printf(&w->data, "%s\t%s\t%s\t%s\t%.6g\t%.6g\t%d\t%s\n",
               versions_row(&w->versions, row), w->caption[column], w->word[column],
               versions_image(&w->versions, row), x, y, w->enlarge,
               digest_hex(&digest, hex));
}

static void draw_texts(const struct work *w, struct canvas *c)
{
    double below = w->top + (double)w->versions.n * (w->side_y + GAP) + TEXT;

    for (size_t k = 0; k < w->n_columns; k++)
        canvas_text(c, w->left + (double)k * w->pitch + (w->pitch - GAP) / 2,
                    above(w) ? TEXT + 3 : below, TEXT, ALIGN_CENTRE, black,
                    w->caption[k]);
    for (size_t i = 0; i < w->versions.n && w->o->row_names; i++)
        canvas_text(c, w->left - MARGIN,
                    w->top + (double)i * (w->side_y + GAP) + w->side_y / 2 + 4, TEXT,
                    ALIGN_RIGHT, black, versions_row(&w->versions, i));
}

static int draw(struct work *w, struct error *err)
{
    struct canvas *c = NULL;
    double width, height;
    int rc;

    lay_out(w);
    width = w->left + (double)w->n_columns * w->pitch - GAP + MARGIN;
    height = w->top + (double)w->versions.n * (w->side_y + GAP) - GAP + MARGIN +
             (above(w) ? 0 : 2 * TEXT - MARGIN);
    rc = canvas_open(&c, w->o->figure, canvas_format_of(w->o->format), width, height, 2,
                     w->font, err);
    buf_adds(&w->data, "row\tcolumn\tversion\timage\tx\ty\tenlarge\tsha256\n");
    for (size_t i = 0; i < w->versions.n * w->n_columns && rc == 0; i++)
        draw_tile(w, c, i / w->n_columns, i % w->n_columns);
    if (rc == 0)
        draw_texts(w, c);
    return canvas_close(c, rc, err);
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->tile != NULL && i < w->versions.n * w->n_columns; i++)
        image_release(&w->tile[i]);
    free(w->tile);
    free(w->word);
    free(w->caption);
    font_close(w->font);
    buf_release(&w->data);
    names_release(&w->columns);
    versions_close(&w->versions);
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
    struct options o = {
        .columns = "", .captions = "below", .format = "png", .row_names = true
    };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws pictures in several versions, side by side"),
        STAGE_IN("picked", &o.picked, "which pictures (pick)"),
        STAGE_IN_SET("pictures", &o.pictures, "their versions (pick)"),
        STAGE_MAY_IN_TREE("adversaries", &o.adversaries,
                          "the version `adversary`, NAME.png (attack)"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_OUT("data", &o.data, "TSV: row column version image x y enlarge sha256"),
        STAGE_STRING("columns", &o.columns,
                     "versions in their order: version=Caption; those that are not there "
                     "have no column"),
        STAGE_CHOICE("captions", &o.captions, "above|below", "of columns"),
        STAGE_BOOL("row-names", &o.row_names, "beside the rows"),
        STAGE_INT("enlarge", &o.enlarge, 0, 64,
                  "side of a pixel; 0: what suits its size"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
