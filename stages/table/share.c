#include "table/share.h"

#include <math.h>

#include "larder/banned.h"

/* The 0.975 quantile of the normal distribution. */
#define Z 1.959963984540054

struct interval share_wilson(long k, long n)
{
    struct interval i = { 0, 1 };
    double p, z2 = Z * Z, middle, half;

    if (n == 0)
        return i;
    p = (double)k / (double)n;
    middle = (p + z2 / (2.0 * (double)n)) / (1 + z2 / (double)n);
    half = Z / (1 + z2 / (double)n) *
           sqrt(p * (1 - p) / (double)n + z2 / (4.0 * (double)n * (double)n));
    /* At k = 0 and k = n the ends are 0 and 1; rounding must not cross them. */
    i.low = k == 0 ? 0 : fmax(0, middle - half);
    i.high = k == n ? 1 : fmin(1, middle + half);
    return i;
}

double share_mcnemar(long only_a, long only_b)
{
    long n = only_a + only_b, least = only_a < only_b ? only_a : only_b;
    double at, below = 0, each;

    if (only_a == only_b)
        return 1;
    /* The probability of exactly `least`, then downwards by the ratio of neighbours. */
    at = exp(lgamma((double)n + 1) - lgamma((double)least + 1) -
             lgamma((double)(n - least) + 1) - (double)n * log(2.0));
    each = at;
    for (long i = least; i > 0; i--) {
        each *= (double)i / (double)(n - i + 1);
        below += each;
    }
    return fmin(1, 2 * below + at);
}
