/*
 * bench_gpu - pictures a second of a network on a device: forward; a training step (S); a
 * step of an attack (PGD), one of seven; a training step on adversaries of seven steps
 * (R). Steps are made as stages/train.c makes them: while one is computed, the next batch
 * is put. bench_gpu.py does the same in PyTorch.
 *
 *     bench_gpu ARCH BATCH DEVICE [PRECISION [SIZE [TIMES]]]
 *
 * PRECISION: float32 or tf32. SIZE: full (as published) or mini. TIMES: how often each is
 * done, in place of enough to measure. Rows: ARCH, phase, pictures a second, the loss of
 * the first picture.
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
#include "nn/step.h"

struct bench {
    struct graph *graph;
    struct net *net;
    int batch;
    float *x, *moved, *loss, *logits;
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

static void forward(struct bench *b, int times)
{
    struct error err = { 0 };

    for (int i = 0; i < times; i++) {
        must(net_forward(b->net, b->x, b->batch, NULL, &err), &err);
        must(net_loss(b->net, b->label, b->loss, &err), &err);
    }
}

static void put(struct bench *b)
{
    struct net_draws draws = { .draws = b->draws };
    struct net_batch batch = { .pixels = b->x, .label = b->label, .draws = &draws };
    struct error err = { 0 };

    must(net_put(b->net, &batch, &err), &err);
}

static void steps(struct bench *b, const struct attack *attack, int times)
{
    static const struct sgd sgd = { .lr = .0001, .momentum = .9, .weight_decay = 1e-4 };
    struct net_step step = { .sgd = &sgd, .attack = attack };
    struct error err = { 0 };

    put(b);
    for (int i = 0; i < times; i++) {
        must(net_train(b->net, &step, &err), &err);
        if (i + 1 < times)
            put(b);
        must(net_trained(b->net, b->loss, b->logits, &err), &err);
    }
}

static void step_s(struct bench *b, int times)
{
    steps(b, NULL, times);
}

enum { PGD_STEPS = 7 };

static void step_r(struct bench *b, int times)
{
    static const struct attack a = {
        .radius = 3, .step = .5, .steps = PGD_STEPS, .keep_best = true
    };

    steps(b, &a, times);
}

/* `times` attacks of seven steps, which look once more for the loss that they end with.
 */
static void pgd(struct bench *b, int times)
{
    static const struct attack a = { .radius = 3, .step = .5, .steps = PGD_STEPS };
    struct error err = { 0 };

    for (int i = 0; i < times; i++)
        must(attack_l2(b->net, &a, b->x, b->label, b->batch, b->moved, NULL, &err), &err);
}

static void open_bench(struct bench *b, const char *arch, const char *size,
                       const char *device, bool tf32)
{
    struct net_options o = { .backend = device,
                             .batch = b->batch,
                             .lanes = 1,
                             .threads = 1,
                             .tf32 = tf32,
                             .weight_gradient = true,
                             .input_gradient = true };
    struct tensors t = { 0 };
    struct error err = { 0 };
    size_t values;

    must(net_arch(&b->graph, arch, size, 1000, &err), &err);
    must(net_open(&b->net, b->graph, &o, &err), &err);
    init_parameters(b->graph, 7, &t);
    must(net_set_parameters(b->net, &t, &err), &err);
    tensors_release(&t);
    values = (size_t)b->batch * b->graph->H * b->graph->W * b->graph->C;
    b->x = malloc(values * sizeof *b->x);
    b->moved = malloc(values * sizeof *b->moved);
    b->loss = malloc(b->batch * sizeof *b->loss);
    b->logits = malloc((size_t)b->batch * b->graph->classes * sizeof *b->logits);
    b->label = malloc(b->batch * sizeof *b->label);
    b->draws = malloc(b->batch * sizeof *b->draws);
    for (size_t i = 0; i < values; i++)
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
        void (*run)(struct bench *b, int times);
        int timed, each; /* each: steps of one time */
    } cases[] = { { "forward", forward, 20, 1 },
                  { "S step", step_s, 10, 1 },
                  { "PGD step", pgd, 2, PGD_STEPS },
                  { "R step", step_r, 4, 1 } };
    struct bench b = { 0 };

    if (argc < 4 || argc > 7 || (b.batch = (int)strtol(argv[2], NULL, 10)) < 1) {
        fprintf(stderr,
                "usage: bench_gpu ARCH BATCH DEVICE [PRECISION [SIZE [TIMES]]]\n");
        return 2;
    }
    open_bench(&b, argv[1], argc > 5 ? argv[5] : "full", argv[3],
               argc > 4 && strcmp(argv[4], "tf32") == 0);
    printf("# %s\n", net_platform(b.net));
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        int timed = argc > 6 ? (int)strtol(argv[6], NULL, 10) : cases[k].timed;
        double begin;
        cases[k].run(&b, 2); /* the second of two steps is recorded (nn/step.c) */
        begin = seconds();
        cases[k].run(&b, timed);
        printf("%s\t%s\t%.1f\t%.6g\n", argv[1], cases[k].name,
               timed * cases[k].each * b.batch / (seconds() - begin), (double)b.loss[0]);
        fflush(stdout);
    }
    net_close(b.net);
    graph_free(b.graph);
    return 0;
}
