/*
 * filter - a filter of a network's first layer as a picture.
 */
#ifndef DRAW_FILTER_H
#define DRAW_FILTER_H

#include <stddef.h>
#include <stdint.h>

/* w is channels (1 or 3) x height x width; rgb gets height x width x 3 bytes: (w - min) /
 * (max - min) over all channels together; mid-grey where all weights are equal. */
void filter_picture(const float *w, long channels, long height, long width, uint8_t *rgb);

#endif
