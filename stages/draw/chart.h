/*
 * chart - a panel with axes: values over named places, a series of marks joined by
 * dashes.
 *
 * Series differ by mark as well as by colour, so that a chart can be read in black and
 * white.
 */
#ifndef DRAW_CHART_H
#define DRAW_CHART_H

#include <stddef.h>

#include "draw/canvas.h"
#include "draw/look.h"

struct chart_series {
    const char *name;
    const double *y; /* of each place; NAN: none */
};

struct chart {
    const char *title, *y_title;
    const char *const *place; /* names along the x axis */
    size_t n_places;
    const struct chart_series *series;
    size_t n_series; /* at most CHART_SERIES */
};

enum { CHART_SERIES = LOOKS };

/* How wide a panel should be; all are CHART_HEIGHT high. */
double chart_width(const struct chart *c);
#define CHART_HEIGHT 230.0
/* Draws the panel with its upper left corner at (x, y). The y axis begins at 0, or below
 * the least negative value. */
void chart_draw(struct canvas *canvas, const struct chart *c, double x, double y);

#endif
