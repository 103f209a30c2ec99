#include "distort/blur.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "distort/plane.h"
#include "distort/simd.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* Channel c of a picture, 0..1. */
static void channel(const struct job *job, const uint8_t *pixel, int c, double *v)
{
    for (int i = 0; i < job->side * job->side; i++)
        v[i] = pixel[3 * i + c] / 255.;
}

/* ---- defocus ---- */

enum { MOST_REACH = 10, MOST_TAPS = 2 * MOST_REACH + 1 };

/* A disk of OpenCV's float32, softened at its edge by cv2.GaussianBlur. */
struct disk {
    int reach;
    float k[MOST_TAPS][MOST_TAPS];
};

static void draw_disk(struct disk *k, double radius)
{
    float count = 0;

    for (int y = -k->reach; y <= k->reach; y++)
        for (int x = -k->reach; x <= k->reach; x++) {
            float inside = x * x + y * y <= radius * radius ? 1 : 0;

            k->k[y + k->reach][x + k->reach] = inside;
            count += inside;
        }
    for (int y = 0; y <= 2 * k->reach; y++)
        for (int x = 0; x <= 2 * k->reach; x++)
            k->k[y][x] /= count;
}

static void soften_disk(struct disk *k, double sigma, int taps)
{
    int n = 2 * k->reach + 1, half = taps / 2;
    double room[MOST_TAPS][MOST_TAPS], weight[3], sum = 0;

    for (int i = -half; i <= half; i++)
        sum += exp(-(double)i * i / (2 * sigma * sigma));
    for (int i = 0; i <= half; i++)
        weight[i] = exp(-(double)i * i / (2 * sigma * sigma)) / sum;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            room[y][x] = 0;
            for (int i = -half; i <= half; i++)
                room[y][x] +=
                    weight[i < 0 ? -i : i] * (double)k->k[y][border_reflect(x + i, n)];
        }
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            double v = 0;

            for (int i = -half; i <= half; i++)
                v += weight[i < 0 ? -i : i] * room[border_reflect(y + i, n)][x];
            k->k[y][x] = (float)v;
        }
}

/* A channel, 0..1, with its borders. So that no shift along a row tears lanes apart, each
 * of the four has a quarter of the columns: value t of lane l is column l quarter + t. */
struct padded {
    int reach, quarter, row; /* row: lanes from one row to the next */
    lanes *v, *room;
};

static void padded_open(struct padded *p, int side, int reach)
{
    size_t n;

    assert(side % (SUMS * LANES) == 0);
    p->reach = reach;
    p->quarter = side / LANES;
    p->row = p->quarter + 2 * reach;
    n = (size_t)p->row * (size_t)(side + 2 * reach);
    p->room = xcalloc(n + 1, sizeof *p->room);
    p->v = (lanes *)(((uintptr_t)p->room + sizeof *p->v - 1) & -sizeof *p->v);
}

static void padded_close(struct padded *p)
{
    free(p->room);
}

static void pad_channel(const struct padded *p, const struct job *job, int c)
{
    int side = job->side, *column = xcalloc((size_t)(side + 2 * p->reach), sizeof(int));
    double level[256];
    lanes *v = p->v;

    for (int i = 0; i < 256; i++)
        level[i] = i / 255.;
    for (int x = 0; x < side + 2 * p->reach; x++)
        column[x] = 3 * border_reflect(x - p->reach, side) + c;
    for (int y = -p->reach; y < side + p->reach; y++) {
        const uint8_t *from = job->from->pixel + 3 * side * border_reflect(y, side);

        for (int t = 0; t < p->row; t++, v++)
            for (int l = 0; l < LANES; l++)
                (*v)[l] = level[from[column[l * p->quarter + t]]];
    }
    free(column);
}

/* The weights that are not 0, and where their values lie from the output on, in lanes. */
struct taps {
    int n, at[MOST_TAPS * MOST_TAPS];
    double weight[MOST_TAPS * MOST_TAPS];
};

static void list_taps(struct taps *t, const struct disk *k, int row)
{
    t->n = 0;
    for (int y = 0; y <= 2 * k->reach; y++)
        for (int x = 0; x <= 2 * k->reach; x++)
            if (k->k[y][x] > 0) {
                t->weight[t->n] = (double)k->k[y][x];
                t->at[t->n++] = y * row + x;
            }
}

DISTORT_CLONES static void correlate_block(uint8_t *to, const lanes *v,
                                           const struct taps *taps)
{
    lanes sum[SUMS] = { { 0 } };
    double out[SUMS * LANES];

    for (int k = 0; k < taps->n; k++) {
        const lanes *from = v + taps->at[k];

        for (int i = 0; i < SUMS; i++)
            sum[i] += taps->weight[k] * from[i];
    }
    memcpy(out, sum, sizeof out);
    for (int i = 0; i < SUMS * LANES; i++)
        to[i] = byte_of(out[i]);
}

