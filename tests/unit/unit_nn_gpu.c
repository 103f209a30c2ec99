/* Networks on a GPU against the CPU, where there is one. */
#include "nn_fixture.h"

#include <criterion/logging.h>
#include <criterion/parameterized.h>
#include <dlfcn.h>

#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/init.h"

enum { N = 8, CLASSES = 10, STEPS = 20 };

/* Ends the test where there is no GPU. */
static void need_gpu(void)
{
    struct error err = { 0 };

    if (!there_is_a_gpu(&err))
        cr_skip_test("%s", err.text);
}

Test(nn_gpu, a_wrong_device_is_named)
{
    static const char *const wrong[] = { "cuda", "cuda:", "cuda:x", "cuda:1x",
                                         "cuda:-1" };
    const struct nn_backend *b;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = { 0 };
        cr_assert(eq(int, backend_find(&b, wrong[i], &err), E_USAGE), "%s", wrong[i]);
        cr_assert(not(zero(ptr, strstr(err.text, wrong[i]))), "%s", err.text);
    }
}

Test(nn_gpu, without_a_driver_the_cpu_is_recommended)
{
    const struct nn_backend *b;
    struct error err = { 0 };

    if (dlopen("libcuda.so.1", RTLD_LAZY) != NULL)
        cr_skip_test("there is a driver here");
    cr_assert(eq(int, backend_find(&b, "cuda:0", &err), E_DEVICE));
    cr_assert(not(zero(ptr, strstr(err.text, "cuda:0: there is no NVIDIA driver"))));
    cr_assert(not(zero(ptr, strstr(err.text, "LARDER_DEVICE=cpu"))));
}

struct training {
    char arch[12];
    int lanes, robust;
    double near; /* how near losses and weights stay, step by step */
};

/* A network in training on eight pictures. */
struct trainee {
    const struct graph *g;
    struct net *net;
    const float *x;
    float *moved, loss[N];
    int32_t label[N];
};

static void trainee_open_on(struct trainee *t, const struct graph *g,
                            const struct nn_backend *backend, int lanes, const float *x)
{
    const struct net_options o = { .batch = N,
                                   .lanes = lanes,
                                   .threads = 1,
                                   .weight_gradient = true,
                                   .input_gradient = true };
    struct tensors start = { 0 };
    struct error err = { 0 };

    *t = (struct trainee){ .g = g, .x = x };
    must(net_open_on(&t->net, g, &o, backend, &err));
    t->moved = malloc((size_t)N * g->H * g->W * g->C * sizeof *t->moved);
    for (int i = 0; i < N; i++)
        t->label[i] = i % CLASSES;
    init_parameters(g, 7, &start);
    must(net_set_parameters(t->net, &start, &err));
    tensors_release(&start);
}

static void trainee_open(struct trainee *t, const struct graph *g, const char *name,
                         int lanes, const float *x)
{
    const struct nn_backend *backend;
    struct error err = { 0 };

    must(backend_find(&backend, name, &err));
    trainee_open_on(t, g, backend, lanes, x);
}

static void trainee_close(struct trainee *t)
{
    net_close(t->net);
    free(t->moved);
}

/* One step; its mean loss. */
static double step(struct trainee *t, bool robust)
{
    static const struct sgd sgd = {
        .lr = .01, .momentum = .9, .weight_decay = 5e-4, .clip = 5
    };
    static const struct attack a = {
        .radius = .75, .step = .25, .steps = 3, .keep_best = true
    };
    const float *x = robust ? t->moved : t->x;
    struct error err = { 0 };
    double sum = 0;

    if (robust)
        must(attack_l2(t->net, &a, t->x, t->label, N, t->moved, NULL, &err));
    must(net_forward_training(t->net, x, N, NULL, NULL, &err));
    must(net_loss(t->net, t->label, t->loss, &err));
    must(net_backward_weights(t->net, &err));
    must(net_update(t->net, &sgd, &err));
    for (int i = 0; i < N; i++)
        sum += (double)t->loss[i];
    return sum / N;
}

