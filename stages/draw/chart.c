#include "draw/chart.h"

#include <math.h>

#include "draw/axis.h"

#include "larder/banned.h"

#define LEFT 52.0 /* of the y axis */
#define TOP 24.0
#define BELOW 58.0 /* for names of places and series */
#define PLACE 30.0 /* between places */
#define MARK 7.0

static const struct colour black = { 0, 0, 0 };

double chart_width(const struct chart *c)
{
    return LEFT + PLACE * (double)c->n_places + 14;
}

static struct axis find_axis(const struct chart *c, double y)
{
    struct axis a = { .top = y + TOP, .bottom = y + CHART_HEIGHT - BELOW };
    double low = 0, high = 0;

    for (size_t s = 0; s < c->n_series; s++)
        for (size_t i = 0; i < c->n_places; i++) {
            low = fmin(low, c->series[s].y[i]); /* fmin passes over NAN */
            high = fmax(high, c->series[s].y[i]);
        }
    axis_fit(&a, low, high);
    return a;
}

static void draw_axes(struct canvas *canvas, const struct chart *c, const struct axis *a,
                      double x, double y)
{
    double right = x + LEFT + PLACE * (double)c->n_places;

    axis_draw(a, canvas, x + LEFT, right, x + 12, c->y_title);
    canvas_text(canvas, (x + LEFT + right) / 2, y + 14, AXIS_TEXT + 1, ALIGN_CENTRE,
                black, c->title);
    for (size_t i = 0; i < c->n_places; i++)
        canvas_upright(canvas, x + LEFT + PLACE * ((double)i + .5) + 4, a->bottom + 6,
                       AXIS_TEXT - 1, ALIGN_RIGHT, black, c->place[i]);
}

static void draw_series(struct canvas *canvas, const struct chart *c,
                        const struct axis *a, size_t s, double x)
{
    const double *v = c->series[s].y;

    for (size_t i = 1; i < c->n_places; i++)
        if (!isnan(v[i - 1]) && !isnan(v[i]))
            canvas_dashes(canvas, x + LEFT + PLACE * ((double)i - .5),
                          axis_at(a, v[i - 1]), x + LEFT + PLACE * ((double)i + .5),
                          axis_at(a, v[i]), 1.2, series_look[s].line);
    for (size_t i = 0; i < c->n_places; i++)
        if (!isnan(v[i]))
            canvas_mark(canvas, x + LEFT + PLACE * ((double)i + .5), axis_at(a, v[i]),
                        MARK, series_look[s].mark, series_look[s].fill);
}

void chart_draw(struct canvas *canvas, const struct chart *c, double x, double y)
{
    struct axis a = find_axis(c, y);
    double at = x + LEFT;

    draw_axes(canvas, c, &a, x, y);
    for (size_t s = 0; s < c->n_series; s++) {
        draw_series(canvas, c, &a, s, x);
        canvas_mark(canvas, at + 4, y + CHART_HEIGHT - 8, MARK, series_look[s].mark,
                    series_look[s].fill);
        canvas_text(canvas, at + 12, y + CHART_HEIGHT - 4, AXIS_TEXT - 1, ALIGN_LEFT,
                    black, c->series[s].name);
        at += 26 + canvas_length(canvas, AXIS_TEXT - 1, c->series[s].name);
    }
}
