/*
 * bench_gpu - pictures a second of a network as published on a device: forward, a
 * training step (S), and a training step on adversaries of seven steps (R). bench_gpu.py
 * does the same in PyTorch.
 *
 *     bench_gpu ARCH BATCH DEVICE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/draws.h"
#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/init.h"
#include "nn/net.h"

struct bench {
    struct graph *graph;
    struct net *net;
    int batch;
    float *x, *moved, *loss;
    int32_t *label;
    struct draws *draws;
};

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_gpu: %s\n", err->text);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void forward(struct bench *b)
{
    struct error err = { 0 };

    must(net_forward(b->net, b->x, b->batch, NULL, &err), &err);
    must(net_loss(b->net, b->label, b->loss, &err), &err);
}

static void step(struct bench *b, const float *x)
{
    static const struct sgd sgd = { .lr = .0001, .momentum = .9, .weight_decay = 1e-4 };
    struct net_draws draws = { .draws = b->draws };
    struct error err = { 0 };

    must(net_forward_training(b->net, x, b->batch, &draws, NULL, &err), &err);
    must(net_loss(b->net, b->label, b->loss, &err), &err);
    must(net_backward_weights(b->net, &err), &err);
    must(net_update(b->net, &sgd, &err), &err);
}

static void step_s(struct bench *b)
{
    step(b, b->x);
}

static void step_r(struct bench *b)
{
    static const struct attack a = {
        .radius = 3, .step = .5, .steps = 7, .keep_best = true
    };
    struct error err = { 0 };

    must(attack_l2(b->net, &a, b->x, b->label, b->batch, b->moved, NULL, &err), &err);
    step(b, b->moved);
}

static void open_bench(struct bench *b, const char *arch, const char *device)
{
    struct net_options o = { .backend = device,
                             .batch = b->batch,
                             .lanes = 1,
                             .threads = 1,
                             .weight_gradient = true,
                             .input_gradient = true };
    struct tensors t = { 0 };
    struct error err = { 0 };
    size_t size;

    must(net_arch(&b->graph, arch, "full", 1000, &err), &err);
    must(net_open(&b->net, b->graph, &o, &err), &err);
    init_parameters(b->graph, 7, &t);
    must(net_set_parameters(b->net, &t, &err), &err);
    tensors_release(&t);
    size = (size_t)b->batch * b->graph->H * b->graph->W * b->graph->C;
    b->x = malloc(size * sizeof *b->x);
    b->moved = malloc(size * sizeof *b->moved);
    b->loss = malloc(b->batch * sizeof *b->loss);
    b->label = malloc(b->batch * sizeof *b->label);
    b->draws = malloc(b->batch * sizeof *b->draws);
    for (size_t i = 0; i < size; i++)
        b->x[i] = (float)(i * 2654435761u % 256) / 255.f;
    for (int i = 0; i < b->batch; i++) {
        b->label[i] = i % 1000;
        b->draws[i] = (struct draws){ (uint32_t)i, 1 };
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *b);
        int timed;
    } cases[] = { { "forward", forward, 20 },
                  { "S step", step_s, 10 },
                  { "R step", step_r, 3 } };
    struct bench b = { 0 };

    if (argc != 4)
        return 2;
    b.batch = (int)strtol(argv[2], NULL, 10);
    open_bench(&b, argv[1], argv[3]);
    printf("# %s\n", net_platform(b.net));
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double begin;
        cases[k].run(&b);
        begin = seconds();
        for (int i = 0; i < cases[k].timed; i++)
            cases[k].run(&b);
        printf("%s\t%s\t%.1f\t%.6g\n", argv[1], cases[k].name,
               cases[k].timed * b.batch / (seconds() - begin), (double)b.loss[0]);
        fflush(stdout);
    }
    net_close(b.net);
    graph_free(b.graph);
    return 0;
}