/* Makes to what from is: weights and momentum. */
static void follow(struct trainee *to, const struct trainee *from)
{
    struct tensors w = { 0 }, v = { 0 };
    struct error err = { 0 };

    must(net_get_parameters(from->net, &w, &err));
    must(net_set_parameters(to->net, &w, &err));
    must(net_get_momentum(from->net, &v, &err));
    must(net_set_momentum(to->net, &v, &err));
    tensors_release(&v);
    tensors_release(&w);
}

/* Squares of what differs, and of what it differs from. */
struct gap {
    double square, of;
};

static void widen(struct gap *gap, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        gap->square += pow((double)a[i] - (double)b[i], 2);
        gap->of += pow((double)b[i], 2);
    }
}

static double relative(const struct gap *gap)
{
    return sqrt(gap->square / (gap->of + 1e-30));
}

/* How far the weights of both are apart, beside their length. */
static double apart(const struct trainee *a, const struct trainee *b)
{
    struct tensors v = { 0 }, w = { 0 };
    struct gap gap = { 0 };
    struct error err = { 0 };

    must(net_get_parameters(a->net, &v, &err));
    must(net_get_parameters(b->net, &w, &err));
    for (size_t i = 0; i < v.n; i++)
        widen(&gap, v.tensor[i].value, w.tensor[i].value, v.tensor[i].n);
    tensors_release(&w);
    tensors_release(&v);
    return relative(&gap);
}

static struct training trainings[] = {
    { "alexnet", 1, 0, 1e-4 }, { "alexnet", 4, 1, 1e-2 },  { "googlenet", 1, 0, 1e-3 },
    { "googlenet", 2, 1, .1 }, { "resnet50", 1, 0, 1e-3 }, { "resnet50", 2, 1, 1e-2 },
};

ParameterizedTestParameters(nn_gpu, a_step_is_that_of_the_cpu)
{
    return cr_make_param_array(struct training, trainings, there_is_a_gpu(NULL) ? 6 : 1);
}

/* From the same state each time: left alone, two trainings part by their rounding. */
ParameterizedTest(struct training *c, nn_gpu, a_step_is_that_of_the_cpu)
{
    struct error err = { 0 };
    struct trainee cpu, gpu;
    struct graph *g;
    double loss = 0, weights = 0;
    float *x;

    need_gpu();
    must(net_arch(&g, c->arch, "mini", CLASSES, &err));
    x = counted_pictures(g, N, false);
    trainee_open(&cpu, g, "onednn", c->lanes, x);
    trainee_open(&gpu, g, "cuda:0", c->lanes, x);
    for (int t = 0; t < STEPS; t++) {
        double want = step(&cpu, c->robust);
        loss = fmax(loss, fabs(step(&gpu, c->robust) / want - 1));
        weights = fmax(weights, apart(&gpu, &cpu));
        follow(&gpu, &cpu);
    }
    cr_log_info("%s, %d lanes, %s: losses within %.1e, weights within %.1e", c->arch,
                c->lanes, c->robust ? "R" : "S", loss, weights);
    cr_expect(lt(dbl, loss, c->near));
    cr_expect(lt(dbl, weights, c->near));
    trainee_close(&gpu);
    trainee_close(&cpu);
    free(x);
    graph_free(g);
}

ParameterizedTestParameters(nn_gpu, two_trainings_end_with_the_same_bytes)
{
    return cr_make_param_array(struct training, trainings, there_is_a_gpu(NULL) ? 6 : 1);
}

ParameterizedTest(struct training *c, nn_gpu, two_trainings_end_with_the_same_bytes)
{
    struct error err = { 0 };
    struct trainee one, two;
    struct graph *g;
    float *x;

    need_gpu();
    must(net_arch(&g, c->arch, "mini", CLASSES, &err));
    x = counted_pictures(g, N, false);
    trainee_open(&one, g, "cuda:0", c->lanes, x);
    trainee_open(&two, g, "cuda:0", c->lanes, x);
    for (int t = 0; t < STEPS; t++) {
        double want = step(&one, c->robust);
        cr_assert(eq(dbl, step(&two, c->robust), want), "step %d", t);
    }
    cr_expect(eq(dbl, apart(&one, &two), 0));
    trainee_close(&two);
    trainee_close(&one);
    free(x);
    graph_free(g);
}

