#include "image/pattern.h"

#include <math.h>
#include <stdint.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

/*
 * The format (GIMP, devel-docs/pat.txt): six big-endian 32-bit numbers, the name, the
 * rows. Header size (name included), version, width, height, bytes a pixel, "GPAT".
 */
enum { HEADER_SIZE = 24, VERSION = 1, SIDE_MAX = 4096 };

/* How a relief is made, in terms of the shrink. */
#define SIGMA_FINE 0.4
#define SIGMA_COARSE 4.0
#define CLIP 2.5

static uint32_t big_endian_32(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int decode(struct pattern *p, const struct buf *file, struct error *err)
{
    uint32_t header, depth, width, height;
    const unsigned char *pixel;
    size_t n;

    if (file->len < HEADER_SIZE || memcmp(file->s + 20, "GPAT", 4) != 0 ||
        big_endian_32(file->s + 4) != VERSION)
        return error_set(err, E_INPUT, "not a GIMP pattern of version %d", VERSION);
    header = big_endian_32(file->s);
    width = big_endian_32(file->s + 8);
    height = big_endian_32(file->s + 12);
    depth = big_endian_32(file->s + 16);
    if (depth != 1 && depth != 3)
        return error_set(err, E_INPUT, "%u bytes a pixel; 1 and 3 are supported", depth);
    if (width < 1 || width > SIDE_MAX || height < 1 || height > SIDE_MAX)
        return error_set(err, E_INPUT, "%ux%u pixels; 1 to %d a side are supported",
                         width, height, SIDE_MAX);
    n = (size_t)width * height;
    if (header < HEADER_SIZE || header > file->len || file->len - header != n * depth)
        return error_set(err, E_INPUT, "%zu bytes do not fit its header: %ux%ux%u",
                         file->len, width, height, depth);
    p->width = (int)width;
    p->height = (int)height;
    p->value = xcalloc(n, sizeof *p->value);
    pixel = (const unsigned char *)file->s + header;
    for (size_t i = 0; i < n; i++, pixel += depth)
        p->value[i] =
            depth == 1 ? pixel[0] / 255.0
                       : (0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]) / 255.0;
    return 0;
}

int pattern_read(struct pattern *p, const char *path, struct error *err)
{
    struct buf file = { 0 };
    int rc;

    *p = (struct pattern){ 0 };
    rc = fs_read(path, &file, err);
    if (rc == 0) {
        rc = decode(p, &file, err);
        if (rc < 0)
            error_context(err, "%s", path);
    }
    buf_release(&file);
    return rc;
}

void pattern_release(struct pattern *p)
{
    free(p->value);
    *p = (struct pattern){ 0 };
}

static int wrap(int i, int n)
{
    i %= n;
    return i < 0 ? i + n : i;
}

/* One direction of a circular Gaussian: n values, stride apart. The kernel ends at 4
 * sigma. The order of the sum is part of the rule: the middle, then the pairs from the
 * far end. */
static void blur_line(double *to, const double *from, int n, int stride, const double *w,
                      int radius)
{
    for (int i = 0; i < n; i++) {
        double sum = from[i * stride] * w[0];

        for (int k = radius; k >= 1; k--)
            sum += (from[wrap(i - k, n) * stride] + from[wrap(i + k, n) * stride]) * w[k];
        to[i * stride] = sum;
    }
}

/* Gaussian of p->value into to, columns first, then rows. */
static void blur(const struct pattern *p, double sigma, double *to)
{
    int radius = (int)(4 * sigma + 0.5);
    double *w = xcalloc((size_t)radius + 1, sizeof *w), sum = 0;
    double *half = xcalloc((size_t)p->width * (size_t)p->height, sizeof *half);

    for (int k = -radius; k <= radius; k++) {
        w[abs(k)] = exp(-0.5 / (sigma * sigma) * (k * k));
        sum += w[abs(k)];
    }
    for (int k = 0; k <= radius; k++)
        w[k] /= sum;
    for (int x = 0; x < p->width; x++)
        blur_line(half + x, p->value + x, p->height, p->width, w, radius);
    for (int y = 0; y < p->height; y++)
        blur_line(to + y * p->width, half + y * p->width, p->width, 1, w, radius);
    free(half);
    free(w);
}

static double standard_deviation(const double *v, size_t n)
{
    double mean = 0, square = 0;

    for (size_t i = 0; i < n; i++)
        mean += v[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        square += (v[i] - mean) * (v[i] - mean);
    return sqrt(square / (double)n);
}

int pattern_prepare(struct pattern *p, double shrink, struct error *err)
{
    size_t n = (size_t)p->width * (size_t)p->height;
    double *fine = xcalloc(n, sizeof *fine), *coarse = xcalloc(n, sizeof *coarse);
    double deviation;
    int rc = 0;

    blur(p, SIGMA_FINE * shrink, fine);
    blur(p, SIGMA_COARSE * shrink, coarse);
    for (size_t i = 0; i < n; i++)
        p->value[i] = fine[i] - coarse[i];
    deviation = standard_deviation(p->value, n);
    if (deviation < 1e-6) {
        rc = error_set(err, E_INPUT, "a flat pattern has no relief");
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        p->value[i] = fmin(fmax(p->value[i] / deviation, -CLIP), CLIP);
    deviation = standard_deviation(p->value, n);
    for (size_t i = 0; i < n; i++)
        p->value[i] /= deviation;
out:
    free(coarse);
    free(fine);
    return rc;
}

double pattern_at(const struct pattern *p, double x, double y)
{
    double left = floor(x), top = floor(y), fx = x - left, fy = y - top;
    int x0 = wrap((int)left, p->width), x1 = x0 + 1 < p->width ? x0 + 1 : 0;
    int y0 = wrap((int)top, p->height), y1 = y0 + 1 < p->height ? y0 + 1 : 0;
    const double *row0 = p->value + y0 * p->width, *row1 = p->value + y1 * p->width;

    return (row0[x0] * (1 - fx) + row0[x1] * fx) * (1 - fy) +
           (row1[x0] * (1 - fx) + row1[x1] * fx) * fy;
}
