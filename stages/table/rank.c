#include "table/rank.h"

#include <math.h>

#include "larder/mem.h"

#include "larder/banned.h"

struct placed {
    float x;
    size_t i;
};

static int by_value(const void *pa, const void *pb)
{
    const struct placed *a = pa, *b = pb;

    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    return (a->i > b->i) - (a->i < b->i);
}

void rank_average(const float *x, size_t n, double *rank)
{
    struct placed *order = xcalloc(n, sizeof *order);

    for (size_t i = 0; i < n; i++)
        order[i] = (struct placed){ x[i], i };
    qsort(order, n, sizeof *order, by_value);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && !(order[to].x > order[from].x);)
            to++;
        for (size_t i = from; i < to; i++)
            rank[order[i].i] = ((double)from + 1 + (double)to) / 2;
    }
    free(order);
}

double rank_pearson(const double *a, const double *b, size_t n)
{
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;

    for (size_t i = 0; i < n; i++) {
        ma += a[i];
        mb += b[i];
    }
    ma /= (double)n;
    mb /= (double)n;
    for (size_t i = 0; i < n; i++) {
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
        ab += (a[i] - ma) * (b[i] - mb);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

double rank_spearman(const float *a, const float *b, size_t n)
{
    double *ra = xcalloc(2 * n, sizeof *ra), *rb = ra + n, rho;

    rank_average(a, n, ra);
    rank_average(b, n, rb);
    rho = rank_pearson(ra, rb, n);
    free(ra);
    return rho;
}
