/*
 * answers - draws pictures, in several versions, with the classes that networks find most
 * probable. Figure A6 of the paper.
 *
 * in   picked    which pictures (TSV of pick)
 *      pictures  their versions (pick), called by the axis that records have, too
 *      records   list of records with the best classes (classify, best=5)
 *      classes   TSV: class, name; without it classes are numbers
 *      font      a TrueType font
 * out  figure    PNG or SVG
 *      data      TSV, what is drawn: image, label, version, net, rank, class, name, p
 *
 * A block a picture: its versions, and under each the best classes of each network. The
 * bar of the true class is dark.
 */
#include <math.h>

#include "draw/canvas.h"
#include "image/versions.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "table/names.h"
#include "table/records.h"

#include "larder/banned.h"

struct options {
    const char *picked, *pictures, *records, *classes, *font, *figure, *data;
    const char *axis, *plain, *columns, *only, *nets, *format;
    int best;
};

/* One class in the order of probability. */
struct best {
    const char *name;
    double p;
    bool truth;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct versions versions;
    struct records records;
    struct names columns, nets, only;
    struct tsv classes;
    struct image *tile; /* picture by picture, version by version */
    struct best *best;  /* the same, then network by network, rank by rank */
    struct font *font;
    int enlarge;
    double side_x, side_y, pitch, left, name_width, block;
    struct buf data;
};

enum { AIM = 80 }; /* the side that small pictures are enlarged to, or more */
#define TEXT 10.0
#define LINE 13.0 /* from one bar to the next */
#define BAR 62.0  /* of probability 1 */
#define NUMBER 26.0
#define GAP 16.0   /* between columns */
#define BELOW 10.0 /* between a picture and its answers */
#define MARGIN 6.0

static const struct colour black = { 0, 0, 0 }, grey = { .6, .6, .6 };

static size_t n_tiles(const struct work *w)
{
    return w->versions.n * w->columns.n;
}

/* Where the best of a tile and a network begin. */
static size_t best_at(const struct work *w, size_t tile, size_t net)
{
    return (tile * w->nets.n + net) * (size_t)w->o->best;
}

static int read_names(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc = names_map(&w->columns, o->columns, "columns", err);

    if (rc == 0)
        rc = names_map(&w->nets, o->nets, "nets", err);
    if (rc == 0)
        rc = names_map(&w->only, o->only, "only", err);
    if (rc == 0)
        rc = versions_check(&w->versions, w->columns.word, w->columns.n, "columns", err);
    if (rc == 0 && w->nets.n == 0)
        rc = error_set(err, E_INPUT, "nets is empty");
    if (rc == 0 && o->classes != NULL)
        rc = tsv_read(&w->classes, o->classes, err);
    return rc;
}

static int read_tiles(struct work *w, struct error *err)
{
    int rc = 0;

    w->tile = xcalloc(n_tiles(w) + 1, sizeof *w->tile);
    for (size_t i = 0; i < n_tiles(w) && rc == 0; i++)
        rc = versions_rgb(&w->versions, w->columns.word[i % w->columns.n],
                          i / w->columns.n, &w->tile[i], err);
    return rc;
}

static bool is_of(const struct work *w, size_t record, const char *axis, const char *word)
{
    const char *value = manifest_axis(&w->records.manifest, record, axis);

    return value != NULL && strcmp(value, word) == 0;
}

static bool fits(const struct work *w, size_t record, const char *version,
                 const char *net)
{
    const char *v = manifest_axis(&w->records.manifest, record, w->o->axis);

    v = v != NULL && v[0] != '\0' ? v : w->o->plain;
    for (size_t k = 0; k < w->only.n; k++)
        if (!is_of(w, record, w->only.word[k], w->only.printed[k]))
            return false;
    return strcmp(v, version) == 0 && is_of(w, record, "net", net);
}

/* The one record of a version and a network. */
static int find_record(const struct work *w, const char *version, const char *net,
                       const struct tsv **t, struct error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < w->records.n; i++)
        if (fits(w, i, version, net)) {
            *t = &w->records.record[i].tsv;
            n++;
        }
    if (n == 1)
        return 0;
    return error_set(err, E_INPUT, "%zu records are of the network %s with %s=%s", n, net,
                     w->o->axis, version);
}

/* The row of a picture in a record, or an error. */
static int find_row(const struct tsv *t, const char *image, size_t *row,
                    struct error *err)
{
    int column = tsv_column(t, "image", err);

    if (column < 0)
        return column;
    for (*row = 0; *row < t->n_rows; (*row)++)
        if (strcmp(tsv_get(t, *row, column), image) == 0)
            return 0;
    return error_set(err, E_INPUT, "%s has no picture %s", t->path, image);
}

/* Sets *name to a class's name, borrowed: the number where there are no names. */
static int name_class(const struct work *w, const char *class, const char **name,
                      struct error *err)
{
    int number, text;

