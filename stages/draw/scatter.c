#include "draw/scatter.h"

#include <math.h>
#include <stdio.h>

#include "draw/axis.h"

#include "larder/banned.h"

#define LEFT 58.0 /* of the y axis */
#define TOP 24.0
#define SIDE 208.0 /* of the square */
#define MARK 5.0

static const struct colour black = { 0, 0, 0 };

static struct axis find_axis(const struct scatter *s, double y)
{
    struct axis a = { .top = y + TOP, .bottom = y + TOP + SIDE };
    double most = 0;

    for (size_t k = 0; k < s->n_series; k++)
        for (size_t i = 0; i < s->series[k].n; i++)
            most = fmax(most, fmax(s->series[k].x[i], s->series[k].y[i]));
    axis_fit(&a, 0, most);
    return a;
}

/* Where a value lies on the other axis, which begins at x. */
static double across(const struct axis *a, double value, double x)
{
    return x + SIDE * (value - a->low) / (a->high - a->low);
}

static void draw_axes(struct canvas *canvas, const struct scatter *s,
                      const struct axis *a, double x, double y)
{
    double left = x + LEFT, right = left + SIDE;
    int steps = (int)floor((a->high - a->low) / a->step + .5);
    char text[24];

    axis_draw(a, canvas, left, right, x + 12, s->y_title);
    for (int i = 0; i <= steps; i++) {
        double v = a->low + i * a->step;

        snprintf(text, sizeof text, "%.6g", v);
        canvas_text(canvas, across(a, v, left), a->bottom + 15, AXIS_TEXT, ALIGN_CENTRE,
                    black, text);
    }
    canvas_text(canvas, left + SIDE / 2, a->bottom + 31, AXIS_TEXT, ALIGN_CENTRE, black,
                s->x_title);
    canvas_text(canvas, left + SIDE / 2, y + 14, AXIS_TEXT + 1, ALIGN_CENTRE, black,
                s->title);
    canvas_line(canvas, left, a->bottom, right, a->top, .8, black);
}

void scatter_draw(struct canvas *canvas, const struct scatter *s, double x, double y)
{
    struct axis a = find_axis(s, y);
    double at = x + LEFT, below = y + SCATTER_HEIGHT - 14;

    draw_axes(canvas, s, &a, x, y);
    for (size_t k = 0; k < s->n_series; k++) {
        const struct scatter_series *v = &s->series[k];
        const struct look *look = &series_look[k];

        for (size_t i = 0; i < v->n; i++)
            canvas_mark(canvas, across(&a, v->x[i], x + LEFT), axis_at(&a, v->y[i]), MARK,
                        look->mark, look->fill);
        canvas_mark(canvas, at + 4, below, MARK + 2, look->mark, look->fill);
        canvas_text(canvas, at + 12, below + 4, AXIS_TEXT - 1, ALIGN_LEFT, black,
                    v->name);
        at += 26 + canvas_length(canvas, AXIS_TEXT - 1, v->name);
    }
}
