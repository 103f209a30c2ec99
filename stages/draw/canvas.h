/*
 * canvas - a figure being drawn: to a PNG or an SVG file, the same bytes each time.
 *
 * Units are pixels of the figure, y downwards. A PNG has `scale` times as many pixels
 * each way. Nothing reaches the file before canvas_close().
 */
#ifndef DRAW_CANVAS_H
#define DRAW_CANVAS_H

#include <stdint.h>

#include "draw/font.h"

enum canvas_format { CANVAS_PNG, CANVAS_SVG };
enum canvas_mark { MARK_CIRCLE, MARK_TRIANGLE, MARK_SQUARE, MARK_DIAMOND, MARKS };
enum canvas_hatch { HATCH_NONE, HATCH_RISING, HATCH_CROSSED, HATCH_LEVEL };
enum canvas_align { ALIGN_LEFT, ALIGN_CENTRE, ALIGN_RIGHT };

struct colour {
    double r, g, b; /* 0..1 */
};

struct canvas;

/* Of an option whose words are png and svg. */
enum canvas_format canvas_format_of(const char *word);

/* *canvas is new: canvas_close(). path and font are borrowed until then. The ground is
 * white. */
int canvas_open(struct canvas **canvas, const char *path, enum canvas_format format,
                double width, double height, int scale, const struct font *font,
                struct error *err);
/* Writes the file, unless err already tells of a failure (rc < 0), and frees the canvas.
 * Returns rc, or the failure of the writing. NULL is fine. */
int canvas_close(struct canvas *canvas, int rc, struct error *err);

void canvas_rect(struct canvas *c, double x, double y, double width, double height,
                 struct colour colour);
void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1,
                 double width, struct colour colour);
/* A line of dashes. */
void canvas_dashes(struct canvas *c, double x0, double y0, double x1, double y1,
                   double width, struct colour colour);
/* A filled rectangle with a black outline, and with lines over the colour. */
void canvas_hatched(struct canvas *c, double x, double y, double width, double height,
                    struct colour colour, enum canvas_hatch hatch);
/* A filled mark of about that size with a black outline, its middle at (x, y). */
void canvas_mark(struct canvas *c, double x, double y, double size, enum canvas_mark mark,
                 struct colour colour);
/* UTF-8 text with its base line at y. */
void canvas_text(struct canvas *c, double x, double y, double size,
                 enum canvas_align align, struct colour colour, const char *text);
/* The same, read from below to above; x is that of its base line. */
void canvas_upright(struct canvas *c, double x, double y, double size,
                    enum canvas_align align, struct colour colour, const char *text);
/* How far a text goes. */
double canvas_length(struct canvas *c, double size, const char *text);
/* A picture, height x width x 3 bytes; each of its pixels becomes a square of side
 * `enlarge`, without smoothing. */
void canvas_picture(struct canvas *c, double x, double y, const uint8_t *rgb, int width,
                    int height, int enlarge);

#endif
