/* Both AlexNets against what PyTorch computes in double precision. */
#include "nn_fixture.h"

#include <criterion/parameterized.h>
#include <stdio.h>

#include "nn/alexnet.h"
#include "nn/attack.h"

struct backend_case {
    char name[8];
};

static struct backend_case backends[] = { { "plain" }, { "onednn" }, { "cuda:0" } };

/* The network with the counted parameters. */
static struct net *counted_net(const struct graph *g, const char *backend, int batch,
                               bool weights)
{
    struct net *net = open_net(g, backend, batch, 1, 1, weights, true);
    struct error err = { 0 };
    struct tensors t = { 0 };

    counted_parameters(g, &t);
    must(net_set_parameters(net, &t, &err));
    tensors_release(&t);
    return net;
}

static void check(const char *what, const float *have, size_t n, double tolerance)
{
    struct vectors want = vectors_read(what);

    for (int i = 0; i < want.n; i++) {
        cr_assert(lt(sz, (size_t)want.index[i], n));
        cr_assert(epsilon_eq(dbl, (double)have[want.index[i]], want.value[i],
                             tolerance * fmax(1, fabs(want.value[i]))),
                  "%s %ld", what, want.index[i]);
    }
}

ParameterizedTestParameters(nn_alexnet, small_one_agrees_with_pytorch)
{
    return cr_make_param_array(struct backend_case, backends,
                               there_is_a_gpu(NULL) ? 3 : 2);
}

ParameterizedTest(struct backend_case *b, nn_alexnet, small_one_agrees_with_pytorch)
{
    static const int32_t label[] = { 3, 1, 9, 0 };
    struct graph *g = alexnet_mini(10);
    struct net *net = counted_net(g, b->name, 4, false);
    struct vectors want = vectors_read("mini input gradient");
    float *x = counted_pictures(g, 4, false), logits[40], loss[4];
    float *dx = malloc(4 * 3072 * sizeof *dx);
    struct error err = { 0 };

    must(net_forward(net, x, 4, logits, &err));
    check("mini logits", logits, 40, 1e-5);
    must(net_loss(net, label, loss, &err));
    check("mini loss", loss, 4, 1e-5);
    must(net_backward_input(net, dx, &err));
    for (int i = 0; i < want.n; i++)
        cr_assert(epsilon_eq(dbl, (double)dx[nhwc(want.index[i], 3, 32, 32)],
                             want.value[i], 1e-5));
    want = vectors_read("mini input gradient norm");
    for (int i = 0; i < want.n; i++) {
        double sum = 0;
        for (int j = 0; j < 3072; j++)
            sum += (double)dx[i * 3072 + j] * (double)dx[i * 3072 + j];
        cr_assert(epsilon_eq(dbl, sqrt(sum) / want.value[i], 1, 1e-5));
    }
    free(dx);
    free(x);
    net_close(net);
    graph_free(g);
}

/* Three steps of SGD with momentum and weight decay, as PyTorch makes them. */
static void check_sgd(const char *backend, double lr, double clip, const char *prefix)
{
    static const int32_t label[] = { 3, 1, 9, 0 };
    struct graph *g = alexnet_mini(10);
    struct net *net = counted_net(g, backend, 4, true);
    struct sgd sgd = { .lr = lr, .momentum = .9, .weight_decay = 5e-4, .clip = clip };
    float *x = counted_pictures(g, 4, false), loss[4], mean[3];
    struct tensors t = { 0 };
    struct error err = { 0 };
    char what[64];

    for (int step = 0; step < 3; step++) {
        must(net_forward(net, x, 4, NULL, &err));
        must(net_loss(net, label, loss, &err));
        mean[step] = (loss[0] + loss[1] + loss[2] + loss[3]) / 4;
        must(net_backward_weights(net, &err));
        must(net_update(net, &sgd, &err));
    }
    snprintf(what, sizeof what, "%s loss", prefix);
    check(what, mean, 3, 1e-5);
    must(net_get_parameters(net, &t, &err));
    for (size_t k = 0; k < t.n; k++) {
        snprintf(what, sizeof what, "%s %s", prefix, t.tensor[k].name);
        check(what, t.tensor[k].value, t.tensor[k].n, 2e-5);
    }
    tensors_release(&t);
    free(x);
    net_close(net);
    graph_free(g);
}