    *name = class;
    if (w->o->classes == NULL)
        return 0;
    number = tsv_column(&w->classes, "class", err);
    text = tsv_column(&w->classes, "name", err);
    for (size_t row = 0; number >= 0 && text >= 0 && row < w->classes.n_rows; row++)
        if (strcmp(tsv_get(&w->classes, row, number), class) == 0) {
            *name = tsv_get(&w->classes, row, text);
            return 0;
        }
    return number < 0 || text < 0
               ? E_INPUT
               : error_set(err, E_INPUT, "%s has no class %s", w->o->classes, class);
}

/* The columns of a rank in a record; the first is `predicted`. */
static int rank_columns(const struct tsv *t, int rank, int *class, int *p,
                        struct error *err)
{
    char name[2][32];

    snprintf(name[0], sizeof name[0], rank == 1 ? "predicted" : "predicted_%d", rank);
    snprintf(name[1], sizeof name[1], rank == 1 ? "p" : "p_%d", rank);
    *class = tsv_column(t, name[0], err);
    *p = *class < 0 ? *class : tsv_column(t, name[1], err);
    return *p < 0 ? *p : 0;
}

static int read_rank(struct work *w, const struct tsv *t, size_t row, size_t tile,
                     size_t net, int rank, struct error *err)
{
    struct best *b = &w->best[best_at(w, tile, net) + (size_t)rank - 1];
    const char *label, *class;
    int label_at = tsv_column(t, "label", err), class_at, p_at, rc;

    if (label_at < 0 || rank_columns(t, rank, &class_at, &p_at, err) < 0)
        return E_INPUT;
    label = tsv_get(t, row, label_at);
    class = tsv_get(t, row, class_at);
    b->truth = strcmp(label, class) == 0;
    rc = tsv_double(t, row, p_at, &b->p, err);
    if (rc == 0)
        rc = name_class(w, class, &b->name, err);
    if (rc == 0)
        buf_printf(&w->data, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n",
                   versions_image(&w->versions, tile / w->columns.n), label,
                   w->columns.printed[tile % w->columns.n], w->nets.printed[net], rank,
                   class, b->name, tsv_get(t, row, p_at));
    return rc;
}

static int read_answers(struct work *w, size_t tile, size_t net, struct error *err)
{
    const char *image = versions_image(&w->versions, tile / w->columns.n);
    const char *version = w->columns.word[tile % w->columns.n];
    const struct tsv *t = NULL;
    size_t row;
    int rc = find_record(w, version, w->nets.word[net], &t, err);

    if (rc == 0)
        rc = find_row(t, image, &row, err);
    for (int rank = 1; rank <= w->o->best && rc == 0; rank++)
        rc = read_rank(w, t, row, tile, net, rank, err);
    return rc;
}

static int read_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    size_t n;
    int rc = versions_open(&w->versions, o->picked, o->pictures, err);

    if (rc == 0)
        rc = read_names(w, err);
    if (rc == 0)
        rc = read_tiles(w, err);
    if (rc == 0)
        rc = records_read(&w->records, o->records, err);
    n = n_tiles(w) * w->nets.n;
    w->best = xcalloc(n * (size_t)o->best + 1, sizeof *w->best);
    buf_adds(&w->data, "image\tlabel\tversion\tnet\trank\tclass\tname\tp\n");
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = read_answers(w, i / w->nets.n, i % w->nets.n, err);
    return rc == 0 ? font_open(&w->font, o->font, err) : rc;
}

static void lay_out(struct work *w)
{
    int larger = 1;

    for (size_t i = 0; i < n_tiles(w); i++) {
        w->side_x = fmax(w->side_x, w->tile[i].width);
        w->side_y = fmax(w->side_y, w->tile[i].height);
    }
    larger = (int)fmax(w->side_x, w->side_y);
    w->enlarge = (AIM + larger - 1) / larger;
    w->side_x *= w->enlarge;
    w->side_y *= w->enlarge;
    for (size_t i = 0; i < n_tiles(w) * w->nets.n * (size_t)w->o->best; i++)
        w->name_width = fmax(w->name_width, font_width(w->font, TEXT, w->best[i].name));
    w->name_width = ceil(w->name_width);
    w->pitch = fmax(w->side_x, w->name_width + 4 + BAR + NUMBER) + GAP;
    for (size_t k = 0; k < w->nets.n; k++)
        w->left = fmax(w->left, font_width(w->font, TEXT, w->nets.printed[k]));
    w->left = ceil(w->left) + 2 * MARGIN;
    w->block = LINE + w->side_y + BELOW +
               (double)w->nets.n * (w->o->best * LINE + MARGIN) + MARGIN;
}

