/*
 * scatter - a square panel of points: two values of each, on axes that share one range
 * from 0 on, with the line where they are equal.
 */
#ifndef DRAW_SCATTER_H
#define DRAW_SCATTER_H

#include <stddef.h>

#include "draw/canvas.h"
#include "draw/look.h"

struct scatter_series {
    const char *name;
    const double *x, *y;
    size_t n;
};

struct scatter {
    const char *title, *x_title, *y_title;
    const struct scatter_series *series;
    size_t n_series; /* at most LOOKS */
};

#define SCATTER_WIDTH 280.0
#define SCATTER_HEIGHT 296.0
/* Draws the panel with its upper left corner at (x, y). Values are 0 or more. */
void scatter_draw(struct canvas *canvas, const struct scatter *s, double x, double y);

#endif
