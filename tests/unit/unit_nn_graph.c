#include "nn_fixture.h"

#include <criterion/parameterized.h>
#include <stdio.h>

#include "nn/alexnet.h"
#include "nn/arch.h"
#include "nn/googlenet.h"
#include "nn/init.h"
#include "nn/resnet50.h"

struct size_case {
    char arch[16], size[16];
    int classes, side;
    long parameters, multiplications;
    int tensors, norms; /* tensors: without buffers */
};

ParameterizedTestParameters(nn_graph, networks_have_their_published_sizes)
{
    static struct size_case cases[] = {
        { "alexnet", "full", 1000, 224, 61100840, 714188480, 16, 0 },
        { "alexnet", "mini", 10, 32, 240394, 5770496, 16, 0 },
        { "googlenet", "full", 1000, 224, 13004888, 1498376192, 187, 59 },
        { "googlenet", "headless", 1000, 224, 6624904, 1498376192, 173, 57 },
        { "googlenet", "mini", 10, 32, 358154, 7659520, 173, 57 },
        { "resnet50", "full", 1000, 224, 25557032, 4089184256, 161, 53 },
        { "resnet50", "mini", 10, 32, 378234, 5749248, 161, 53 },
    };

    return cr_make_param_array(struct size_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct size_case *c, nn_graph, networks_have_their_published_sizes)
{
    struct tensors all = { 0 }, trained = { 0 };
    struct error err = { 0 };
    struct graph *g;

    must(net_arch(&g, c->arch, c->size, c->classes, &err));
    graph_tensors(g, &all);
    graph_parameter_tensors(g, &trained);
    cr_assert(eq(long, graph_parameters(g), c->parameters));
    cr_assert(eq(long, graph_multiplications(g), c->multiplications));
    cr_assert(eq(int, g->H, c->side));
    cr_assert(eq(int, g->classes, c->classes));
    cr_assert(eq(int, (int)trained.n, c->tensors));
    cr_assert(eq(int, (int)(all.n - trained.n), 3 * c->norms));
    tensors_release(&trained);
    tensors_release(&all);
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

/* The tensors of a GoogLeNet and of a ResNet that begin so, in torchvision's order. */
static void check_order(struct graph *g, const char *prefix, const char *const *names,
                        size_t n)
{
    struct tensors t = { 0 };
    char text[GRAPH_PARAMETER];
    size_t at = 0;

    graph_tensors(g, &t);
    while (strncmp(t.tensor[at].name, prefix, strlen(prefix)) != 0)
        at++;
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%s%s", prefix, names[i]);
        cr_assert(eq(str, t.tensor[at + i].name, text));
    }
    tensors_release(&t);
    graph_free(g);
}

Test(nn_graph, blocks_bear_the_names_of_torchvision)
{
    static const char *const inception[] = {
        "branch1.conv.weight",    "branch1.bn.weight",
        "branch1.bn.bias",        "branch1.bn.running_mean",
        "branch1.bn.running_var", "branch1.bn.num_batches_tracked",
        "branch2.0.conv.weight",
    };
    static const char *const aux[] = {
        "conv.conv.weight",    "conv.bn.weight",
        "conv.bn.bias",        "conv.bn.running_mean",
        "conv.bn.running_var", "conv.bn.num_batches_tracked",
        "fc1.weight",          "fc1.bias",
        "fc2.weight",          "fc2.bias",
    };
    static const char *const bottleneck[] = {
        "conv1.weight",        "bn1.weight",          "bn1.bias",
        "bn1.running_mean",    "bn1.running_var",     "bn1.num_batches_tracked",
        "conv2.weight",        "bn2.weight",          "bn2.bias",
        "bn2.running_mean",    "bn2.running_var",     "bn2.num_batches_tracked",
        "conv3.weight",        "bn3.weight",          "bn3.bias",
        "bn3.running_mean",    "bn3.running_var",     "bn3.num_batches_tracked",
        "downsample.0.weight", "downsample.1.weight",
    };

    check_order(googlenet_mini(10), "inception4e.", inception, 7);
    check_order(googlenet_full(10), "aux2.", aux, 10);
    check_order(resnet50_mini(10), "layer3.0.", bottleneck, 20);
}

struct tap_case {
    char arch[16], size[8], tap[8];
    int C, H;
};

ParameterizedTestParameters(nn_graph, taps_have_the_shapes_of_the_paper)
{
    static struct tap_case cases[] = {
        { "alexnet", "full", "conv1", 64, 55 },
        { "alexnet", "full", "conv2", 192, 27 },
        { "alexnet", "full", "conv3", 384, 13 },
        { "alexnet", "full", "conv4", 256, 13 },
        { "alexnet", "full", "conv5", 256, 13 },
        { "googlenet", "full", "conv1", 64, 112 },
        { "googlenet", "full", "conv2", 64, 56 },
        { "googlenet", "full", "conv3", 192, 56 },
        { "googlenet", "full", "3a", 256, 28 },
        { "googlenet", "full", "3b", 480, 28 },
        { "googlenet", "full", "4a", 512, 14 },
        { "googlenet", "full", "4b", 512, 14 },
        { "googlenet", "full", "4c", 512, 14 },
        { "googlenet", "full", "4d", 528, 14 },
        { "googlenet", "full", "4e", 832, 14 },
        { "googlenet", "full", "5a", 832, 7 },
        { "googlenet", "full", "5b", 1024, 7 },
        { "googlenet", "mini", "conv1", 16, 16 },
        { "googlenet", "mini", "conv3", 48, 16 },
        { "googlenet", "mini", "3b", 120, 8 },
        { "googlenet", "mini", "4e", 208, 4 },
        { "googlenet", "mini", "5b", 256, 2 },
        { "resnet50", "full", "conv1", 64, 112 },
        { "resnet50", "full", "layer1", 256, 56 },
        { "resnet50", "full", "layer2", 512, 28 },
        { "resnet50", "full", "layer3", 1024, 14 },
        { "resnet50", "full", "layer4", 2048, 7 },
        { "resnet50", "mini", "conv1", 16, 16 },
        { "resnet50", "mini", "layer1", 32, 16 },
        { "resnet50", "mini", "layer2", 64, 8 },
        { "resnet50", "mini", "layer3", 128, 4 },
        { "resnet50", "mini", "layer4", 256, 2 },
    };

    return cr_make_param_array(struct tap_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct tap_case *c, nn_graph, taps_have_the_shapes_of_the_paper)
{
    const struct graph_op *op;
    struct error err = { 0 };
    struct graph *g;

    must(net_arch(&g, c->arch, c->size, 10, &err));
    op = graph_tap(g, c->tap);
    cr_assert(not(zero(ptr, (void *)op)));
    cr_assert(op->kind == GRAPH_RELU || op->kind == GRAPH_CONCAT);
    cr_assert(eq(int, op->C, c->C));
    cr_assert(eq(int, op->H, c->H));
    cr_assert(zero(ptr, (void *)graph_tap(g, "conv6")));
    cr_assert(zero(ptr, (void *)graph_tap(g, "")));
    graph_free(g);
}

/* Channels of all taps after a ReLU: those of the paper's Appendix A, and of the minis.
 */
Test(nn_graph, taps_have_the_channels_of_the_paper)
{
    static const struct {
        const char *arch, *size;
        int layers, channels;
    } want[] = { { "alexnet", "full", 5, 1152 },    { "googlenet", "full", 12, 5808 },
                 { "resnet50", "full", 5, 3904 },   { "alexnet", "mini", 5, 312 },
                 { "googlenet", "mini", 12, 1452 }, { "resnet50", "mini", 5, 496 } };
    struct error err = { 0 };

    for (size_t i = 0; i < 6; i++) {
        int layers = 0, channels = 0;
        struct graph *g;
        must(net_arch(&g, want[i].arch, want[i].size, 10, &err));
        for (size_t k = 0; k < g->n_ops; k++) {
            const struct graph_op *op = &g->op[k];
            if (op->tap[0] == '\0' || op->tap[0] == 'f' || op->kind == GRAPH_CONV)
                continue; /* fc6, fc7 and conv1.raw are for other uses */
            layers++;
            channels += op->C;
        }
        cr_assert(eq(int, layers, want[i].layers));
        cr_assert(eq(int, channels, want[i].channels));
        graph_free(g);
    }
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

static double largest_of(const struct tensors *t, const char *name)
{
    const struct tensor *x = tensors_find(t, name);
    double most = 0;

    for (size_t i = 0; i < x->n; i++)
        most = fmax(most, fabs((double)x->value[i]));
    return most;
}

Test(nn_graph, full_googlenet_starts_from_truncated_normals)
{
    struct graph *g = googlenet_full(1000);
    struct tensors t = { 0 };
    double mean, std;

    init_parameters(g, 5, &t);
    moments(&t, "inception5b.branch2.1.conv.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, mean, 0, 5e-5));
    cr_assert(epsilon_eq(dbl, std, .0088, 5e-5));
    cr_assert(le(dbl, largest_of(&t, "inception5b.branch2.1.conv.weight"), .02));
    moments(&t, "aux1.fc1.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, std, .0088, 5e-5));
    moments(&t, "fc.bias", &mean, &std);
    cr_assert(epsilon_eq(dbl, std, 1 / 32. / sqrt(3), 2e-3));
    moments(&t, "aux2.conv.bn.weight", &mean, &std);
    cr_assert(eq(dbl, mean, 1));
    moments(&t, "conv1.bn.running_var", &mean, &std);
    cr_assert(eq(dbl, mean, 1));
    cr_assert(eq(dbl, largest_of(&t, "conv1.bn.running_mean"), 0));
    tensors_release(&t);
    graph_free(g);
}

Test(nn_graph, full_resnet_starts_from_the_fan_out)
{
    struct graph *g = resnet50_full(1000);
    struct tensors t = { 0 };
    double mean, std;

    init_parameters(g, 5, &t);
    moments(&t, "layer4.0.conv2.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, std, sqrt(2. / (9 * 512)), 1e-4));
    moments(&t, "layer4.0.downsample.0.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, std, sqrt(2. / 2048), 1e-4));
    cr_assert(le(dbl, largest_of(&t, "fc.weight"), 1 / sqrt(2048)));
    moments(&t, "layer1.0.bn3.weight", &mean, &std);
    cr_assert(eq(dbl, mean, 1));
    tensors_release(&t);
    graph_free(g);
}

Test(nn_graph, small_resnet_starts_with_its_last_norms_at_zero)
{
    struct graph *g = resnet50_mini(10);
    struct tensors t = { 0 };
    double mean, std;

    init_parameters(g, 5, &t);
    cr_assert(eq(dbl, largest_of(&t, "layer2.3.bn3.weight"), 0));
    moments(&t, "layer2.3.bn2.weight", &mean, &std);
    cr_assert(eq(dbl, mean, 1));
    moments(&t, "layer2.0.downsample.1.weight", &mean, &std);
    cr_assert(eq(dbl, mean, 1));
    moments(&t, "layer3.0.conv2.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, std, sqrt(2. / (9 * 32)), 2e-3));
    moments(&t, "fc.weight", &mean, &std);
    cr_assert(epsilon_eq(dbl, std, sqrt(2. / 256), 4e-3));
    tensors_release(&t);
    graph_free(g);
}

Test(nn_graph, norms_have_the_eps_of_their_network)
{
    struct graph *g[] = { googlenet_full(10), resnet50_full(10), resnet50_mini(10) };
    int n[3][2] = { 0 };

    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < g[k]->n_ops; i++)
            if (g[k]->op[i].kind == GRAPH_BATCHNORM)
                n[k][g[k]->op[i].eps > 5e-4]++;
        graph_free(g[k]);
    }
    cr_assert(
        zero(int, memcmp(n, (int[3][2]){ { 0, 59 }, { 53, 0 }, { 20, 33 } }, sizeof n)));
}

Test(nn_graph, transform_input_is_another_first_operator)
{
    struct graph *g = googlenet_headless(10);

    cr_assert(eq(flt, g->op[0].mean[1], .5f));
    cr_assert(eq(flt, g->op[0].std[1], .5f));
    googlenet_transform_input(g, false);
    cr_assert(eq(flt, g->op[0].mean[1], .456f));
    cr_assert(eq(flt, g->op[0].std[2], .225f));
    googlenet_transform_input(g, true);
    cr_assert(eq(flt, g->op[0].std[2], .5f));
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
