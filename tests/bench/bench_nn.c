/*
 * bench_nn - pictures a second of a network: forward, a training step (S), and a training
 * step on adversaries of seven steps (R). bench_nn.py does the same in PyTorch.
 *
 *     bench_nn ARCH mini|full BATCH THREADS [CASE]
 *
 * Weights and pictures come from the counter of tests/golden/make_network_vectors.py, so
 * both do the same work. Each line has the case; pictures a second, of CPU time with one
 * thread, of elapsed time with more; the mean loss of the batch in the first step, in the
 * last, and in evaluation afterwards; and multiply-adds of one picture.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/draws.h"
#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/net.h"

struct bench {
    struct graph *graph;
    struct net *net;
    struct attack attack;
    struct sgd sgd;
    int batch, threads;
    float *x, *moved, *loss;
    int32_t *label;
    struct draws *draws;
};

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
    fprintf(stderr, "bench_nn: %s\n", err->text);
    exit(1);
}

/* Of all threads as long as there is one. */
static double seconds(const struct bench *b)
{
    struct timespec t;

    clock_gettime(b->threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static void fill(struct tensor *p, uint32_t k)
{
    bool small = ends_with(p->name, ".bias") || ends_with(p->name, ".running_mean");
    double centre = p->n_dims > 1 || small ? 0 : 1, scale = small ? .1 : .2;

    if (p->n_dims > 1)
        scale = sqrt(24.0 / (double)(p->n / (size_t)p->dim[0]));
    for (uint32_t j = 0; j < p->n; j++)
        p->value[j] = (float)(centre + (counter(j, k) / 4294967296.0 - .5) * scale);
}

/* Or else sums of blocks grow a thousandfold in evaluation, and rounding with them. */
static void calm(struct tensor *p)
{
    for (size_t j = 0; ends_with(p->name, ".bn3.weight") && j < p->n; j++)
        p->value[j] /= 8;
}

static void set_parameters(struct bench *b)
{
    struct tensors t = { 0 }, zero = { 0 };
    struct error err = { 0 };
    uint32_t k = 0;

    graph_tensors(b->graph, &t);
    for (size_t i = 0; i < t.n; i++) {
        if (!t.tensor[i].integer)
            fill(&t.tensor[i], k++);
        calm(&t.tensor[i]);
    }
    must(net_set_parameters(b->net, &t, &err), &err);
    graph_parameter_tensors(b->graph, &zero);
    must(net_set_momentum(b->net, &zero, &err), &err);
    tensors_release(&zero);
    tensors_release(&t);
}

/* Pictures of noise by the counter, which counts N x C x H x W. */
static void set_pictures(struct bench *b)
{
    size_t C = (size_t)b->graph->C, plane = (size_t)b->graph->H * (size_t)b->graph->W;
    size_t size = C * plane, n = (size_t)b->batch;

    b->x = malloc(n * size * sizeof *b->x);
    b->moved = malloc(n * size * sizeof *b->moved);
    b->loss = malloc(n * sizeof *b->loss);
    b->label = malloc(n * sizeof *b->label);
    b->draws = malloc(n * sizeof *b->draws);
    for (size_t i = 0; i < n * size; i++) {
        size_t c = i / plane % C, place = i % plane;
        b->x[i / size * size + place * C + c] =
            (float)(counter((uint32_t)i, 77) % 256) / 255.f;
    }
    for (size_t i = 0; i < n; i++) {
        char key[] = { (char)('a' + i), '\0' };
        b->label[i] = (int32_t)(counter((uint32_t)i, 78) % 10);
        draws_init(&b->draws[i], "train", "", key, 1);
    }
}

static void open_bench(struct bench *b, const char *arch, bool full)
{
    struct net_options o = { .batch = b->batch,
                             .lanes = b->threads,
                             .threads = b->threads,
                             .weight_gradient = true,
                             .input_gradient = true };
    struct error err = { 0 };

    b->attack = (struct attack){
        .radius = full ? 3 : .75, .step = full ? .5 : .125, .steps = 7, .keep_best = true
    };
    /* so small a rate that rounding does not grow and the losses can be compared */
    b->sgd = (struct sgd){ .lr = full || strcmp(arch, "alexnet") == 0 ? 1e-4 : 1e-5,
                           .momentum = .9,
                           .weight_decay = 5e-4,
                           .clip = 5 };
    must(net_arch(&b->graph, arch, full ? "full" : "mini", full ? 1000 : 10, &err), &err);
    must(net_open(&b->net, b->graph, &o, &err), &err);
    set_parameters(b);
    set_pictures(b);
}

static void close_bench(struct bench *b)
{
    free(b->x);
    free(b->moved);
    free(b->loss);
    free(b->label);
    free(b->draws);
    net_close(b->net);
    graph_free(b->graph);
}

/* Of the batch, after a forward pass. */
static double mean_loss(struct bench *b)
{
    struct error err = { 0 };
    double sum = 0;

    must(net_loss(b->net, b->label, b->loss, &err), &err);
    for (int i = 0; i < b->batch; i++)
        sum += (double)b->loss[i];
    return sum / b->batch;
}

static double forward(struct bench *b)
{
    struct error err = { 0 };

    must(net_forward(b->net, b->x, b->batch, NULL, &err), &err);
    return mean_loss(b);
}

static double step(struct bench *b, const float *x)
{
    struct net_draws draws = { .draws = b->draws, .epoch = 2 };
    struct error err = { 0 };
    double loss;

    must(net_forward_training(b->net, x, b->batch, &draws, NULL, &err), &err);
    loss = mean_loss(b);
    must(net_backward_weights(b->net, &err), &err);
    must(net_update(b->net, &b->sgd, &err), &err);
    return loss;
}

static double step_s(struct bench *b)
{
    return step(b, b->x);
}

static double step_r(struct bench *b)
{
    struct error err = { 0 };

    must(attack_l2(b->net, &b->attack, b->x, b->label, b->batch, b->moved, NULL, &err),
         &err);
    return step(b, b->moved);
}

/* Steps before the time is taken, and timed ones; bench_nn.py has the same. The steps of
 * S bring the running statistics near those of the batch, for the attacks of R. */
struct times {
    int warm, timed;
};

static void run(struct bench *b, const char *name, double (*work)(struct bench *b),
                struct times n)
{
    double begin = 0, took, first = 0, loss = 0;

    for (int i = 0; i < n.warm + n.timed; i++) {
        if (i == n.warm)
            begin = seconds(b);
        loss = work(b);
        if (i == 0)
            first = loss;
    }
    took = seconds(b) - begin;
    printf("%s\t%.3f\t%.9g\t%.9g\t%.9g\t%ld\n", name, n.timed * b->batch / took, first,
           loss, forward(b), graph_multiplications(b->graph));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        double (*work)(struct bench *b);
        struct times mini, full;
    } cases[] = {
        { "forward", forward, { 5, 40 }, { 1, 6 } },
        { "S", step_s, { 3, 18 }, { 1, 3 } },
        { "R", step_r, { 2, 4 }, { 1, 1 } },
    };
    struct bench b = { 0 };
    bool full;

    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: bench_nn ARCH mini|full BATCH THREADS [CASE]\n");
        return 2;
    }
    full = strcmp(argv[2], "full") == 0;
    b.batch = (int)strtol(argv[3], NULL, 10);
    b.threads = (int)strtol(argv[4], NULL, 10);
    open_bench(&b, argv[1], full);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        if (argc == 5 || strcmp(argv[5], cases[k].name) == 0)
            run(&b, cases[k].name, cases[k].work, full ? cases[k].full : cases[k].mini);
    close_bench(&b);
    return 0;
}
