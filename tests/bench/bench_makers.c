/*
 * bench_makers - seconds of CPU time for what networks make of a picture: one in the
 * style of another (adain), a style by optimisation (gatys), labels (segment). makers.py
 * does the same in PyTorch.
 *
 *     bench_makers adain|gatys|segment RUNS
 *
 * Weights and pictures come from the counter of tests/golden/make_network_vectors.py, so
 * both do the same work. One run before is not counted; then the seconds of each, and a
 * number of the result.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/adain.h"
#include "nn/deeplab.h"
#include "nn/tensors.h"
#include "nn/vgg19.h"
#include "segment/scales.h"
#include "transfer/adaptive.h"
#include "transfer/gatys.h"

enum { ADAIN_SIDE = 224, GATYS_SIDE = 64, EVALUATIONS = 20, HEIGHT = 193, WIDTH = 257 };

static uint32_t counter(uint32_t j, uint32_t k)
{
    uint32_t h = 2654435761u * j + 2246822519u * k;

    h ^= h >> 15;
    h *= 2246822507u;
    return h ^ h >> 13;
}

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_makers: %s\n", err->text);
    exit(1);
}

static bool ends(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static void fill(struct tensors *t, const struct graph *g)
{
    uint32_t k = 0;

    graph_tensors(g, t);
    for (size_t i = 0; i < t->n; i++) {
        struct tensor *x = &t->tensor[i];
        bool small = ends(x->name, ".bias") || ends(x->name, ".running_mean");
        bool norm = x->n_dims == 1 && !small;
        double scale = x->n_dims > 1 ? sqrt(24.0 / (double)(x->n / (size_t)x->dim[0]))
                       : small       ? .1
                                     : .2;

        if (x->integer)
            continue;
        for (size_t j = 0; j < x->n; j++)
            x->value[j] =
                (float)(norm + (counter((uint32_t)j, k) / 4294967296.0 - .5) * scale);
        k++;
    }
}

/* Bytes as from 0 to most, in the order N x C x H x W of the counter. */
static float *noise(int H, int W, uint32_t k, float most)
{
    float *x = calloc((size_t)H * W * 3, sizeof *x);

    for (int c = 0; c < 3; c++)
        for (int i = 0; i < H * W; i++)
            x[i * 3 + c] =
                (float)(counter((uint32_t)(c * H * W + i), k) % 256) / 255 * most;
    return x;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double deviation(const float *x, size_t n)
{
    double mean = 0, sum = 0;

    for (size_t i = 0; i < n; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += pow((double)x[i] - mean, 2) / (double)n;
    return sqrt(sum);
}

static void tell(double from, double number)
{
    printf("%.6f\t%.6g\n", seconds() - from, number);
    fflush(stdout);
}

static void bench_adain(int runs)
{
    struct graph *e = adain_encoder(ADAIN_SIDE, ADAIN_SIDE), *d = adain_decoder(28, 28);
    size_t n = (size_t)ADAIN_SIDE * ADAIN_SIDE * 3;
    float *content = noise(ADAIN_SIDE, ADAIN_SIDE, 31, 1);
    float *style = noise(ADAIN_SIDE, ADAIN_SIDE, 32, 1);
    float *picture = calloc(n, sizeof *picture);
    struct tensors encoder = { 0 }, decoder = { 0 };
    struct error err = { 0 };
    struct adaptive a;

    fill(&encoder, e);
    fill(&decoder, d);
    must(adaptive_open(&a,
                       &(struct adaptive_use){ .encoder = &encoder,
                                               .decoder = &decoder,
                                               .width = ADAIN_SIDE,
                                               .height = ADAIN_SIDE,
                                               .style_width = ADAIN_SIDE,
                                               .style_height = ADAIN_SIDE,
                                               .batch = 1,
                                               .lanes = 1,
                                               .threads = 1,
                                               .alpha = 1 },
                       &err),
         &err);
    for (int i = 0; i <= runs; i++) {
        double from = seconds();

        must(adaptive_run(&a, content, style, 1, picture, &err), &err);
        if (i > 0)
            tell(from, deviation(picture, n));
    }
}

static void bench_gatys(int runs)
{
    struct graph *g = vgg19(GATYS_SIDE, GATYS_SIDE);
    float *content = noise(GATYS_SIDE, GATYS_SIDE, 33, 1);
    float *style = noise(GATYS_SIDE, GATYS_SIDE, 34, 1);
    float *picture = calloc((size_t)GATYS_SIDE * GATYS_SIDE * 3, sizeof *picture);
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct gatys *with;
    double loss;

    fill(&t, g);
    must(gatys_open(&with,
                    &(struct gatys_use){ .weights = &t,
                                         .width = GATYS_SIDE,
                                         .height = GATYS_SIDE,
                                         .batch = 1,
                                         .lanes = 1,
                                         .threads = 1,
                                         .evaluations = EVALUATIONS,
                                         .style_weight = 1000,
                                         .lbfgs = lbfgs_defaults },
                    &err),
         &err);
    for (int i = 0; i <= runs; i++) {
        double from = seconds();

        must(gatys_run(with, content, style, 1, picture, &loss, &err), &err);
        if (i > 0)
            tell(from, loss);
    }
}

static void bench_segment(int runs)
{
    struct graph *g = deeplab_full(182, HEIGHT, WIDTH);
    float *x = noise(HEIGHT, WIDTH, 41, 255);
    int *label = calloc((size_t)HEIGHT * WIDTH, sizeof *label), h, w;
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct scales *s;

    fill(&t, g);
    must(scales_open(
             &s,
             &(struct scales_use){
                 .weights = &t, .batch = 1, .lanes = 1, .threads = 1, .several = true },
             &err),
         &err);
    for (int i = 0; i <= runs; i++) {
        double from = seconds();
        const float *logits;

        must(scales_run(s, x, 1, HEIGHT, WIDTH, label, &err), &err);
        logits = scales_logits(s, &h, &w);
        if (i > 0)
            tell(from, deviation(logits, (size_t)h * w * 182));
    }
}

int main(int argc, char **argv)
{
    int runs = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;

    if (runs > 0 && strcmp(argv[1], "adain") == 0)
        bench_adain(runs);
    else if (runs > 0 && strcmp(argv[1], "gatys") == 0)
        bench_gatys(runs);
    else if (runs > 0 && strcmp(argv[1], "segment") == 0)
        bench_segment(runs);
    else
        return fprintf(stderr, "usage: bench_makers adain|gatys|segment RUNS\n"), 64;
    return 0;
}