/* The logits in evaluation after three steps of training. */
static void trained_logits(struct trainee *t, float *logits)
{
    struct error err = { 0 };

    for (int k = 0; k < 3; k++)
        step(t, false);
    must(net_forward(t->net, t->x, N, logits, &err));
}

ParameterizedTestParameters(nn_gpu, folding_gives_the_bytes_of_the_host)
{
    return cr_make_param_array(struct training, trainings, there_is_a_gpu(NULL) ? 6 : 1);
}

ParameterizedTest(struct training *c, nn_gpu, folding_gives_the_bytes_of_the_host)
{
    float logits[2][N * CLASSES], *x;
    const struct nn_backend *gpu;
    struct nn_backend through_host;
    struct error err = { 0 };
    struct graph *g;

    need_gpu();
    must(backend_find(&gpu, "cuda:0", &err));
    through_host = *gpu;
    through_host.fold = NULL;
    must(net_arch(&g, c->arch, "mini", CLASSES, &err));
    x = counted_pictures(g, N, false);
    for (int k = 0; k < 2; k++) {
        struct trainee t;
        trainee_open_on(&t, g, k == 0 ? gpu : &through_host, c->lanes, x);
        trained_logits(&t, logits[k]);
        trainee_close(&t);
    }
    cr_expect(zero(int, memcmp(logits[0], logits[1], sizeof logits[0])));
    free(x);
    graph_free(g);
}

struct full {
    char arch[12];
};

ParameterizedTestParameters(nn_gpu, published_networks_agree_with_the_cpu)
{
    static struct full cases[] = { { "alexnet" }, { "googlenet" }, { "resnet50" } };

    return cr_make_param_array(struct full, cases, there_is_a_gpu(NULL) ? 3 : 1);
}

/* Logits and the gradient with respect to the picture, in evaluation. A value that lies
 * so near a ReLU's edge that rounding moves it over takes its gradient along. */
ParameterizedTest(struct full *c, nn_gpu, published_networks_agree_with_the_cpu)
{
    static const char *const backend[] = { "onednn", "cuda:0" };
    float logits[2][2 * 1000], loss[2], *gradient[2], *x;
    const int32_t label[2] = { 3, 700 };
    double near[2];
    struct tensors t = { 0 };
    struct error err = { 0 };
    struct graph *g;
    size_t size;

    need_gpu();
    must(net_arch(&g, c->arch, "full", 1000, &err));
    counted_parameters(g, &t);
    x = counted_pictures(g, 2, true);
    size = 2 * (size_t)g->H * g->W * g->C;
    for (int k = 0; k < 2; k++) {
        struct net *net = open_net(g, backend[k], 2, 1, 1, false, true);
        gradient[k] = calloc(size, sizeof(float));
        must(net_set_parameters(net, &t, &err));
        must(net_forward(net, x, 2, logits[k], &err));
        must(net_loss(net, label, loss, &err));
        must(net_backward_input(net, gradient[k], &err));
        net_close(net);
    }
    for (int k = 0; k < 2; k++) {
        struct gap gap = { 0 };
        widen(&gap, k == 0 ? logits[1] : gradient[1], k == 0 ? logits[0] : gradient[0],
              k == 0 ? 2000 : size);
        near[k] = relative(&gap);
    }
    cr_log_info("%s: logits within %.1e, gradient within %.1e", c->arch, near[0],
                near[1]);
    cr_expect(lt(dbl, near[0], 1e-5));
    cr_expect(lt(dbl, near[1], 2e-2));
    free(gradient[0]);
    free(gradient[1]);
    free(x);
    tensors_release(&t);
    graph_free(g);
}
