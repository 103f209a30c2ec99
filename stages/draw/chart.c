#include "draw/chart.h"

#include <math.h>
#include <stdio.h>

#include "larder/banned.h"

#define TEXT 11.0
#define LEFT 52.0 /* of the y axis */
#define TOP 24.0
#define BELOW 58.0 /* for names of places and series */
#define PLACE 30.0 /* between places */
#define MARK 7.0

static const struct colour black = { 0, 0, 0 }, grey = { .85, .85, .85 };

/* Of the marks, and of the dashes that join them: the two ends of ColorBrewer's Set3 and
 * what lies between; the yellow is darker where it is thin. */
static const struct style {
    enum canvas_mark mark;
    struct colour fill, line;
} style[CHART_SERIES] = {
    { MARK_CIRCLE, { .553, .827, .780 }, { .25, .58, .53 } },
    { MARK_SQUARE, { .745, .729, .855 }, { .45, .42, .62 } },
    { MARK_TRIANGLE, { 1, .929, .435 }, { .808, .702, .004 } },
    { MARK_DIAMOND, { .984, .502, .447 }, { .75, .27, .22 } },
};

double chart_step(double most)
{
    double power = pow(10, floor(log10(most > 0 ? most : 1)) - 1);

    for (;;)
        for (int i = 0; i < 3; i++) {
            static const double factor[] = { 1, 2, 5 };

            if (most <= 6 * factor[i] * power)
                return factor[i] * power;
            if (i == 2)
                power *= 10;
        }
}

double chart_width(const struct chart *c)
{
    return LEFT + PLACE * (double)c->n_places + 14;
}

/* The range of the y axis: whole steps. */
struct range {
    double low, high, step;
};

static struct range find_range(const struct chart *c)
{
    struct range r = { 0, 0, 1 };

    for (size_t s = 0; s < c->n_series; s++)
        for (size_t i = 0; i < c->n_places; i++) {
            double v = c->series[s].y[i];

            if (isnan(v))
                continue;
            r.low = fmin(r.low, v);
            r.high = fmax(r.high, v);
        }
    if (r.high <= r.low)
        r.high = r.low + 1;
    r.step = chart_step(r.high - r.low);
    r.low = r.step * floor(r.low / r.step);
    r.high = r.step * ceil(r.high / r.step);
    return r;
}

static double height_of(const struct range *r, double v, double y)
{
    double plot = CHART_HEIGHT - TOP - BELOW;

    return y + TOP + plot * (r->high - v) / (r->high - r->low);
}

static void draw_axes(struct canvas *canvas, const struct chart *c, const struct range *r,
                      double x, double y)
{
    double right = x + LEFT + PLACE * (double)c->n_places;
    int steps = (int)floor((r->high - r->low) / r->step + .5);
    char text[24];

    for (int i = 0; i <= steps; i++) {
        double v = r->low + i * r->step, at = height_of(r, v, y);

        canvas_line(canvas, x + LEFT, at, right, at, .6, grey);
        snprintf(text, sizeof text, "%.6g", fabs(v) < r->step / 2 ? 0 : v);
        canvas_text(canvas, x + LEFT - 5, at + 4, TEXT, ALIGN_RIGHT, black, text);
    }
    canvas_line(canvas, x + LEFT, height_of(r, r->high, y), x + LEFT,
                height_of(r, r->low, y), .8, black);
    canvas_line(canvas, x + LEFT, height_of(r, r->low, y), right, height_of(r, r->low, y),
                .8, black);
    canvas_text(canvas, (x + LEFT + right) / 2, y + 14, TEXT + 1, ALIGN_CENTRE, black,
                c->title);
    canvas_upright(canvas, x + 12,
                   (height_of(r, r->low, y) + height_of(r, r->high, y)) / 2, TEXT,
                   ALIGN_CENTRE, black, c->y_title);
    for (size_t i = 0; i < c->n_places; i++)
        canvas_upright(canvas, x + LEFT + PLACE * ((double)i + .5) + 4,
                       height_of(r, r->low, y) + 6, TEXT - 1, ALIGN_RIGHT, black,
                       c->place[i]);
}

static void draw_series(struct canvas *canvas, const struct chart *c,
                        const struct range *r, size_t s, double x, double y)
{
    const double *v = c->series[s].y;
    const struct style *look = &style[s];

    for (size_t i = 1; i < c->n_places; i++)
        if (!isnan(v[i - 1]) && !isnan(v[i]))
            canvas_dashes(canvas, x + LEFT + PLACE * ((double)i - .5),
                          height_of(r, v[i - 1], y), x + LEFT + PLACE * ((double)i + .5),
                          height_of(r, v[i], y), 1.2, look->line);
    for (size_t i = 0; i < c->n_places; i++)
        if (!isnan(v[i]))
            canvas_mark(canvas, x + LEFT + PLACE * ((double)i + .5),
                        height_of(r, v[i], y), MARK, look->mark, look->fill);
}

void chart_draw(struct canvas *canvas, const struct chart *c, double x, double y)
{
    struct range r = find_range(c);
    double at = x + LEFT;

    draw_axes(canvas, c, &r, x, y);
    for (size_t s = 0; s < c->n_series; s++) {
        draw_series(canvas, c, &r, s, x, y);
        canvas_mark(canvas, at + 4, y + CHART_HEIGHT - 8, MARK, style[s].mark,
                    style[s].fill);
        canvas_text(canvas, at + 12, y + CHART_HEIGHT - 4, TEXT - 1, ALIGN_LEFT, black,
                    c->series[s].name);
        at += 26 + canvas_length(canvas, TEXT - 1, c->series[s].name);
    }
}
