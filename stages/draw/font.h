/*
 * font - one font file, by its path.
 *
 * By path and not by family name, so that every lab draws with the same outlines;
 * unhinted, so that widths do not depend on the size in pixels.
 */
#ifndef DRAW_FONT_H
#define DRAW_FONT_H

#include "larder/error.h"

struct font;

/* *font is new: font_close(). E_INPUT when the file is no font. */
int font_open(struct font **font, const char *path, struct error *err);
void font_close(struct font *font); /* NULL is fine */

/* The width of a UTF-8 text at a size in pixels. */
double font_width(const struct font *font, double size, const char *text);

/* For canvas.c: makes it the font of a drawing (a cairo_t). */
void font_use(const struct font *font, void *drawing);

#endif
