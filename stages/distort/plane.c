#include "distort/plane.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "distort/simd.h"
#include "larder/mem.h"

#include "larder/banned.h"

int border_edge(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

int border_mirror(int i, int n)
{
    i = i < 0 ? -1 - i : i;
    i %= 2 * n;
    return i < n ? i : 2 * n - 1 - i;
}

int border_reflect(int i, int n)
{
    if (n == 1)
        return 0;
    i = abs(i) % (2 * n - 2);
    return i < n ? i : 2 * n - 2 - i;
}

static double *gaussian_weights(double sigma, int radius)
{
    double *weight = xcalloc((size_t)radius + 1, sizeof *weight), sum;

    for (int k = 0; k <= radius; k++)
        weight[k] = exp(-.5 / (sigma * sigma) * (double)(k * k));
    sum = 0;
    for (int k = -radius; k <= radius; k++)
        sum += weight[abs(k)];
    for (int k = 0; k <= radius; k++)
        weight[k] /= sum;
    return weight;
}

enum { BLOCK = SUMS * LANES }; /* outputs at a time */

/* to[i] = sum of weight[k] of both values k steps from middle[i]. */
DISTORT_CLONES static void filter_block(double *to, const double *middle, ptrdiff_t step,
                                        const double *weight, int radius)
{
    lanes sum[SUMS];

    for (int i = 0; i < SUMS; i++)
        sum[i] = ((const lanes *)middle)[i] * weight[0];
    for (int k = radius; k > 0; k--) {
        const lanes *a = (const lanes *)(middle - k * step);
        const lanes *b = (const lanes *)(middle + k * step);

        for (int i = 0; i < SUMS; i++)
            sum[i] += (a[i] + b[i]) * weight[k];
    }
    memcpy(to, sum, sizeof sum);
}

static int padded(int n)
{
    return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* Down BLOCK columns at a time, through a copy of them with its borders. */
static void filter_columns(double *v, int width, int height, const double *weight,
                           int radius, int (*border)(int, int))
{
    double(*column)[BLOCK] = xcalloc((size_t)(height + 2 * radius), sizeof *column);

    for (int x = 0; x < width; x += BLOCK) {
        size_t size = sizeof(double) * (size_t)(width - x < BLOCK ? width - x : BLOCK);
        double out[BLOCK];

        for (int y = -radius; y < height + radius; y++)
            memcpy(column[y + radius], v + border(y, height) * width + x, size);
        for (int y = 0; y < height; y++) {
            filter_block(out, column[y + radius], BLOCK, weight, radius);
            memcpy(v + y * width + x, out, size);
        }
    }
    free(column);
}

static void filter_rows(double *v, int width, int height, const double *weight,
                        int radius, int (*border)(int, int))
{
    int n = padded(width);
    double *row = xcalloc((size_t)(2 * n + 2 * radius), sizeof *row);
    double *out = row + n + 2 * radius;

    for (int y = 0; y < height; y++) {
        for (int x = -radius; x < width + radius; x++)
            row[x + radius] = v[y * width + border(x, width)];
        for (int x = 0; x < width; x += BLOCK)
            filter_block(out + x, row + x + radius, 1, weight, radius);
        memcpy(v + y * width, out, sizeof *v * (size_t)width);
    }
    free(row);
}

void plane_filter(double *v, int width, int height, const double *weight, int radius,
                  int (*border)(int i, int n))
{
    filter_columns(v, width, height, weight, radius, border);
    filter_rows(v, width, height, weight, radius, border);
}

void plane_gaussian(double *v, int width, int height, double sigma, double reach,
                    int (*border)(int i, int n))
{
    int radius = (int)(reach * sigma + .5);
    double *weight;

    if (sigma <= 1e-15)
        return;
    weight = gaussian_weights(sigma, radius);
    plane_filter(v, width, height, weight, radius, border);
    free(weight);
}

void zoom_open(struct zoom *z, int side, double factor)
{
    int part = (int)ceil(side / factor), top = (side - part) / 2;
    int n = (int)nearbyint(part * factor), trim = (n - side) / 2;
    double step = n > 1 ? (double)(part - 1) / (n - 1) : 0;

    z->place = xcalloc((size_t)side, sizeof *z->place);
    z->part = xcalloc((size_t)side, sizeof *z->part);
    for (int i = 0; i < side; i++) {
        double at = (i + trim) * step;
        int low = (int)floor(at);

        if (low > part - 2 && part > 1)
            low = part - 2; /* the last pixel, with the whole weight on the right */
        z->place[i] = top + low;
        z->part[i] = at - low;
    }
}

void zoom_close(struct zoom *z)
{
    free(z->place);
    free(z->part);
}

static double between(double a, double b, double c, double d, double down, double right)
{
    return a * (1 - down) * (1 - right) + b * (1 - down) * right +
           c * down * (1 - right) + d * down * right;
}

double zoom_at(const struct zoom *z, const float *v, int side, int step, int y, int x)
{
    const float *p =
        v + ((size_t)z->place[y] * (size_t)side + (size_t)z->place[x]) * (size_t)step;
    size_t row = (size_t)side * (size_t)step;

    return between((double)p[0], (double)p[step], (double)p[row], (double)p[row + step],
                   z->part[y], z->part[x]);
}

double zoom_at_double(const struct zoom *z, const double *v, int side, int y, int x)
{
    const double *p = v + z->place[y] * side + z->place[x];

    return between(p[0], p[1], p[side], p[side + 1], z->part[y], z->part[x]);
}

/* Where tap i of a motion lies, and its weight. */
struct tap {
    int x, y;
    double weight;
};

static struct tap *motion_taps(double radius, double sigma, double degrees, int *n)
{
    int width = 2 * (int)ceil(radius) + 1;
    double angle = degrees * M_PI / 180, sum = 0;
    double across = width * sin(angle), down = width * cos(angle);
    double length = hypot(across, down);
    struct tap *t = xcalloc((size_t)width, sizeof *t);

    for (int i = 0; i < width; i++) {
        t[i].weight =
            exp(-(double)i * i / (2 * sigma * sigma)) / (sqrt(2 * M_PI) * sigma);
        t[i].x = (int)ceil(i * down / length - .5);
        t[i].y = (int)ceil(i * across / length - .5);
        sum += t[i].weight;
    }
    for (int i = 0; i < width; i++)
        t[i].weight /= sum;
    *n = width;
    return t;
}

void motion(uint8_t *to, const uint8_t *from, int side, int channels, double radius,
            double sigma, double degrees)
{
    int n;
    struct tap *t = motion_taps(radius, sigma, degrees, &n);

    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double sum[3] = { 0 };

            for (int i = 0; i < n; i++) {
                int v = border_edge(y + t[i].y, side), u = border_edge(x + t[i].x, side);
                const uint8_t *p = from + (v * side + u) * channels;

                for (int c = 0; c < channels; c++)
                    sum[c] += t[i].weight * (257 * p[c]);
            }
            for (int c = 0; c < channels; c++)
                *to++ = (uint8_t)(floor(sum[c] + .5) / 257);
        }
    free(t);
}
