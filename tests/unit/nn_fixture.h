/* What the tests of stages/nn share: weights and pictures by counter, and the values that
 * PyTorch computes from them (tests/golden/make_*_vectors.py have the rules). */
#ifndef NN_FIXTURE_H
#define NN_FIXTURE_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/tsv.h"
#include "larder/error.h"
#include "nn/backend.h"
#include "nn/graph.h"
#include "nn/net.h"
#include "nn/tensors.h"

/* Ends the test with the story of err. */
#define must(call) cr_assert(ge(int, (call), 0), "%s: %s", #call, err.text)

static inline uint32_t counter(uint32_t j, uint32_t k)
{
    uint32_t h = 2654435761u * j + 2246822519u * k;

    h ^= h >> 15;
    h *= 2246822507u;
    return h ^ h >> 13;
}

static inline bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Counts of batches stay 0 and have no place in the numbering. */
static inline void counted_parameters(const struct graph *g, struct tensors *t)
{
    uint32_t k = 0;

    graph_tensors(g, t);
    for (size_t i = 0; i < t->n; i++) {
        struct tensor *x = &t->tensor[i];
        bool small = ends_with(x->name, ".bias") || ends_with(x->name, ".running_mean");
        double scale =
            x->n_dims > 1 ? sqrt(24.0 / (double)(x->n / (size_t)x->dim[0])) : .1;
        double centre = 0;
        if (x->integer)
            continue;
        if (x->n_dims == 1 && !small) {
            scale = .2;
            centre = 1;
        }
        for (size_t j = 0; j < x->n; j++)
            x->value[j] =
                (float)(centre + (counter((uint32_t)j, k) / 4294967296.0 - .5) * scale);
        k++;
    }
}

/* Where element i of N x C x H x W is in N x H x W x C. */
static inline size_t nhwc(size_t i, int C, int H, int W)
{
    size_t w = i % W, h = i / W % H, c = i / W / H % C, n = i / W / H / C;

    return ((n * H + h) * W + w) * C + c;
}

/* n pictures for g, new: free(). */
static inline float *counted_pictures(const struct graph *g, int n, bool full)
{
    size_t size = (size_t)n * g->C * g->H * g->W;
    float *x = malloc(size * sizeof *x);

    for (size_t i = 0; i < size; i++)
        x[nhwc(i, g->C, g->H, g->W)] =
            (float)(full ? 31 * i % 255 : counter((uint32_t)i, 77) % 256) / 255.f;
    return x;
}

/* Rows of the vectors under one name. */
struct vectors {
    long index[64];
    double value[64];
    int n;
};

/* Each test reads one file, once. */
static inline const struct tsv *vectors_file(const char *file)
{
    static struct tsv t;
    struct error err = { 0 };
    char path[256];

    snprintf(path, sizeof path, "%s/tests/golden/%s", LARDER_SOURCE, file);
    if (t.n_rows == 0)
        must(tsv_read(&t, path, &err));
    return &t;
}

static inline struct vectors vectors_in(const char *file, const char *what)
{
    const struct tsv *t = vectors_file(file);
    struct error err = { 0 };
    struct vectors v = { .n = 0 };

    for (size_t i = 0; i < t->n_rows; i++) {
        if (strcmp(tsv_get(t, i, 0), what) != 0)
            continue;
        cr_assert(lt(int, v.n, 64));
        must(tsv_long(t, i, 1, &v.index[v.n], &err));
        must(tsv_double(t, i, 2, &v.value[v.n], &err));
        v.n++;
    }
    cr_assert(gt(int, v.n, 0), "no vectors called %s", what);
    return v;
}

static inline struct vectors vectors_read(const char *what)
{
    return vectors_in("alexnet-vectors.tsv", what);
}

/* The plug-in for GPUs is looked for from the programs, which are elsewhere. Where one is
 * set, as by tests/cuda-on-cpu, its absence is a failure. */
static inline bool there_is_a_gpu(struct error *err)
{
    static int set = -1;
    const struct nn_backend *b;
    struct error own = { 0 };

    if (set < 0)
        set = getenv("LARDER_CUDNN") != NULL;
    setenv("LARDER_CUDNN", LARDER_BUILD "/lib/larder", 0);
    if (backend_find(&b, "cuda:0", err != NULL ? err : &own) == 0)
        return true;
    if (set > 0 && err == NULL) {
        fprintf(stderr, "%s\n", own.text);
        exit(1);
    }
    return false;
}

static inline struct net *open_net(const struct graph *g, const char *backend, int batch,
                                   int lanes, int threads, bool weights, bool input)
{
    struct net_options o = { .backend = backend,
                             .batch = batch,
                             .lanes = lanes,
                             .threads = threads,
                             .weight_gradient = weights,
                             .input_gradient = input };
    struct error err = { 0 };
    struct net *net;

    must(net_open(&net, g, &o, &err));
    return net;
}

#endif
