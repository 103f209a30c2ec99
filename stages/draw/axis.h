/*
 * axis - the upright axis of a panel: a range of values in whole steps, with a line
 * across and a number at each.
 */
#ifndef DRAW_AXIS_H
#define DRAW_AXIS_H

#include "draw/canvas.h"

struct axis {
    double low, high, step; /* values; step as axis_step() has it */
    double top, bottom;     /* where high and low lie on the canvas */
};

/* The steps of an axis that ends at `most` or above: 1, 2 or 5 times a power of ten, of
 * which there are at most six. */
double axis_step(double most);
/* Sets low, high and step so that both values, and 0, are within. */
void axis_fit(struct axis *a, double low, double high);
/* Where a value lies. */
double axis_at(const struct axis *a, double value);
/* Draws it from x = left, with its lines up to x = right and its title at x = title_at.
 */
void axis_draw(const struct axis *a, struct canvas *canvas, double left, double right,
               double title_at, const char *title);

#define AXIS_TEXT 11.0

#endif
