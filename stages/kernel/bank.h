/*
 * bank - what the filters of a first layer are like together: how coloured, how diverse.
 */
#ifndef KERNEL_BANK_H
#define KERNEL_BANK_H

#include "kernel/kernel.h"

/* How coloured a filter is, 0..1: the root of the share of its squared weights that is
 * left when from each place the mean over the colours is taken away. 0 for a filter that
 * sees grey alone, or nothing. */
double bank_chroma(const struct kernel *k, long filter);

/* The effective rank of the filters (Roy and Vetterli 2007): exp of the entropy of their
 * singular values, each divided by their sum; from 1 (all are multiples of one) to the
 * smaller of the numbers of filters and of weights. Filters are first brought to unit
 * length, so that it is their directions that count; those of length 0 are left out. */
double bank_rank(const struct kernel *k);

#endif