static void draw_best(struct canvas *c, const struct work *w, const struct best *b,
                      double x, double y)
{
    static const struct colour dark = { .2, .2, .2 }, light = { .8, .87, .9 };
    char text[16];

    canvas_text(c, x + w->name_width, y, TEXT, ALIGN_RIGHT, black, b->name);
    canvas_hatched(c, x + w->name_width + 4, y - 8.5, BAR * b->p, 9,
                   b->truth ? dark : light, HATCH_NONE);
    snprintf(text, sizeof text, "%.2f", b->p);
    canvas_text(c, x + w->name_width + 8 + BAR * b->p, y, TEXT - 1, ALIGN_LEFT, black,
                text);
}

/* A picture in a version, with the answers to it below; (x, y): of the picture. */
static void draw_tile(struct canvas *c, const struct work *w, size_t tile, double x,
                      double y)
{
    const struct image *im = &w->tile[tile];
    double at = x + floor((w->pitch - GAP - w->side_x) / 2);

    canvas_rect(c, at - .5, y - .5, w->side_x + 1, w->side_y + 1, grey);
    canvas_picture(c, at, y, im->pixel, im->width, im->height, w->enlarge);
    for (size_t net = 0; net < w->nets.n; net++)
        for (int i = 0; i < w->o->best; i++)
            draw_best(c, w, &w->best[best_at(w, tile, net) + (size_t)i], x,
                      y + w->side_y + BELOW + TEXT - 4 +
                          (double)net * (w->o->best * LINE + MARGIN) + i * LINE);
}

/* The name of the class that a picture has, or its number; borrowed. */
static const char *true_class(const struct work *w, size_t picture)
{
    int label = tsv_find(&w->versions.picked, "label");
    const char *name = "";

    if (label >= 0)
        name_class(w, tsv_get(&w->versions.picked, picture, label), &name, NULL);
    return name;
}

static void draw_block(struct canvas *c, const struct work *w, size_t picture, double y)
{
    double below = y + LINE + w->side_y + BELOW + TEXT - 4;
    struct buf title = { 0 };

    for (size_t k = 0; k < w->columns.n; k++) {
        double x = w->left + (double)k * w->pitch;

        buf_reset(&title);
        buf_printf(&title, "%s%s%s", k == 0 ? true_class(w, picture) : "",
                   k == 0 ? ", " : "", w->columns.printed[k]);
        canvas_text(c, x + (w->pitch - GAP) / 2, y + TEXT, TEXT, ALIGN_CENTRE, black,
                    buf_str(&title));
        draw_tile(c, w, picture * w->columns.n + k, x, y + LINE + 2);
    }
    for (size_t k = 0; k < w->nets.n; k++)
        canvas_text(c, MARGIN, below + (double)k * (w->o->best * LINE + MARGIN) + 2, TEXT,
                    ALIGN_LEFT, black, w->nets.printed[k]);
    buf_release(&title);
}

static int draw(struct work *w, struct error *err)
{
    struct canvas *c = NULL;
    int rc;

    lay_out(w);
    rc = canvas_open(&c, w->o->figure, canvas_format_of(w->o->format),
                     w->left + (double)w->columns.n * w->pitch,
                     (double)w->versions.n * w->block + MARGIN, 2, w->font, err);
    for (size_t i = 0; i < w->versions.n && rc == 0; i++)
        draw_block(c, w, i, MARGIN + (double)i * w->block);
    return canvas_close(c, rc, err);
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->tile != NULL && i < n_tiles(w); i++)
        image_release(&w->tile[i]);
    free(w->tile);
    free(w->best);
    font_close(w->font);
    buf_release(&w->data);
    tsv_release(&w->classes);
    names_release(&w->only);
    names_release(&w->nets);
    names_release(&w->columns);
    records_release(&w->records);
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
    struct options o = { .axis = "p",
                         .plain = "1",
                         .columns = "1=1 x 1,2=2 x 2,4=4 x 4,8=8 x 8",
                         .only = "",
                         .nets = "R=R,S=S",
                         .format = "png",
                         .best = 5 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws pictures with the classes that networks find most probable"),
        STAGE_IN("picked", &o.picked, "which pictures (pick)"),
        STAGE_IN_SET("pictures", &o.pictures, "their versions (pick)"),
        STAGE_IN_LIST("records", &o.records, "records with the best classes"),
        STAGE_MAY_IN("classes", &o.classes, "TSV: class name"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_OUT("data", &o.data, "TSV: image label version net rank class name p"),
        STAGE_STRING("axis", &o.axis, "of records: whose value is the version"),
        STAGE_STRING("plain", &o.plain, "the version of a record without one"),
        STAGE_STRING("columns", &o.columns, "versions in their order: version=Caption"),
        STAGE_STRING("only", &o.only, "axes of records: axis=value; others are left out"),
        STAGE_STRING("nets", &o.nets, "values of the axis net in their order: net=Name"),
        STAGE_INT("best", &o.best, 1, 100, "how many classes are shown"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