static void correlate(const struct job *job, int c, const struct padded *p,
                      const struct taps *taps)
{
    for (int y = 0; y < job->side; y++) {
        uint8_t *to = job->to + 3 * y * job->side + c;

        for (int t = 0; t < p->quarter; t += SUMS) {
            uint8_t sum[SUMS][LANES];

            correlate_block(sum[0], p->v + y * p->row + t, taps);
            for (int l = 0; l < LANES; l++)
                for (int i = 0; i < SUMS; i++)
                    to[3 * (l * p->quarter + t + i)] = sum[i][l];
        }
    }
}

int defocus_blur(const struct job *job, struct error *err)
{
    static const struct {
        double radius, sigma;
    } constant[SCALES][CORRUPT_SEVERITIES] = {
        { { 3, .1 }, { 4, .5 }, { 6, .5 }, { 8, .5 }, { 10, .5 } },
        { { .5, .6 }, { 1, .1 }, { 1.5, .1 }, { 2.5, .01 }, { 3, .1 } },
        { { .3, .4 }, { .4, .5 }, { .5, .6 }, { 1, .2 }, { 1.5, .1 } },
    };
    double radius = CONSTANT(constant, job).radius;
    struct disk disk = { .reach = radius <= 8 ? 8 : (int)radius };
    struct padded padded;
    struct taps taps;

    (void)err;
    draw_disk(&disk, radius);
    soften_disk(&disk, CONSTANT(constant, job).sigma, radius <= 8 ? 3 : 5);
    padded_open(&padded, job->side, disk.reach);
    list_taps(&taps, &disk, padded.row);
    for (int c = 0; c < 3; c++) {
        pad_channel(&padded, job, c);
        correlate(job, c, &padded, &taps);
    }
    padded_close(&padded);
    return 0;
}

/* ---- glass ---- */

/* Gaussians as NumPy 1.24 computes them where it has AVX-512, on which the vectors of
 * ImageNet-C's functions were recorded. Its exp() is off by a bit here and there, and so
 * a table is also the same for every libm. */
struct kernel {
    double sigma;
    int radius;
    double weight[7];
};

static const struct kernel kernel[] = {
    { 0.05, 0, { 0x1.0000000000000p+0 } },
    { 0.1, 0, { 0x1.0000000000000p+0 } },
    { 0.25, 1, { 0x1.ffa81e9405ee0p-1, 0x1.5f85afe8486dcp-12 } },
    { 0.4, 2, { 0x1.d6a3bb0b987e5p-1, 0x1.4adaf8877b346p-5, 0x1.cbc6f0363e1f1p-19 } },
    { 0.5, 2, { 0x1.92b965ef5aaefp-1, 0x1.b405b9842b206p-4, 0x1.14aebe6a24088p-12 } },
    { 0.6, 2, { 0x1.53dffefe63382p-1, 0x1.52fe8b43e1331p-3, 0x1.505dafd617359p-9 } },
    { 0.7,
      3,
      { 0x1.23c2d39adde1dp-1, 0x1.a4a892b55c7f1p-3, 0x1.3b3170a27df78p-7,
        0x1.eaf0abfddfc56p-15 } },
    { 0.9,
      4,
      { 0x1.c5e85af5bea50p-2, 0x1.e9aeb020a6f44p-3, 0x1.336a4e8e9e374p-5,
        0x1.c138a6b624c17p-10, 0x1.7dff10d1ee066p-16 } },
    { 1,
      4,
      { 0x1.9884a307594fbp-2, 0x1.ef8eb9ad499bap-3, 0x1.ba4b99d1799a9p-5,
        0x1.22724cb7eb26ap-8, 0x1.18a9c4fd536c6p-13 } },
    { 1.1,
      4,
      { 0x1.73634be2f80f5p-2, 0x1.eb5b6769ebe0ep-3, 0x1.1c79d98799072p-4,
        0x1.204acf6bed14ep-7, 0x1.ff65f12175c9fp-12 } },
    { 1.5,
      6,
      { 0x1.1058ef29a59d7p-2, 0x1.b42851d1c8a96p-3, 0x1.bfdc88289323cp-4,
        0x1.26dd9e7a284e0p-5, 0x1.f1e741f80c9b9p-8, 0x1.0d891ab53680ap-10,
        0x1.7638649a0fcd0p-14 } },
};

static const struct kernel *find_kernel(double sigma)
{
    const struct kernel *k = kernel;

    while (k->sigma < sigma)
        k++;
    assert(k->sigma <= sigma);
    return k;
}

