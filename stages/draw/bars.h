/*
 * bars - a panel of grouped bars: in each group a bar of each series, from 0 to its
 * value.
 */
#ifndef DRAW_BARS_H
#define DRAW_BARS_H

#include <stdbool.h>
#include <stddef.h>

#include "draw/canvas.h"
#include "draw/look.h"

struct bars_series {
    const char *name;
    const double *value;      /* of each group; NAN: no bar */
    const double *low, *high; /* an interval round it; NAN: none */
};

struct bars {
    const char *title, *y_title;
    const char *const *group; /* names, broken at the first blank */
    size_t n_groups;
    const struct bars_series *series;
    size_t n_series;       /* at most LOOKS */
    double from, to;       /* ends of the value axis; equal: as the values need it */
    double line;           /* a value with a line of dashes across */
    const char *line_name; /* NULL: no line */
    bool labels;           /* each value stands at its bar */
    /* NULL, or of one series: what bars above 0 are called, and those below, which look
     * like the third and the first series then. */
    const char *more, *less;
};

#define BARS_HEIGHT 260.0
double bars_width(const struct bars *b, const struct font *font);
/* Draws the panel with its upper left corner at (x, y), as wide as bars_width() says. */
void bars_draw(struct canvas *canvas, const struct bars *b, const struct font *font,
               double x, double y);

#endif
