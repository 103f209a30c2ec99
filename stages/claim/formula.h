/*
 * formula - small sums over numbers that have intervals, and comparisons of them.
 *
 *   [table-2/Shape/AlexNet R] / [table-2/Shape/AlexNet S]
 *   mean([train@kind=R:clean where epoch=30]) < 80
 *
 * What stands in brackets is looked up by the caller and may be several numbers. + - * /
 * and < <= > >= = work number by number; one number beside several is used for each of
 * them. `and`, `or` and `not` join truths. Functions: mean, median, sum, min, max, first,
 * last, count (how many numbers), all and any (of truths), number (how many are true),
 * abs, rising and falling (is each next one greater, less?).
 *
 * Every number carries an interval, its own value alone where it has none; the interval
 * of a result holds all values that the numbers it was made of could have given (interval
 * arithmetic). So a comparison is a truth, 1 or 0, whose interval is 0..1 when the
 * intervals of its two sides overlap: it could be the other way round.
 */
#ifndef CLAIM_FORMULA_H
#define CLAIM_FORMULA_H

#include <stddef.h>

#include "larder/error.h"

struct number {
    double value, low, high;
};

/* All-zero is empty. */
struct numbers {
    struct number *v;
    size_t n, cap;
};

void numbers_add(struct numbers *l, struct number x);
void numbers_release(struct numbers *l);

enum { FORMULA_ABSENT = 1 };

/* Appends what a name in brackets stands for. FORMULA_ABSENT with the reason in *err when
 * there is no such thing here; negative for a name that is wrong. */
typedef int formula_lookup(void *self, const char *name, struct numbers *to,
                           struct error *err);

/* Fills an empty *result. Returns what the lookup returned when that is not 0;
 * FORMULA_ABSENT when the numbers found leave it without a value, as a division by 0 or a
 * mean of none; E_INPUT, with the place in the text, for what is no formula. */
int formula_value(struct numbers *result, const char *text, formula_lookup *lookup,
                  void *self, struct error *err);

#endif