ParameterizedTestParameters(nn_alexnet, sgd_agrees_with_pytorch)
{
    return cr_make_param_array(struct backend_case, backends,
                               there_is_a_gpu(NULL) ? 3 : 2);
}

ParameterizedTest(struct backend_case *b, nn_alexnet, sgd_agrees_with_pytorch)
{
    check_sgd(b->name, .0005, 0, "mini sgd clip 0");
}

ParameterizedTestParameters(nn_alexnet, clipped_sgd_agrees_with_pytorch)
{
    return cr_make_param_array(struct backend_case, backends,
                               there_is_a_gpu(NULL) ? 3 : 2);
}

ParameterizedTest(struct backend_case *b, nn_alexnet, clipped_sgd_agrees_with_pytorch)
{
    check_sgd(b->name, .04, .5, "mini sgd clip 0.5");
}

static void check_taps(struct net *net, const struct graph *g)
{
    struct vectors want = vectors_read("full tap mean");
    struct error err = { 0 };
    char tap[16];

    for (int i = 0; i < 5; i++) {
        snprintf(tap, sizeof tap, "conv%d", i + 1);
        const struct graph_op *op = graph_tap(g, tap);
        size_t n = (size_t)op->C * op->H * op->W;
        float *values = malloc(n * sizeof *values);
        double sum = 0;
        must(net_tap(net, tap, values, &err));
        for (size_t j = 0; j < n; j++)
            sum += (double)values[j];
        cr_assert(epsilon_eq(dbl, sum / (double)n / want.value[i], 1, 1e-5), "%s", tap);
        free(values);
    }
}

Test(nn_alexnet, full_one_agrees_with_pytorch, .timeout = 120)
{
    static const int32_t label[] = { 65 };
    struct graph *g = alexnet_full(1000);
    struct net *net = counted_net(g, "onednn", 1, false);
    struct attack a = { .radius = 3, .step = .5, .keep_best = true };
    struct vectors want = vectors_read("full attack loss");
    float *x = counted_pictures(g, 1, true), *dx = malloc(150528 * sizeof *dx);
    float *logits = malloc(1000 * sizeof *logits), loss[1];
    double sum = 0, squares = 0;
    struct error err = { 0 };

    must(net_forward(net, x, 1, logits, &err));
    check("full logits", logits, 1000, 2e-5);
    for (int i = 0; i < 1000; i++)
        sum += (double)logits[i];
    for (int i = 0; i < 1000; i++)
        squares += pow((double)logits[i] - sum / 1000, 2);
    cr_assert(
        epsilon_eq(dbl, sum / 1000, vectors_read("full logits mean").value[0], 1e-5));
    cr_assert(epsilon_eq(dbl, sqrt(squares / 999),
                         vectors_read("full logits std").value[0], 1e-4));
    check_taps(net, g);
    must(net_loss(net, label, loss, &err));
    must(net_backward_input(net, dx, &err));
    squares = 0;
    for (int i = 0; i < 150528; i++)
        squares += (double)dx[i] * (double)dx[i];
    cr_assert(epsilon_eq(dbl, sqrt(squares),
                         vectors_read("full input gradient norm").value[0], 1e-3));
    for (a.steps = 0; a.steps <= 7; a.steps += a.steps == 0 ? 1 : 3) {
        must(attack_l2(net, &a, x, label, 1, dx, loss, &err));
        cr_assert(epsilon_eq(dbl, (double)loss[0] / want.value[a.steps], 1, 1e-3),
                  "step %d", a.steps);
    }
    free(logits);
    free(dx);
    free(x);
    net_close(net);
    graph_free(g);
}
