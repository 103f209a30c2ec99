/*
 * bench_nn - pictures a second of the small AlexNet on one core: forward, a training step
 * (S), and a training step on adversaries (R). bench_nn.py does the same in PyTorch.
 *
 * Weights and pictures come from the counter of tests/golden/make_alexnet_vectors.py, so
 * both do the same work: each line has the case, pictures a second of CPU time, and the
 * mean loss of the batch after the timed steps.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "nn/alexnet.h"
#include "nn/attack.h"
#include "nn/net.h"

enum { BATCH = 64, SIZE = 32 * 32 * 3 };

struct bench {
    struct graph *graph;
    struct net *net;
    float *x, *moved;
    int32_t label[BATCH];
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

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void set_parameters(struct bench *b)
{
    struct tensors t = { 0 };
    struct error err = { 0 };

    graph_tensors(b->graph, &t);
    for (uint32_t k = 0; k < t.n; k++) {
        struct tensor *p = &t.tensor[k];
        double scale =
            p->n_dims > 1 ? sqrt(24.0 / (double)(p->n / (size_t)p->dim[0])) : .1;
        for (uint32_t j = 0; j < p->n; j++)
            p->value[j] = (float)((counter(j, k) / 4294967296.0 - .5) * scale);
    }
    must(net_set_parameters(b->net, &t, &err), &err);
    for (size_t k = 0; k < t.n; k++)
        for (size_t j = 0; j < t.tensor[k].n; j++)
            t.tensor[k].value[j] = 0;
    must(net_set_momentum(b->net, &t, &err), &err);
    tensors_release(&t);
}

static void open_bench(struct bench *b)
{
    struct net_options o = { .batch = BATCH,
                             .lanes = 1,
                             .threads = 1,
                             .weight_gradient = true,
                             .input_gradient = true };
    struct error err = { 0 };

    b->graph = alexnet_mini(10);
    must(net_open(&b->net, b->graph, &o, &err), &err);
    b->x = malloc(BATCH * SIZE * sizeof *b->x);
    b->moved = malloc(BATCH * SIZE * sizeof *b->moved);
    for (uint32_t i = 0; i < BATCH * SIZE; i++) { /* i counts N x C x H x W */
        uint32_t n = i / SIZE, c = i / 1024 % 3, place = i % 1024;
        b->x[n * SIZE + place * 3 + c] = (float)(counter(i, 77) % 256) / 255.f;
    }
    for (uint32_t i = 0; i < BATCH; i++)
        b->label[i] = (int32_t)(counter(i, 78) % 10);
}

/* The mean loss of the batch; with logits and losses as they are used in training. */
static double forward(struct bench *b, const float *x)
{
    struct error err = { 0 };
    float loss[BATCH];
    double sum = 0;

    must(net_forward(b->net, x, BATCH, NULL, &err), &err);
    must(net_loss(b->net, b->label, loss, &err), &err);
    for (int i = 0; i < BATCH; i++)
        sum += (double)loss[i];
    return sum / BATCH;
}

static void step(struct bench *b, const float *x)
{
    /* so small a rate that rounding does not grow and the losses can be compared */
    static const struct sgd sgd = {
        .lr = .0001, .momentum = .9, .weight_decay = 5e-4, .clip = 5
    };
    struct error err = { 0 };

    forward(b, x);
    must(net_backward_weights(b->net, &err), &err);
    must(net_update(b->net, &sgd, &err), &err);
}

static void forward_only(struct bench *b)
{
    forward(b, b->x);
}

static void step_s(struct bench *b)
{
    step(b, b->x);
}

static void step_r(struct bench *b)
{
    static const struct attack a = {
        .radius = .75, .step = .125, .steps = 7, .keep_best = true
    };
    struct error err = { 0 };

    must(attack_l2(b->net, &a, b->x, b->label, BATCH, b->moved, NULL, &err), &err);
    step(b, b->moved);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *b);
        int warm, timed;
    } cases[] = {
        { "forward", forward_only, 5, 60 },
        { "S step", step_s, 3, 27 },
        { "R step", step_r, 2, 6 },
    };
    struct bench b = { 0 };
    double begin, seconds;

    open_bench(&b);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        set_parameters(&b);
        for (int i = 0; i < cases[k].warm; i++)
            cases[k].run(&b);
        begin = cpu_seconds();
        for (int i = 0; i < cases[k].timed; i++)
            cases[k].run(&b);
        seconds = cpu_seconds() - begin;
        printf("%s\t%.1f\t%.9g\n", cases[k].name, cases[k].timed * BATCH / seconds,
               forward(&b, b.x));
    }
    free(b.moved);
    free(b.x);
    net_close(b.net);
    graph_free(b.graph);
    return 0;
}
