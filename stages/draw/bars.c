#include "draw/bars.h"

#include <math.h>
#include <string.h>

#include "draw/axis.h"
#include "larder/mem.h"

#include "larder/banned.h"

#define NAME_TEXT (AXIS_TEXT - 1)
#define LEFT 52.0 /* of the value axis */
#define RIGHT 14.0
#define TOP 24.0
#define BELOW 60.0 /* for names of groups and series */
#define BAR 15.0
#define LABELLED_BAR 26.0 /* with room for its value */
#define APART 18.0        /* between groups, and between their names */
#define SWATCH 12.0
#define CAP 3.0 /* half the width of an interval's ends */

static const struct colour black = { 0, 0, 0 };

/* The two lines of a name; the second is "" when it has no blank. *first is new. */
static const char *split_name(const char *name, char **first)
{
    const char *blank = strchr(name, ' ');

    *first = blank != NULL ? xstrndup(name, (size_t)(blank - name)) : xstrdup(name);
    return blank != NULL ? blank + 1 : "";
}

static double name_width(const struct font *font, const char *name)
{
    char *first;
    const char *second = split_name(name, &first);
    double width =
        fmax(font_width(font, NAME_TEXT, first), font_width(font, NAME_TEXT, second));

    free(first);
    return width;
}

static double bar_width(const struct bars *b)
{
    return b->labels ? LABELLED_BAR : BAR;
}

/* From the start of a group to that of the next. */
static double group_width(const struct bars *b, const struct font *font)
{
    double width = bar_width(b) * (double)b->n_series;

    for (size_t i = 0; i < b->n_groups; i++)
        width = fmax(width, name_width(font, b->group[i]));
    return width + APART;
}

/* How a bar looks: by its series, or by its sign. */
static const struct look *look_of(const struct bars *b, size_t series, double value)
{
    if (b->more == NULL)
        return &series_look[series];
    return &series_look[value < 0 ? 0 : 2];
}

static double legend_width(const struct bars *b, const struct font *font)
{
    double width = b->line_name ? 40 + font_width(font, NAME_TEXT, b->line_name) : 0;

    if (b->more != NULL)
        return width + 68 + font_width(font, NAME_TEXT, b->more) +
               font_width(font, NAME_TEXT, b->less);
    for (size_t s = 0; s < b->n_series; s++)
        width += 34 + font_width(font, NAME_TEXT, b->series[s].name);
    return width;
}

double bars_width(const struct bars *b, const struct font *font)
{
    return LEFT + RIGHT +
           fmax(group_width(b, font) * (double)b->n_groups, legend_width(b, font));
}

static struct axis find_axis(const struct bars *b, double y)
{
    struct axis a = { .top = y + TOP, .bottom = y + BARS_HEIGHT - BELOW };
    double low = b->from, high = b->to;

    for (size_t s = 0; s < b->n_series && b->from >= b->to; s++)
        for (size_t i = 0; i < b->n_groups; i++) {
            const struct bars_series *r = &b->series[s];

            low = fmin(fmin(low, r->value[i]), r->low[i]); /* fmin passes over NAN */
            high = fmax(fmax(high, r->value[i]), r->high[i]);
        }
    axis_fit(&a, low, high);
    return a;
}

static void draw_bar(struct canvas *canvas, const struct axis *a, double x, double width,
                     double value, const struct look *look)
{
    double zero = axis_at(a, 0), at = axis_at(a, value);

    canvas_hatched(canvas, x, fmin(zero, at), width, fabs(zero - at), look->fill,
                   look->hatch);
}

static void draw_label(struct canvas *canvas, const struct axis *a, double x,
                       double value)
{
    double at = axis_at(a, value);
    char text[24];

    snprintf(text, sizeof text, "%.3g", value);
    canvas_text(canvas, x, value < 0 ? at + 9 : at - 3, AXIS_TEXT - 3, ALIGN_CENTRE,
                black, text);
}

