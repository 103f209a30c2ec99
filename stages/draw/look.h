/*
 * look - how the series of a chart look: each has a colour, a mark and a hatch, so that
 * they are told apart in black and white, too.
 */
#ifndef DRAW_LOOK_H
#define DRAW_LOOK_H

#include "draw/canvas.h"

struct look {
    enum canvas_mark mark;
    enum canvas_hatch hatch;
    struct colour fill, line; /* line: darker where the fill is faint */
};

enum { LOOKS = 4 };
extern const struct look series_look[LOOKS];

#endif
