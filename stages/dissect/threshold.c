#include "dissect/threshold.h"

#include <math.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

#define QUANTILE (994. / 999)

/* A number that sorts as the float does. */
static uint32_t rank_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float value_of(uint32_t rank)
{
    uint32_t bits = rank & 0x80000000u ? rank & 0x7fffffffu : ~rank;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t upper_of(uint32_t rank)
{
    return rank >> 16;
}

void threshold_open(struct threshold *t)
{
    *t = (struct threshold){ .most = -INFINITY };
    t->upper = xcalloc(THRESHOLD_BINS, sizeof *t->upper);
}

void threshold_close(struct threshold *t)
{
    free(t->upper);
    free(t->lower[0]);
    free(t->lower[1]);
    *t = (struct threshold){ 0 };
}

void threshold_count(struct threshold *t, const float *v, int n, int stride)
{
    for (int i = 0; i < n; i++) {
        float x = v[(long)i * stride];

        t->most = x > t->most ? x : t->most;
        if (x == 0)
            t->zeros++;
        else
            t->upper[upper_of(rank_of(x))]++;
    }
    t->n += (uint64_t)n;
}

/* The places of the sorted list between which the threshold lies, and how far. */
static double place_of(uint64_t n, uint64_t place[2])
{
    double at = fmin(fmax(QUANTILE * (double)n - 0.5, 0), (double)(n - 1));

    place[0] = (uint64_t)at;
    place[1] = place[0] + 1 < n ? place[0] + 1 : place[0];
    return at - (double)place[0];
}

void threshold_turn(struct threshold *t)
{
    uint64_t place[2];

    /* -0.0 is equal to 0 and was counted so. */
    t->upper[upper_of(rank_of(0))] += (uint32_t)t->zeros;
    place_of(t->n, place);
    for (int k = 0; k < 2; k++) {
        uint64_t before = 0;
        uint32_t bin = 0;

        while (before + t->upper[bin] <= place[k])
            before += t->upper[bin++];
        t->bin[k] = bin;
        t->before[k] = before;
    }
    t->n_lower = t->bin[0] == t->bin[1] ? 1 : 2;
    for (int k = 0; k < t->n_lower; k++)
        t->lower[k] = xcalloc(THRESHOLD_BINS, sizeof *t->lower[k]);
    free(t->upper);
    t->upper = NULL;
    t->zeros = 0;
}

void threshold_refine(struct threshold *t, const float *v, int n, int stride)
{
    for (int i = 0; i < n; i++) {
        float x = v[(long)i * stride];
        uint32_t rank;

        if (x == 0) {
            t->zeros++;
            continue;
        }
        rank = rank_of(x);
        for (int k = 0; k < t->n_lower; k++)
            if (upper_of(rank) == t->bin[k])
                t->lower[k][rank & 0xffff]++;
    }
}

double threshold_value(const struct threshold *t)
{
    uint64_t place[2];
    double between = place_of(t->n, place), x[2];

    for (int k = 0; k < 2; k++) {
        const uint32_t *lower = t->lower[k < t->n_lower ? k : 0];
        uint64_t before = t->before[k];
        uint32_t low = 0, zero = rank_of(0);

        for (;; low++) {
            uint64_t here = lower[low];

            if (t->bin[k] == upper_of(zero) && low == (zero & 0xffff))
                here += t->zeros;
            if (before + here > place[k])
                break;
            before += here;
        }
        x[k] = (double)value_of(t->bin[k] << 16 | low);
    }
    return x[0] + between * (x[1] - x[0]);
}
