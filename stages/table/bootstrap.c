#include "table/bootstrap.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/draws.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { DRAWS = 2000, LOW = DRAWS / 40, HIGH = DRAWS - 1 - DRAWS / 40 };

void bootstrap_open(struct bootstrap *b, size_t n)
{
    struct draws d;
    char item[24];

    *b = (struct bootstrap){ .n = n, .count = xcalloc(DRAWS * n, sizeof *b->count) };
    snprintf(item, sizeof item, "%zu", n);
    draws_init(&d, "bootstrap", "", item, 0);
    for (uint32_t t = 0; t < DRAWS; t++)
        for (size_t i = 0; i < n; i++)
            b->count[t * n + draws_below(&d, t, i, n)]++;
}

void bootstrap_close(struct bootstrap *b)
{
    free(b->count);
    *b = (struct bootstrap){ 0 };
}

static double mean_of(const struct bootstrap *b, const double *v, size_t draw)
{
    const uint16_t *count = b->count + draw * b->n;
    double sum = 0;

    for (size_t i = 0; i < b->n; i++)
        sum += count[i] * v[i];
    return sum / (double)b->n;
}

static int by_value(const void *pa, const void *pb)
{
    const double *a = pa, *b = pb;

    return (*a > *b) - (*a < *b);
}

struct interval bootstrap_of(const struct bootstrap *b,
                             double (*number)(void *context, const uint16_t *count),
                             void *context)
{
    double value[DRAWS];

    for (size_t t = 0; t < DRAWS; t++)
        value[t] = number(context, b->count + t * b->n);
    qsort(value, DRAWS, sizeof *value, by_value);
    return (struct interval){ value[LOW], value[HIGH] };
}

struct interval bootstrap_interval(const struct bootstrap *b, const double *v)
{
    double mean[DRAWS];

    for (size_t t = 0; t < DRAWS; t++)
        mean[t] = mean_of(b, v, t);
    qsort(mean, DRAWS, sizeof *mean, by_value);
    return (struct interval){ mean[LOW], mean[HIGH] };
}

double bootstrap_p(const struct bootstrap *b, const double *v)
{
    int above = 0, below = 0, smaller;
    double p;

    for (size_t t = 0; t < DRAWS; t++) {
        double mean = mean_of(b, v, t);

        above += mean >= 0;
        below += mean <= 0;
    }
    smaller = above < below ? above : below;
    p = 2. * (smaller > 0 ? smaller : 1) / DRAWS;
    return p < 1 ? p : 1;
}
