/*
 * share - k of n: its interval, and the test of two shares of the same pictures.
 *
 * The intervals say how far another draw of pictures could move a number. None of them
 * covers training the network again.
 */
#ifndef TABLE_SHARE_H
#define TABLE_SHARE_H

struct interval {
    double low, high; /* fractions, 0..1 */
};

/* The 95 % score interval of k of n (Wilson 1927); 0..1 when n is 0. */
struct interval share_wilson(long k, long n);

/* McNemar's test of two answers to the same questions, mid-p, two-sided: the one was
 * right alone only_a times, the other only_b times. Twice the smaller tail of
 * Binomial(only_a + only_b, 1/2), counting half of the outcome itself. 1 when the two
 * never differ. */
double share_mcnemar(long only_a, long only_b);

#endif
