/*
 * rank - order instead of value: ranks with ties, and Spearman's correlation.
 */
#ifndef TABLE_RANK_H
#define TABLE_RANK_H

#include <stddef.h>

/* rank[i] is the place of x[i] among the n values, from 1; equal values share the mean of
 * their places. */
void rank_average(const float *x, size_t n, double *rank);

/* Pearson's correlation of the ranks of two lists, -1..1; 0 when a list is constant. (The
 * short form with squared rank differences is wrong where values are equal.) */
double rank_spearman(const float *a, const float *b, size_t n);

/* Pearson's correlation; 0 when a list is constant. */
double rank_pearson(const double *a, const double *b, size_t n);

#endif
