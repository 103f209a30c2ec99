/*
 * pattern - a GIMP pattern file as a grey relief that repeats in both directions.
 */
#ifndef IMAGE_PATTERN_H
#define IMAGE_PATTERN_H

#include "larder/error.h"

struct pattern {
    int width, height;
    double *value; /* height * width */
};

/* Reads the luminance, 0 to 1, of a .pat file, grey or RGB. E_INPUT when it is none. */
int pattern_read(struct pattern *p, const char *path, struct error *err);
void pattern_release(struct pattern *p);

/* Turns luminance into relief: what lies between the Gaussians of 0.4 and 4 times shrink,
 * clipped, of unit standard deviation. The pattern is a torus. E_INPUT when it is flat.
 */
int pattern_prepare(struct pattern *p, double shrink, struct error *err);

/* The value at any point, bilinear between the centres of pixels (which lie at whole
 * numbers), wrapped around. */
double pattern_at(const struct pattern *p, double x, double y);

#endif
