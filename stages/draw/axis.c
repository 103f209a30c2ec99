#include "draw/axis.h"

#include <math.h>
#include <stdio.h>

#include "larder/banned.h"

double axis_step(double most)
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

void axis_fit(struct axis *a, double low, double high)
{
    low = fmin(low, 0);
    high = fmax(high, 0);
    if (high <= low)
        high = low + 1;
    a->step = axis_step(high - low);
    a->low = a->step * floor(low / a->step);
    a->high = a->step * ceil(high / a->step);
}

double axis_at(const struct axis *a, double value)
{
    return a->top + (a->bottom - a->top) * (a->high - value) / (a->high - a->low);
}

void axis_draw(const struct axis *a, struct canvas *canvas, double left, double right,
               double title_at, const char *title)
{
    static const struct colour black = { 0, 0, 0 }, grey = { .85, .85, .85 };
    int steps = (int)floor((a->high - a->low) / a->step + .5);
    char text[24];

    for (int i = 0; i <= steps; i++) {
        double v = a->low + i * a->step, at = axis_at(a, v);

        canvas_line(canvas, left, at, right, at, .6, grey);
        snprintf(text, sizeof text, "%.6g", fabs(v) < a->step / 2 ? 0 : v);
        canvas_text(canvas, left - 5, at + 4, AXIS_TEXT, ALIGN_RIGHT, black, text);
    }
    canvas_line(canvas, left, a->top, left, a->bottom, .8, black);
    canvas_line(canvas, left, a->bottom, right, a->bottom, .8, black);
    canvas_upright(canvas, title_at, (a->bottom + a->top) / 2, AXIS_TEXT, ALIGN_CENTRE,
                   black, title);
}
