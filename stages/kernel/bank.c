#include "kernel/bank.h"

#include <math.h>

#include "larder/mem.h"

#include "larder/banned.h"

double bank_chroma(const struct kernel *k, long filter)
{
    const float *w = kernel_filter(k, filter);
    long places = k->height * k->width;
    double all = 0, coloured = 0;

    for (long i = 0; i < places; i++) {
        double mean = 0;

        for (long c = 0; c < k->channels; c++)
            mean += (double)w[c * places + i] / (double)k->channels;
        for (long c = 0; c < k->channels; c++) {
            double v = (double)w[c * places + i];

            all += v * v;
            coloured += (v - mean) * (v - mean);
        }
    }
    return all > 0 ? sqrt(coloured / all) : 0;
}

/* The inner products of the filters of unit length, n x n, new. */
static double *products(const struct kernel *k, long *n)
{
    double *length = xcalloc((size_t)k->filters, sizeof *length), *a;
    long *kept = xcalloc((size_t)k->filters, sizeof *kept);

    *n = 0;
    for (long i = 0; i < k->filters; i++) {
        const float *w = kernel_filter(k, i);

        for (long j = 0; j < k->size; j++)
            length[i] += (double)w[j] * (double)w[j];
        if (length[i] > 0)
            kept[(*n)++] = i;
    }
    a = xcalloc((size_t)(*n * *n) + 1, sizeof *a);
    for (long i = 0; i < *n; i++)
        for (long j = 0; j < *n; j++) {
            const float *u = kernel_filter(k, kept[i]), *v = kernel_filter(k, kept[j]);
            double sum = 0;

            for (long x = 0; x < k->size; x++)
                sum += (double)u[x] * (double)v[x];
            a[i * *n + j] = sum / sqrt(length[kept[i]] * length[kept[j]]);
        }
    free(kept);
    free(length);
    return a;
}

/* Turns rows and columns p and q of a symmetric matrix so that a[p][q] becomes 0. */
static void rotate(double *a, long n, long p, long q)
{
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;

    for (long i = 0; i < n; i++) {
        double x = a[i * n + p], y = a[i * n + q];

        a[i * n + p] = c * x - s * y;
        a[i * n + q] = s * x + c * y;
    }
    for (long i = 0; i < n; i++) {
        double x = a[p * n + i], y = a[q * n + i];

        a[p * n + i] = c * x - s * y;
        a[q * n + i] = s * x + c * y;
    }
}

/* The eigenvalues come to stand on the diagonal (Jacobi 1846). */
static void diagonalise(double *a, long n)
{
    enum { SWEEPS = 60 };

    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0;

        for (long p = 0; p < n; p++)
            for (long q = p + 1; q < n; q++) {
                off += a[p * n + q] * a[p * n + q];
                if (fabs(a[p * n + q]) > 1e-300)
                    rotate(a, n, p, q);
            }
        if (off < 1e-24)
            return;
    }
}

double bank_rank(const struct kernel *k)
{
    long n;
    double *a = products(k, &n), sum = 0, entropy = 0;

    diagonalise(a, n);
    for (long i = 0; i < n; i++) {
        a[i * n + i] = sqrt(fmax(a[i * n + i], 0));
        sum += a[i * n + i];
    }
    for (long i = 0; i < n && sum > 0; i++) {
        double share = a[i * n + i] / sum;

        entropy -= share > 0 ? share * log(share) : 0;
    }
    free(a);
    return n > 0 ? exp(entropy) : 0;
}
