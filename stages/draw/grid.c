#include "draw/grid.h"

#include <stdbool.h>

#include "larder/banned.h"

/* Distance of base lines, in text sizes. */
#define LEADING 1.25

static bool is_double(const struct grid *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->tile[i].below != NULL)
            return true;
    return false;
}

static double tile_width(const struct grid *g)
{
    return (double)g->width * g->enlarge;
}

static double captions_height(const struct grid *g)
{
    return g->captions * g->text * LEADING + (g->captions > 0 ? g->text * 0.3 : 0);
}

static double tile_height(const struct grid *g)
{
    double one = (double)g->height * g->enlarge;

    return captions_height(g) + one + (is_double(g) ? g->gap + one : 0);
}

/* Rows of a grid with captions stand further apart, or a caption would seem to belong to
 * the picture above it. */
static double row_gap(const struct grid *g)
{
    return g->captions > 0 ? g->gap + g->text * 0.7 : g->gap;
}

double grid_width(const struct grid *g)
{
    size_t columns = g->n < (size_t)g->columns ? g->n : (size_t)g->columns;

    return columns == 0 ? 0 : (double)columns * (tile_width(g) + g->gap) - g->gap;
}

double grid_height(const struct grid *g)
{
    size_t rows = (g->n + (size_t)g->columns - 1) / (size_t)g->columns;

    return rows == 0 ? 0 : (double)rows * (tile_height(g) + row_gap(g)) - row_gap(g);
}

double grid_picture_top(const struct grid *g, size_t i)
{
    return (double)(i / (size_t)g->columns) * (tile_height(g) + row_gap(g)) +
           captions_height(g);
}

static void draw_tile(const struct grid *g, const struct tile *t, struct canvas *c,
                      double x, double y)
{
    const struct colour black = { 0, 0, 0 };

    for (int i = 0; i < g->captions; i++)
        if (t->caption[i] != NULL)
            canvas_text(c, x + tile_width(g) / 2, y + g->text * (LEADING * i + 1),
                        g->text, ALIGN_CENTRE, black, t->caption[i]);
    y += captions_height(g);
    canvas_picture(c, x, y, t->rgb, g->width, g->height, g->enlarge);
    if (t->below != NULL)
        canvas_picture(c, x, y + (double)g->height * g->enlarge + g->gap, t->below,
                       g->width, g->height, g->enlarge);
}

void grid_draw(const struct grid *g, struct canvas *c, double x, double y)
{
    for (size_t i = 0; i < g->n; i++) {
        size_t row = i / (size_t)g->columns, column = i % (size_t)g->columns;

        draw_tile(g, &g->tile[i], c, x + (double)column * (tile_width(g) + g->gap),
                  y + (double)row * (tile_height(g) + row_gap(g)));
    }
}
