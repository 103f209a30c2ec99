/* GoogLeNet and ResNet-50 against what PyTorch computes in double precision. */
#include "nn_scene.h"

#include <criterion/parameterized.h>

#include "nn/attack.h"
#include "nn/backend.h"

static void check_attack(struct scene *s, struct attack a, double tolerance)
{
    const struct graph *g = s->g;
    struct vectors v = want(s, "attack loss", "", "");
    float *moved = malloc((size_t)s->n * g->H * g->W * g->C * sizeof *moved), loss[N];
    struct error err = { 0 };

    for (a.steps = 0; a.steps <= 7; a.steps += a.steps == 0 ? 1 : 3) {
        must(attack_l2(s->net, &a, s->x, s->label, s->n, moved, loss, &err));
        cr_assert(
            epsilon_eq(dbl, mean(loss, (size_t)s->n) / v.value[a.steps], 1, tolerance),
            "step %d: %g", a.steps, mean(loss, (size_t)s->n));
    }
    free(moved);
}

/* The best iterate of attacks of 1 to 7 steps. */
static void check_iterates(struct scene *s, struct attack a)
{
    const struct graph *g = s->g;
    float *moved = malloc((size_t)s->n * g->H * g->W * g->C * sizeof *moved);
    struct error err = { 0 };

    a.keep_best = true;
    for (a.steps = 1; a.steps <= 7; a.steps++) {
        char end[16];
        struct vectors v;
        snprintf(end, sizeof end, " %d", a.steps);
        v = want(s, "attack iterate", "", end);
        must(attack_l2(s->net, &a, s->x, s->label, s->n, moved, NULL, &err));
        check(&v, end, moved, g->C, g->H, g->W, 1, 1e-5);
    }
    free(moved);
}

struct net_case {
    char arch[16], backend[8];
};

ParameterizedTestParameters(nn_networks, small_ones_agree_with_pytorch)
{
    static struct net_case cases[] = {
        { "googlenet", "plain" }, { "googlenet", "onednn" }, { "resnet50", "plain" },
        { "resnet50", "onednn" }, { "googlenet", "cuda:0" }, { "resnet50", "cuda:0" }
    };

    return cr_make_param_array(struct net_case, cases, there_is_a_gpu(NULL) ? 6 : 4);
}

ParameterizedTest(struct net_case *c, nn_networks, small_ones_agree_with_pytorch,
                  .timeout = 120)
{
    struct attack a = { .radius = .75, .step = .125 };
    struct error err = { 0 };
    float logits[10 * N];
    struct scene s;

    scene_open(&s, c->arch, "mini", c->backend, N, false, true);
    must(net_forward(s.net, s.x, N, logits, &err));
    check_logits(&s, logits, 2e-5);
    check_taps(&s, 1e-4);
    check_gradient(&s, (struct nearness){ 1e-4, 1e-3 });
    if (strcmp(c->backend, "onednn") == 0)
        check_attack(&s, a, 1e-4);
    check_iterates(&s, a);
    scene_close(&s);
}

struct backend_case {
    char name[8];
};

ParameterizedTestParameters(nn_networks, attacks_make_the_steps_of_pytorch)
{
    static struct backend_case backends[] = { { "plain" }, { "onednn" } };

    return cr_make_param_array(struct backend_case, backends, 2);
}

/* On one linear; the ball and the range of pixels both bind. */
ParameterizedTest(struct backend_case *b, nn_networks, attacks_make_the_steps_of_pytorch)
{
    static const float mean[] = { .5f, .5f, .5f }, std[] = { .25f, .25f, .25f };
    struct graph *g = graph_new("flat", 3, 32, 32);
    struct attack a = { .radius = .5, .step = .125 };
    struct scene s;

    graph_normalise(g, mean, std);
    graph_flatten(g, "flatten");
    graph_linear(g, "fc", 10);
    scene_of(&s, g, b->name, N, false, true);
    snprintf(s.what, sizeof s.what, "flat mini");
    check_iterates(&s, a);
    scene_close(&s);
}

