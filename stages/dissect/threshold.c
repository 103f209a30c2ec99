#include "dissect/threshold.h"

#include <math.h>
#include <stdbool.h>

#include "larder/mem.h"

#include "larder/banned.h"

#define QUANTILE (994. / 999)

/* The place of the sorted list below the threshold, and how far it is from it. */
static uint64_t place_of(uint64_t n, double *between)
{
    double at = fmin(fmax(QUANTILE * (double)n - 0.5, 0), (double)(n - 1));

    *between = at - (double)(uint64_t)at;
    return (uint64_t)at;
}

static size_t keep_of(uint64_t n)
{
    double between;

    return (size_t)(n - place_of(n, &between));
}

/* With an eighth more than is kept, each value is moved a few times in all. */
static size_t cap_of(size_t keep)
{
    return keep + keep / 8 + 64;
}

size_t threshold_room(uint64_t n)
{
    return cap_of(keep_of(n)) * sizeof(float);
}

void threshold_open(struct threshold *t, uint64_t n)
{
    *t = (struct threshold){ .n = n, .keep = keep_of(n), .cut = -INFINITY };
    t->cap = cap_of(t->keep);
    t->value = xcalloc(t->cap, sizeof *t->value);
    mem_large(t->value, t->cap * sizeof *t->value);
}

void threshold_close(struct threshold *t)
{
    free(t->value);
    *t = (struct threshold){ 0 };
}

static void swap(float *v, size_t a, size_t b)
{
    float x = v[a];

    v[a] = v[b];
    v[b] = x;
}

static float middle(float a, float b, float c)
{
    return fmaxf(fminf(a, b), fminf(fmaxf(a, b), c));
}

/* Moves the k largest of n values to the front and returns the least of them: quickselect
 * with the values equal to the pivot in the middle, since zeros are many. */
static float largest_first(float *v, size_t n, size_t k)
{
    size_t from = 0, to = n;

    for (;;) {
        float pivot = middle(v[from], v[from + (to - from) / 2], v[to - 1]);
        size_t above = from, below = to;

        for (size_t i = from; i < below;) {
            if (v[i] > pivot)
                swap(v, i++, above++);
            else if (v[i] < pivot)
                swap(v, i, --below);
            else
                i++;
        }
        if (k <= above)
            to = above;
        else if (k > below)
            from = below;
        else
            return pivot;
    }
}

/* Without negative zeros, so that equal values are the same. */
static void put(struct threshold *t, float x)
{
    t->value[t->have++] = x + 0.f;
    if (t->have < t->cap)
        return;
    t->cut = largest_first(t->value, t->have, t->keep);
    t->have = t->keep;
}

enum { LINE = 16 }; /* floats that a cache line has */

/* Nearly always none of them is above its cut. */
static bool any_above(const float *v, const float *cut)
{
    int above = 0;

    for (int k = 0; k < LINE; k++)
        above |= v[k] > cut[k];
    return above;
}

static void add_line(struct threshold *channel, int n, const float *v, int rows,
                     int stride)
{
    float cut[LINE];

    for (int k = 0; k < n; k++)
        cut[k] = channel[k].cut;
    for (int i = 0; i < rows; i++, v += stride) {
        if (n == LINE && !any_above(v, cut))
            continue;
        for (int k = 0; k < n; k++)
            if (v[k] > cut[k]) {
                put(&channel[k], v[k]);
                cut[k] = channel[k].cut;
            }
    }
}

void threshold_add(struct threshold *channel, int channels, const float *v, int rows,
                   int stride)
{
    for (int k = 0; k < channels; k += LINE)
        add_line(channel + k, channels - k < LINE ? channels - k : LINE, v + k, rows,
                 stride);
}

double threshold_value(struct threshold *t, float *most)
{
    size_t n = t->keep < t->have ? t->keep : t->have;
    double between, low, high;

    place_of(t->n, &between);
    if (n == 0)
        return (double)(*most = NAN); /* no value was a number */
    low = (double)largest_first(t->value, t->have, n);
    high = n > 1 ? (double)largest_first(t->value, n, n - 1) : low;
    *most = largest_first(t->value, n, 1);
    return low + between * (high - low);
}