static void draw_interval(struct canvas *canvas, const struct axis *a, double x,
                          double low, double high)
{
    double from = axis_at(a, low), to = axis_at(a, high);

    canvas_line(canvas, x, from, x, to, 1, black);
    canvas_line(canvas, x - CAP, from, x + CAP, from, 1, black);
    canvas_line(canvas, x - CAP, to, x + CAP, to, 1, black);
}

/* The bars of group i, centred about x. */
static void draw_group(struct canvas *canvas, const struct bars *b, const struct axis *a,
                       size_t i, double x)
{
    for (size_t s = 0; s < b->n_series; s++) {
        const struct bars_series *r = &b->series[s];
        double bar = bar_width(b), left = x + bar * ((double)s - (double)b->n_series / 2);

        if (isnan(r->value[i]))
            continue;
        draw_bar(canvas, a, left, bar, r->value[i], look_of(b, s, r->value[i]));
        if (b->labels)
            draw_label(canvas, a, left + bar / 2, r->value[i]);
        if (!isnan(r->low[i]) && !isnan(r->high[i]))
            draw_interval(canvas, a, left + bar / 2, r->low[i], r->high[i]);
    }
}

static void draw_name(struct canvas *canvas, const char *name, double x, double y)
{
    char *first;
    const char *second = split_name(name, &first);

    canvas_text(canvas, x, y + 14, NAME_TEXT, ALIGN_CENTRE, black, first);
    canvas_text(canvas, x, y + 27, NAME_TEXT, ALIGN_CENTRE, black, second);
    free(first);
}

/* Returns where the next swatch begins. */
static double draw_swatch(struct canvas *canvas, const struct look *look,
                          const char *name, double x, double y)
{
    canvas_hatched(canvas, x, y - SWATCH + 2, SWATCH, SWATCH, look->fill, look->hatch);
    canvas_text(canvas, x + SWATCH + 5, y, NAME_TEXT, ALIGN_LEFT, black, name);
    return x + 34 + canvas_length(canvas, NAME_TEXT, name);
}

static void draw_legend(struct canvas *canvas, const struct bars *b, double x, double y)
{
    for (size_t s = 0; s < b->n_series && b->more == NULL; s++)
        x = draw_swatch(canvas, &series_look[s], b->series[s].name, x, y);
    if (b->more != NULL) {
        x = draw_swatch(canvas, look_of(b, 0, 1), b->more, x, y);
        x = draw_swatch(canvas, look_of(b, 0, -1), b->less, x, y);
    }
    if (b->line_name == NULL)
        return;
    canvas_dashes(canvas, x, y - 4, x + 22, y - 4, 1.2, black);
    canvas_text(canvas, x + 27, y, NAME_TEXT, ALIGN_LEFT, black, b->line_name);
}

void bars_draw(struct canvas *canvas, const struct bars *b, const struct font *font,
               double x, double y)
{
    struct axis a = find_axis(b, y);
    double left = x + LEFT, right = x + bars_width(b, font) - RIGHT;
    double apart = group_width(b, font);

    axis_draw(&a, canvas, left, right, x + 12, b->y_title);
    canvas_line(canvas, left, axis_at(&a, 0), right, axis_at(&a, 0), .8, black);
    canvas_text(canvas, (left + right) / 2, y + 14, AXIS_TEXT + 1, ALIGN_CENTRE, black,
                b->title);
    for (size_t i = 0; i < b->n_groups; i++) {
        double middle = left + apart * ((double)i + .5);

        draw_group(canvas, b, &a, i, middle);
        draw_name(canvas, b->group[i], middle, a.bottom);
    }
    if (b->line_name != NULL)
        canvas_dashes(canvas, left, axis_at(&a, b->line), right, axis_at(&a, b->line),
                      1.2, black);
    draw_legend(canvas, b, left, y + BARS_HEIGHT - 10);
}