ParameterizedTestParameters(nn_networks, full_ones_agree_with_pytorch)
{
    static struct net_case cases[] = { { "googlenet", "onednn" },
                                       { "resnet50", "onednn" } };

    return cr_make_param_array(struct net_case, cases, 2);
}

ParameterizedTest(struct net_case *c, nn_networks, full_ones_agree_with_pytorch,
                  .timeout = 120)
{
    bool google = strcmp(c->arch, "googlenet") == 0;
    struct attack a = { .radius = 3, .step = .5 };
    float *logits = malloc(1000 * sizeof *logits);
    struct error err = { 0 };
    struct scene s;

    scene_open(&s, c->arch, google ? "headless" : "full", c->backend, 1, false, true);
    must(net_forward(s.net, s.x, 1, logits, &err));
    check_logits(&s, logits, 2e-5);
    check_taps(&s, 1e-4);
    check_gradient(&s, (struct nearness){ 1e-3, .03 });
    check_attack(&s, a, 1e-3);
    free(logits);
    scene_close(&s);
}

ParameterizedTestParameters(nn_networks, training_small_ones_agrees_with_pytorch)
{
    static struct net_case cases[] = { { "googlenet", "plain" },
                                       { "googlenet", "onednn" },
                                       { "resnet50", "plain" },
                                       { "resnet50", "onednn" } };

    return cr_make_param_array(struct net_case, cases, 4);
}

ParameterizedTest(struct net_case *c, nn_networks,
                  training_small_ones_agrees_with_pytorch, .timeout = 120)
{
    struct scene s;

    scene_open(&s, c->arch, "mini", c->backend, N, true, false);
    check_step(&s, (struct nearness){ 1e-4, 1e-3 });
    scene_close(&s);
}

static const struct nn_backend *real;

static int checked_prepare(struct nn_device *dev, const struct nn_op_desc *d,
                           struct nn_op **op, struct error *err)
{
    int rc = real->prepare(dev, d, op, err);

    for (int k = 0; k < 3 && rc == 0; k++) {
        const char *impl = (*op)->impl[k];
        bool slow = impl != NULL && (strstr(impl, "ref") || strstr(impl, "simple") ||
                                     (d->kind != NN_LINEAR && strstr(impl, "gemm:")));
        cr_assert(not(slow), "%d of %dx%dx%d to %d: %s", d->kind, d->C, d->H, d->W, d->K,
                  impl);
    }
    return rc;
}

struct size_case {
    char arch[16], size[8];
    int batch;
};

ParameterizedTestParameters(nn_networks, onednn_takes_no_slow_kernel)
{
    static struct size_case cases[] = {
        { "alexnet", "mini", 64 },  { "googlenet", "mini", 64 },
        { "resnet50", "mini", 64 }, { "alexnet", "full", 1 },
        { "googlenet", "full", 1 }, { "resnet50", "full", 1 },
    };

    return cr_make_param_array(struct size_case, cases, 6);
}

/* Linears are taken by matrix products, whatever oneDNN calls those. */
ParameterizedTest(struct size_case *c, nn_networks, onednn_takes_no_slow_kernel,
                  .timeout = 60)
{
    struct net_options o = { .batch = c->batch,
                             .lanes = 1,
                             .threads = 1,
                             .weight_gradient = true,
                             .input_gradient = true };
    struct error err = { 0 };
    struct nn_backend checked;
    char platform[64];
    struct graph *g;
    struct net *net;

    must(backend_find(&real, "onednn", &err));
    real->platform(platform, sizeof platform);
    if (strstr(platform, "avx2") == NULL && strstr(platform, "avx512") == NULL)
        cr_skip_test("oneDNN has no direct kernels for the instructions of this machine");
    checked = *real;
    checked.prepare = checked_prepare;
    must(net_arch(&g, c->arch, c->size, 10, &err));
    must(net_open_on(&net, g, &o, &checked, &err));
    net_close(net);
    graph_free(g);
}
