/*
 * group-plot - draws means of two scores and a number by group and network, with an axis
 * on each side. Figure 4b of the paper.
 *
 * in   groups  TSV of `group-scores`
 *      font    a TrueType font
 * out  figure  PNG or SVG
 *
 * Left axis: the mean Shape score (circle) and the mean Texture score (triangle); right
 * axis: the number of channels (square). Of two networks the first is drawn left of the
 * group's middle and filled, the second right of it and hollow.
 */
#include <math.h>
#include <string.h>

#include "draw/axis.h"
#include "draw/look.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "table/names.h"

#include "larder/banned.h"

enum { SHAPE, TEXTURE, COUNT, MEASURES, MOST_NETS = 2 };
static const char *const columns[MEASURES] = { "mean_shape", "mean_texture", "n" };
static const char *const measure_name[MEASURES] = { "Shape score", "Texture score",
                                                    "channels" };
static const enum canvas_mark marks[MEASURES] = { MARK_CIRCLE, MARK_TRIANGLE,
                                                  MARK_SQUARE };
static const struct colour black = { 0, 0, 0 };

#define LEFT 52.0
#define RIGHT 56.0
#define TOP 16.0
#define BELOW 56.0
#define HEIGHT 270.0
#define GROUP 92.0
#define APART 34.0 /* of the two networks of a group */
#define MARK 9.0

struct options {
    const char *groups, *font, *figure, *format, *net_names;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct tsv t;
    struct names nets; /* in the order of the map */
    const char **group;
    size_t n_groups;
    double most[2]; /* of scores and of counts */
    int group_column, net_column, column[MEASURES];
};

static struct colour fill_of(size_t net)
{
    return net == 0 ? series_look[0].fill : (struct colour){ 1, 1, 1 };
}

static int read_groups(struct work *w, struct error *err)
{
    int rc = names_map(&w->nets, w->o->net_names, "net-names", err);

    if (rc == 0 && (w->nets.n < 1 || w->nets.n > MOST_NETS))
        rc = error_set(err, E_INPUT, "net-names: one or two networks are drawn");
    if (rc == 0)
        rc = tsv_read(&w->t, w->o->groups, err);
    if (rc == 0 && ((w->group_column = tsv_column(&w->t, "group", err)) < 0 ||
                    (w->net_column = tsv_column(&w->t, "net", err)) < 0))
        rc = E_INPUT;
    for (int m = 0; m < MEASURES && rc == 0; m++) {
        w->column[m] = tsv_column(&w->t, columns[m], err);
        rc = w->column[m] < 0 ? E_INPUT : 0;
    }
    w->group = xcalloc(w->t.n_rows + 1, sizeof *w->group);
    for (size_t row = 0; row < w->t.n_rows && rc == 0; row++) {
        const char *name = tsv_get(&w->t, row, w->group_column);
        size_t i = 0;

        while (i < w->n_groups && strcmp(w->group[i], name) != 0)
            i++;
        if (i == w->n_groups)
            w->group[w->n_groups++] = name;
    }
    return rc;
}

/* NAN where there is none. */
static int value_of(const struct work *w, size_t group, size_t net, int measure,
                    double *x, struct error *err)
{
    *x = (double)NAN;
    for (size_t row = 0; row < w->t.n_rows; row++)
        if (strcmp(tsv_get(&w->t, row, w->group_column), w->group[group]) == 0 &&
            strcmp(tsv_get(&w->t, row, w->net_column), w->nets.word[net]) == 0 &&
            tsv_get(&w->t, row, w->column[measure])[0] != '\0')
            return tsv_double(&w->t, row, w->column[measure], x, err);
    return 0;
}

/* The values by group, net and measure; new. */
static double *read_values(struct work *w, struct error *err)
{
    double *v = xcalloc(w->n_groups * w->nets.n * MEASURES + 1, sizeof *v);

    for (size_t g = 0; g < w->n_groups; g++)
        for (size_t n = 0; n < w->nets.n; n++)
            for (int m = 0; m < MEASURES; m++) {
                double *x = &v[(g * w->nets.n + n) * MEASURES + (size_t)m];

                if (value_of(w, g, n, m, x, err) < 0) {
                    free(v);
                    return NULL;
                }
                w->most[m == COUNT] = fmax(w->most[m == COUNT], *x);
            }
    return v;
}

