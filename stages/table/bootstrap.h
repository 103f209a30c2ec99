/*
 * bootstrap - how far another draw of pictures could move a mean over several sets made
 * from the same pictures: pictures, not answers, are drawn again (Efron 1979).
 *
 * 2,000 draws by counter (docs/draws.md: stage `bootstrap`, item the number of pictures,
 * the draw as stream, the place as index), so that all cells of a table see the same
 * ones.
 */
#ifndef TABLE_BOOTSTRAP_H
#define TABLE_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "table/share.h"

/* How often each of n pictures is in each draw. All-zero is empty. */
struct bootstrap {
    size_t n;
    uint16_t *count;
};

void bootstrap_open(struct bootstrap *b, size_t n);
void bootstrap_close(struct bootstrap *b);
/* The middle 95 % of the means of v[0..n-1]. */
struct interval bootstrap_interval(const struct bootstrap *b, const double *v);
/* The same of any number that follows from how often each picture counts. */
struct interval bootstrap_of(const struct bootstrap *b,
                             double (*number)(void *context, const uint16_t *count),
                             void *context);
/* Of v, the differences of two networks: twice the smaller part of the draws whose mean
 * is on one side of 0; at least one in all draws, at most 1. */
double bootstrap_p(const struct bootstrap *b, const double *v);

#endif
