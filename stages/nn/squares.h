/*
 * squares - sums of squares in double, in an order that is the same for vectors of any
 * width: SQUARES sums side by side, then those in turn.
 */
#ifndef NN_SQUARES_H
#define NN_SQUARES_H

#include <stddef.h>

enum { SQUARES = 16 };

/* Adds the square of x[i] to sum[i % SQUARES]. */
void squares_add(double sum[SQUARES], const float *x, size_t n);
double squares_total(const double sum[SQUARES]);
double squares_sum(const float *x, size_t n);

#endif