/* Numbers along the right side, at the steps of its own axis. */
static void draw_right_axis(struct canvas *canvas, const struct axis *a, double x)
{
    int steps = (int)floor((a->high - a->low) / a->step + .5);
    char text[24];

    canvas_line(canvas, x, a->top, x, a->bottom, .8, black);
    for (int i = 0; i <= steps; i++) {
        double v = a->low + i * a->step, at = axis_at(a, v);

        canvas_line(canvas, x, at, x + 4, at, .8, black);
        snprintf(text, sizeof text, "%.6g", v);
        canvas_text(canvas, x + 7, at + 4, AXIS_TEXT, ALIGN_LEFT, black, text);
    }
    canvas_upright(canvas, x + 46, (a->top + a->bottom) / 2, AXIS_TEXT, ALIGN_CENTRE,
                   black, "Number of channels");
}

static void draw_legend(const struct work *w, struct canvas *canvas)
{
    double x = LEFT, y = HEIGHT - 8;

    for (size_t n = 0; n < w->nets.n; n++) {
        canvas_mark(canvas, x + 4, y - 4, MARK, MARK_DIAMOND, fill_of(n));
        canvas_text(canvas, x + 13, y, AXIS_TEXT - 1, ALIGN_LEFT, black,
                    w->nets.printed[n]);
        x += 30 + canvas_length(canvas, AXIS_TEXT - 1, w->nets.printed[n]);
    }
    for (int m = 0; m < MEASURES; m++) {
        canvas_mark(canvas, x + 4, y - 4, MARK, marks[m], (struct colour){ .8, .8, .8 });
        canvas_text(canvas, x + 13, y, AXIS_TEXT - 1, ALIGN_LEFT, black, measure_name[m]);
        x += 30 + canvas_length(canvas, AXIS_TEXT - 1, measure_name[m]);
    }
}

static void draw_marks(const struct work *w, struct canvas *canvas, const double *v,
                       const struct axis axis[2])
{
    for (size_t g = 0; g < w->n_groups; g++) {
        double middle = LEFT + GROUP * ((double)g + .5);

        for (size_t n = 0; n < w->nets.n; n++) {
            double x = middle + APART * ((double)n + .5 - (double)w->nets.n / 2);

            for (int m = 0; m < MEASURES; m++) {
                double value = v[(g * w->nets.n + n) * MEASURES + (size_t)m];

                if (!isnan(value))
                    canvas_mark(canvas, x + (m - 1) * 8,
                                axis_at(&axis[m == COUNT], value), MARK, marks[m],
                                fill_of(n));
            }
        }
        canvas_text(canvas, middle, axis[0].bottom + 16, AXIS_TEXT, ALIGN_CENTRE, black,
                    w->group[g]);
    }
}

static int draw(const struct work *w, const double *v, struct error *err)
{
    double right = LEFT + GROUP * (double)w->n_groups;
    struct axis axis[2];
    struct canvas *canvas = NULL;
    struct font *font = NULL;
    int rc = font_open(&font, w->o->font, err);

    for (int i = 0; i < 2; i++) {
        axis[i] = (struct axis){ .top = TOP, .bottom = HEIGHT - BELOW };
        axis_fit(&axis[i], 0, w->most[i]);
    }
    if (rc == 0)
        rc = canvas_open(&canvas, w->o->figure, canvas_format_of(w->o->format),
                         fmax(right + RIGHT, 430), HEIGHT, 2, font, err);
    if (rc == 0) {
        axis_draw(&axis[0], canvas, LEFT, right, 12, "Shape & Texture score");
        draw_right_axis(canvas, &axis[1], right);
        draw_marks(w, canvas, v, axis);
        draw_legend(w, canvas);
    }
    rc = canvas_close(canvas, rc, err);
    font_close(font);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    double *v = NULL;
    int rc = read_groups(&w, err);

    if (rc == 0)
        v = read_values(&w, err);
    if (rc == 0)
        rc = v != NULL ? draw(&w, v, err) : E_INPUT;
    free(v);
    free(w.group);
    names_release(&w.nets);
    tsv_release(&w.t);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .format = "png", .net_names = "S=S,R=R" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Draws two scores and a number by group, with an axis on each side"),
        STAGE_IN("groups", &o.groups, "TSV of group-scores"),
        STAGE_IN("font", &o.font, "a TrueType font"),
        STAGE_OUT("figure", &o.figure, "the figure"),
        STAGE_STRING("net-names", &o.net_names, "one or two networks: net=Name,net=Name"),
        STAGE_CHOICE("format", &o.format, "png|svg", "of the figure"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
