#include "nn_fixture.h"

#include "nn/alexnet.h"
#include "nn/arch.h"
#include "nn/init.h"

Test(nn_graph, full_alexnet_has_the_published_size)
{
    struct graph *g = alexnet_full(1000);

    cr_assert(eq(long, graph_parameters(g), 61100840));
    cr_assert(eq(long, graph_multiplications(g), 714188480));
    cr_assert(eq(int, g->H, 224));
    cr_assert(eq(int, g->classes, 1000));
    graph_free(g);
}

Test(nn_graph, small_alexnet_has_its_size)
{
    struct graph *g = alexnet_mini(10);

    cr_assert(eq(long, graph_parameters(g), 240394));
    cr_assert(eq(long, graph_multiplications(g), 5770496));
    cr_assert(eq(int, g->H, 32));
    cr_assert(eq(int, g->classes, 10));
    graph_free(g);
}

Test(nn_graph, parameters_bear_the_names_and_shapes_of_torchvision)
{
    static const char *const names[] = {
        "features.0.weight",   "features.0.bias",     "features.3.weight",
        "features.3.bias",     "features.6.weight",   "features.6.bias",
        "features.8.weight",   "features.8.bias",     "features.10.weight",
        "features.10.bias",    "classifier.1.weight", "classifier.1.bias",
        "classifier.4.weight", "classifier.4.bias",   "classifier.6.weight",
        "classifier.6.bias",
    };
    struct graph *g = alexnet_mini(10);
    struct tensors t = { 0 };

    graph_tensors(g, &t);
    cr_assert(eq(sz, t.n, 16));
    for (size_t i = 0; i < t.n; i++)
        cr_assert(eq(str, t.tensor[i].name, (char *)names[i]));
    cr_assert(eq(long, t.tensor[0].dim[0], 24));
    cr_assert(eq(long, t.tensor[0].dim[1], 3));
    cr_assert(eq(long, t.tensor[0].dim[3], 7));
    cr_assert(eq(int, t.tensor[10].n_dims, 2));
    cr_assert(eq(long, t.tensor[10].dim[1], 256));
    tensors_release(&t);
    graph_free(g);
}

Test(nn_graph, taps_are_the_outputs_after_relu)
{
    struct graph *g = alexnet_full(1000);
    static const struct {
        const char *tap;
        int C, H;
    } want[] = { { "conv1", 64, 55 },
                 { "conv2", 192, 27 },
                 { "conv3", 384, 13 },
                 { "conv4", 256, 13 },
                 { "conv5", 256, 13 } };

    for (size_t i = 0; i < 5; i++) {
        const struct graph_op *op = graph_tap(g, want[i].tap);
        cr_assert(not(zero(ptr, (void *)op)));
        cr_assert(eq(int, op->kind, GRAPH_RELU));
        cr_assert(eq(int, op->C, want[i].C));
        cr_assert(eq(int, op->H, want[i].H));
    }
    cr_assert(zero(ptr, (void *)graph_tap(g, "conv6")));
    cr_assert(zero(ptr, (void *)graph_tap(g, "")));
    graph_free(g);
}

Test(nn_graph, ceil_mode_adds_a_window_that_begins_inside)
{
    struct graph *g = graph_new("pools", 1, 12, 7);

    graph_maxpool(g, "a", 3, 2, 0, true);
    cr_assert(eq(int, g->op[0].H, 6));
    cr_assert(eq(int, g->op[0].W, 3));
    graph_maxpool(g, "b", 3, 2, 0, false);
    cr_assert(eq(int, g->op[1].H, 2));
    cr_assert(eq(int, g->op[1].W, 1));
    graph_free(g);
}

Test(nn_graph, networks_are_found_by_name)
{
    struct error err = { 0 };
    struct graph *g;

    must(net_arch(&g, "alexnet", "mini", 7, &err));
    cr_assert(eq(int, g->classes, 7));
    graph_free(g);
    cr_assert(eq(int, net_arch(&g, "alexnt", "mini", 7, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "the nearest is alexnet"))));
    cr_assert(eq(int, net_arch(&g, "alexnet", "mini", 0, &err), E_INPUT));
}

/* Mean and standard deviation of a parameter. */
static void moments(const struct tensors *t, const char *name, double *mean, double *std)
{
    const struct tensor *x = tensors_find(t, name);
    double sum = 0, squares = 0;

    for (size_t i = 0; i < x->n; i++) {
        sum += (double)x->value[i];
        squares += (double)x->value[i] * (double)x->value[i];
    }
    *mean = sum / (double)x->n;
    *std = sqrt(squares / (double)x->n - *mean * *mean);
}

Test(nn_graph, small_alexnet_starts_from_he_normal_weights)
{
    struct graph *g = alexnet_mini(10);
    struct tensors t = { 0 };
    double mean, std;

    init_parameters(g, 5, &t);
    moments(&t, "features.3.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, mean, 0, .001));
    cr_assert(epsilon_eq(dbl, std, sqrt(2 / 600.), .001));
    moments(&t, "classifier.6.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, std, .01, .0007));
    moments(&t, "features.3.bias", &mean, &std);
    cr_assert(eq(dbl, mean, 0));
    cr_assert(eq(dbl, std, 0));
    tensors_release(&t);
    graph_free(g);
}

/* features.0.weight, seed 0, by hand from the rule of kit/draws.h. */
Test(nn_graph, initial_weights_follow_the_rule_of_draws)
{
    struct graph *g = alexnet_mini(10);
    struct tensors t = { 0 }, other = { 0 };
    struct vectors want = vectors_read("init features.0.weight");

    init_parameters(g, 0, &t);
    for (int i = 0; i < want.n; i++)
        cr_assert(epsilon_eq(dbl, (double)t.tensor[0].value[want.index[i]], want.value[i],
                             1e-7));
    init_parameters(g, 1, &other);
    cr_assert(ne(flt, t.tensor[0].value[0], other.tensor[0].value[0]));
    tensors_release(&other);
    tensors_release(&t);
    graph_free(g);
}

Test(nn_graph, full_alexnet_starts_from_the_default_of_pytorch)
{
    struct graph *g = graph_new("one", 3, 8, 8);
    struct tensors t = { 0 };
    double mean, std, bound = 1 / sqrt(3 * 9.);

    graph_conv(g, "a", 512, 3, 1, 1)->init = INIT_UNIFORM;
    init_parameters(g, 5, &t);
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < t.tensor[k].n; i++)
            cr_assert(le(dbl, fabs((double)t.tensor[k].value[i]), bound));
        moments(&t, t.tensor[k].name, &mean, &std);
        cr_assert(epsilon_eq(dbl, std, bound / sqrt(3), .006));
    }
    tensors_release(&t);
    graph_free(g);
    g = alexnet_full(1000);
    for (size_t i = 0; i < g->n_ops; i++)
        cr_assert(eq(int, g->op[i].init, INIT_UNIFORM));
    graph_free(g);
}
