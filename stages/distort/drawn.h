/*
 * drawn - the draws of kit/draws.h, many at a time: those of consecutive indices from
 * `from` on.
 */
#ifndef DISTORT_DRAWN_H
#define DISTORT_DRAWN_H

#include <stddef.h>
#include <stdint.h>

#include "kit/draws.h"

/* v[i] = draws_ua(d, stream, from + i), bit for bit. */
void drawn_ua(const struct draws *d, uint32_t stream, uint64_t from, size_t n, double *v);
/* The same, and w[i] = draws_ub(). */
void drawn_both(const struct draws *d, uint32_t stream, uint64_t from, size_t n,
                double *v, double *w);
/* draws_normal() but for the last bits: its logarithm and cosine are worked out here, so
 * that they are the same with every libm. */
void drawn_normal(const struct draws *d, uint32_t stream, uint64_t from, size_t n,
                  double *v);

#endif
