/*
 * trace - a picture in black and white, its outlines traced: what the paper makes by
 * `convert | potrace --svg | rsvg-convert` (section 3.2.2, Figure 1f), in one process by
 * libpotrace and cairo. The coverage is that of the three programs, bit for bit
 * (potrace 1.16, librsvg 2.54).
 *
 * This library is under the GPL by linking libpotrace (GPL-2+): no program that may open
 * CUDA's libraries links it.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <stdbool.h>

#include "image/image.h"
#include "larder/buf.h"

struct tracing {
    double dpi;      /* a pixel of the picture is a point, of which 72 are an inch */
    bool round_up;   /* sides in pixels: up, as librsvg since 2.52, or to the nearest */
    struct buf *svg; /* NULL, or where the drawing is appended */
};

/* *to is new: grey, black on white, of from's sides times dpi / 72. A pixel is black if
 * red + green + blue is below 382.5, as potrace reads a bitmap. */
int trace(struct image *to, const struct image *from, const struct tracing *t,
          struct error *err);

#endif
