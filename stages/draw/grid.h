/*
 * grid - tiles in rows, each with lines of caption above it.
 */
#ifndef DRAW_GRID_H
#define DRAW_GRID_H

#include <stddef.h>

#include "draw/canvas.h"

enum { TILE_CAPTIONS = 2 };

/* A picture on top of another, or one alone. Everything is borrowed. */
struct tile {
    const uint8_t *rgb, *below;         /* below: NULL, or of the same size */
    const char *caption[TILE_CAPTIONS]; /* lines above; NULL: an empty one */
};

struct grid {
    const struct tile *tile;
    size_t n;
    int width, height; /* of every picture, in its own pixels */
    int columns, enlarge;
    double gap;   /* between tiles */
    int captions; /* lines of caption above each tile, 0..TILE_CAPTIONS */
    double text;  /* their size */
};

double grid_width(const struct grid *g);
double grid_height(const struct grid *g);
/* Where the picture of tile i begins, below the grid's top, its captions being above it.
 */
double grid_picture_top(const struct grid *g, size_t i);
void grid_draw(const struct grid *g, struct canvas *c, double x, double y);

#endif