static void soften(const struct job *job, const uint8_t *from, uint8_t *to, double sigma)
{
    const struct kernel *k = find_kernel(sigma);
    int side = job->side;
    double *v = xcalloc((size_t)(side * side), sizeof *v);

    for (int c = 0; c < 3; c++) {
        channel(job, from, c, v);
        plane_filter(v, side, side, k->weight, k->radius, border_edge);
        for (int i = 0; i < side * side; i++)
            to[3 * i + c] = byte_of(v[i]);
    }
    free(v);
}

/* The original means to swap two pixels, but on views of one array: the second half of it
 * has no effect. */
static void shuffle(const struct job *job, uint8_t *pixel, int reach, uint32_t pass)
{
    int side = job->side;

    for (int h = side - reach; h > reach; h--)
        for (int w = side - reach; w > reach; w--) {
            uint64_t at = (uint64_t)(h * side + w);
            int dx = (int)floor(draws_ua(job->d, pass, at) * (2 * reach)) - reach;
            int dy = (int)floor(draws_ub(job->d, pass, at) * (2 * reach)) - reach;

            memmove(pixel + 3 * at, pixel + 3 * ((h + dy) * side + w + dx), 3);
        }
}

int glass_blur(const struct job *job, struct error *err)
{
    static const struct {
        double sigma;
        int reach, passes;
    } constant[SCALES][CORRUPT_SEVERITIES] = {
        { { .7, 1, 2 }, { .9, 2, 1 }, { 1, 2, 3 }, { 1.1, 3, 2 }, { 1.5, 4, 2 } },
        { { .1, 1, 1 }, { .5, 1, 1 }, { .6, 1, 2 }, { .7, 2, 1 }, { .9, 2, 2 } },
        { { .05, 1, 1 }, { .25, 1, 1 }, { .4, 1, 1 }, { .25, 1, 2 }, { .4, 1, 2 } },
    };
    double sigma = CONSTANT(constant, job).sigma;
    uint8_t *shuffled = xmalloc(image_bytes(job->from));

    (void)err;
    soften(job, job->from->pixel, shuffled, sigma);
    for (int i = 0; i < CONSTANT(constant, job).passes; i++)
        shuffle(job, shuffled, CONSTANT(constant, job).reach, (uint32_t)i);
    soften(job, shuffled, job->to, sigma);
    free(shuffled);
    return 0;
}

/* ---- motion, zoom ---- */

int motion_blur(const struct job *job, struct error *err)
{
    static const struct {
        double radius, sigma;
    } constant[SCALES][CORRUPT_SEVERITIES] = {
        { { 10, 3 }, { 15, 5 }, { 15, 8 }, { 15, 12 }, { 20, 15 } },
        { { 10, 1 }, { 10, 1.5 }, { 10, 2 }, { 10, 2.5 }, { 12, 3 } },
        { { 6, 1 }, { 6, 1.5 }, { 6, 2 }, { 8, 2 }, { 9, 2.5 } },
    };

    (void)err;
    motion(job->to, job->from->pixel, job->side, 3, CONSTANT(constant, job).radius,
           CONSTANT(constant, job).sigma, -45 + 90 * draws_ua(job->d, 0, 0));
    return 0;
}

int zoom_blur(const struct job *job, struct error *err)
{
    static const struct {
        int factors;
        double step;
    } constant[SCALES][CORRUPT_SEVERITIES] = {
        { { 12, .01 }, { 16, .01 }, { 11, .02 }, { 13, .02 }, { 11, .03 } },
        { { 7, .01 }, { 12, .01 }, { 16, .01 }, { 21, .01 }, { 26, .01 } },
        { { 7, .01 }, { 12, .01 }, { 16, .01 }, { 21, .01 }, { 26, .01 } },
    };
    int side = job->side, factors = CONSTANT(constant, job).factors;
    double step = 1 + CONSTANT(constant, job).step - 1; /* as numpy.arange adds it */
    size_t n = image_bytes(job->from);
    float *v = xcalloc(2 * n, sizeof *v), *sum = v + n;

    (void)err;
    for (size_t e = 0; e < n; e++)
        v[e] = (float)(job->from->pixel[e] / 255.);
    for (int j = 0; j < factors; j++) {
        struct zoom z;

        zoom_open(&z, side, 1 + j * step);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++)
                for (int c = 0; c < 3; c++)
                    sum[3 * (y * side + x) + c] +=
                        (float)zoom_at(&z, v + c, side, 3, y, x);
        zoom_close(&z);
    }
    for (size_t e = 0; e < n; e++)
        job->to[e] = byte_of_float((v[e] + sum[e]) / (float)(factors + 1));
    free(v);
    return 0;
}
