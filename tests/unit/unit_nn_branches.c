/* A small network with everything that branches and that training computes otherwise:
 * against finite differences, backend against backend, in lanes and threads. */
#include "nn_fixture.h"

#include <criterion/parameterized.h>
#include <stdio.h>
#include <unistd.h>

#include "kit/draws.h"
#include "nn/attack.h"

enum { N = 6, SIDE = 8, SIZE = SIDE * SIDE * 3, CLASSES = 5 };

static const int32_t label[N] = { 3, 1, 4, 0, 2, 3 };

static int normed(struct graph *g, const char *name, int out, int kernel, bool relu,
                  const char *tap)
{
    char text[GRAPH_NAME];

    snprintf(text, sizeof text, "%s.conv", name);
    graph_conv(g, text, out, kernel, 1, kernel / 2)->bias = false;
    snprintf(text, sizeof text, "%s.bn", name);
    graph_batchnorm(g, text, 1e-3);
    if (relu)
        graph_relu(g, name, tap);
    return graph_here(g);
}

/* One value with four readers, a sum, a concatenation, a norm that is not folded, a head,
 * and two dropouts. */
static struct graph *branching(bool relus)
{
    static const float mean[] = { .5f, .5f, .5f }, std[] = { .25f, .25f, .25f };
    struct graph *g = graph_new("branching", 3, SIDE, SIDE);
    int stem, a, b, c, joined;
    struct graph_op *raw;

    graph_normalise(g, mean, std);
    raw = graph_conv(g, "stem", 6, 3, 1, 1);
    snprintf(raw->tap, sizeof raw->tap, "raw");
    graph_batchnorm(g, "stem_bn", 1e-5);
    if (relus)
        graph_relu(g, "stem_relu", "stem");
    stem = graph_here(g);
    a = normed(g, "a", 6, 3, false, "");
    a = (graph_add(g, "sum", a, stem), graph_here(g));
    if (relus)
        a = (graph_relu(g, "sum_relu", "sum"), graph_here(g));
    graph_read(g, stem);
    b = normed(g, "b", 4, 1, relus, "b");
    graph_read(g, stem);
    graph_avgpool(g, "spread", SIDE, SIDE);
    c = normed(g, "c", 3, 1, false, "");
    graph_concat(g, "joined", "joined", (const int[]){ a, b, c, stem }, 4);
    joined = graph_here(g);
    graph_avgpool(g, "aux.pool", 3, 3);
    graph_flatten(g, "aux.flatten");
    graph_linear(g, "aux.fc1", 7);
    if (relus)
        graph_relu(g, "aux.relu", "");
    graph_dropout(g, "aux.dropout", .3);
    graph_linear(g, "aux.fc2", CLASSES);
    graph_auxiliary(g, .3);
    graph_read(g, joined);
    graph_avgpool(g, "pool", 1, 1);
    graph_dropout(g, "dropout", .2);
    graph_flatten(g, "flatten");
    graph_linear(g, "fc", CLASSES);
    return g;
}

struct scene {
    struct graph *g;
    struct net *net;
    float *x;
    struct draws draws[N];
    struct net_draws use;
};

static void scene_open(struct scene *s, const char *backend, int lanes, int threads,
                       bool relus)
{
    struct error err = { 0 };
    struct tensors t = { 0 };

    s->g = branching(relus);
    s->net = open_net(s->g, backend, N, lanes, threads, true, true);
    counted_parameters(s->g, &t);
    must(net_set_parameters(s->net, &t, &err));
    tensors_release(&t);
    s->x = counted_pictures(s->g, N, false);
    for (int i = 0; i < N; i++)
        draws_init(&s->draws[i], "train", "", (const char[]){ (char)('a' + i), '\0' }, 1);
    s->use = (struct net_draws){ .draws = s->draws, .epoch = 2 };
}

static void scene_close(struct scene *s)
{
    free(s->x);
    net_close(s->net);
    graph_free(s->g);
}

static double mean_loss(struct scene *s, bool training)
{
    struct error err = { 0 };
    float loss[N];
    double sum = 0;

    if (training)
        must(net_forward_training(s->net, s->x, N, &s->use, NULL, &err));
    else
        must(net_forward(s->net, s->x, N, NULL, &err));
    must(net_loss(s->net, label, loss, &err));
    for (int i = 0; i < N; i++)
        sum += (double)loss[i];
    return sum / N;
}

struct case_of {
    char backend[8];
    int lanes, threads;
};

static struct case_of cases[] = {
    { "plain", 1, 1 }, { "onednn", 1, 1 }, { "plain", 3, 1 }, { "onednn", 3, 2 }
};

ParameterizedTestParameters(nn_branches, input_gradient_agrees_with_differences)
{
    return cr_make_param_array(struct case_of, cases, 4);
}

ParameterizedTest(struct case_of *c, nn_branches, input_gradient_agrees_with_differences)
{
    const float h = .015625f;
    float dx[N * SIZE];
    struct error err = { 0 };
    struct scene s;

    scene_open(&s, c->backend, c->lanes, c->threads, false);
    mean_loss(&s, true); /* moves the running statistics, which must be seen */
    mean_loss(&s, false);
    must(net_backward_input(s.net, dx, &err));
    for (int i = 5; i < N * SIZE; i += 83) {
        float old = s.x[i];
        s.x[i] = old + h;
        double up = mean_loss(&s, false);
        s.x[i] = old - h;
        double down = mean_loss(&s, false);
        s.x[i] = old;
        cr_assert(epsilon_eq(dbl, (up - down) / (2 * (double)h), (double)dx[i], 2e-4),
                  "%d", i);
    }
    scene_close(&s);
}

ParameterizedTestParameters(nn_branches, weight_gradients_agree_with_differences)
{
    return cr_make_param_array(struct case_of, cases, 4);
}

/* After one step with rate 0 the momentum is the gradient. */
ParameterizedTest(struct case_of *c, nn_branches, weight_gradients_agree_with_differences)
{
    const struct sgd still = { .momentum = .9 };
    const float h = .015625f;
    struct tensors g = { 0 }, w = { 0 };
    struct error err = { 0 };
    struct scene s;

    scene_open(&s, c->backend, c->lanes, c->threads, false);
    must(net_get_parameters(s.net, &w, &err));
    mean_loss(&s, true);
    must(net_backward_weights(s.net, &err));
    must(net_update(s.net, &still, &err));
    must(net_get_momentum(s.net, &g, &err));
    for (size_t k = 0; k < g.n; k++) {
        float *p = tensors_find(&w, g.tensor[k].name)->value;
        for (size_t i = k % 3; i < g.tensor[k].n; i += 1 + g.tensor[k].n / 3) {
            float old = p[i];
            p[i] = old + h;
            must(net_set_parameters(s.net, &w, &err));
            double up = mean_loss(&s, true);
            p[i] = old - h;
            must(net_set_parameters(s.net, &w, &err));
            double down = mean_loss(&s, true);
            p[i] = old;
            cr_assert(epsilon_eq(dbl, (up - down) / (2 * (double)h),
                                 (double)g.tensor[k].value[i], 1e-3),
                      "%s %zu", g.tensor[k].name, i);
        }
    }
    tensors_release(&w);
    tensors_release(&g);
    scene_close(&s);
}

/* One step, or several on adversaries; then everything that a checkpoint keeps. */
static void train(struct scene *s, int steps, struct tensors *w, struct tensors *v)
{
    struct sgd sgd = { .lr = .02, .momentum = .9, .weight_decay = 5e-4, .clip = 5 };
    struct attack a = {
        .radius = .5, .step = .1, .steps = steps > 1 ? 3 : 0, .keep_best = true
    };
    float *moved = malloc(N * SIZE * sizeof *moved), loss[N];
    struct error err = { 0 };

    for (int step = 0; step < steps; step++) {
        must(attack_l2(s->net, &a, s->x, label, N, moved, NULL, &err));
        must(net_forward_training(s->net, moved, N, &s->use, NULL, &err));
        must(net_loss(s->net, label, loss, &err));
        must(net_backward_weights(s->net, &err));
        must(net_update(s->net, &sgd, &err));
    }
    must(net_get_parameters(s->net, w, &err));
    must(net_get_momentum(s->net, v, &err));
    free(moved);
}

static bool same(const struct tensors *a, const struct tensors *b, double tolerance)
{
    for (size_t k = 0; k < a->n; k++) {
        double top = .01; /* a gradient may be 0 but for rounding */
        for (size_t i = 0; i < a->tensor[k].n; i++)
            top = fmax(top, fabs((double)a->tensor[k].value[i]));
        for (size_t i = 0; i < a->tensor[k].n; i++)
            if (fabs((double)a->tensor[k].value[i] - (double)b->tensor[k].value[i]) >
                tolerance * top)
                return false;
    }
    return a->n == b->n;
}

struct pair_case {
    struct case_of a, b;
    int steps;
    double tolerance;
};

ParameterizedTestParameters(nn_branches, training_agrees)
{
    static struct pair_case pairs[] = {
        { { "onednn", 3, 1 }, { "onednn", 3, 2 }, 3, 0 },
        { { "onednn", 3, 1 }, { "onednn", 3, 3 }, 3, 0 },
        { { "onednn", 6, 1 }, { "onednn", 6, 4 }, 3, 0 },
        { { "plain", 3, 1 }, { "plain", 3, 4 }, 3, 0 },
        { { "onednn", 1, 1 }, { "plain", 1, 1 }, 1, 1e-5 },
        { { "onednn", 2, 1 }, { "plain", 2, 1 }, 1, 1e-5 },
    };

    return cr_make_param_array(struct pair_case, pairs, 6);
}

ParameterizedTest(struct pair_case *p, nn_branches, training_agrees)
{
    const struct case_of *c[] = { &p->a, &p->b };
    struct tensors w[2] = { 0 }, v[2] = { 0 };

    for (int k = 0; k < 2; k++) {
        struct scene s;
        scene_open(&s, c[k]->backend, c[k]->lanes, c[k]->threads, true);
        train(&s, p->steps, &w[k], &v[k]);
        scene_close(&s);
    }
    cr_assert(same(&w[0], &w[1], p->tolerance));
    cr_assert(same(&v[0], &v[1], p->tolerance));
    cr_assert(
        eq(flt, tensors_find(&w[0], "a.bn.num_batches_tracked")->value[0], p->steps));
    for (int k = 0; k < 2; k++) {
        tensors_release(&w[k]);
        tensors_release(&v[k]);
    }
}

/* Lanes are the groups of the norms: of five pictures in lanes of two the last counts
 * one, and a net that has only the first two moves its statistics as that one does. */
Test(nn_branches, the_first_lane_moves_the_running_statistics)
{
    struct tensors w[2] = { 0 };
    struct error err = { 0 };

    for (int k = 0; k < 2; k++) {
        struct scene s;
        scene_open(&s, "onednn", k == 0 ? 3 : 1, 1, true);
        must(net_forward_training(s.net, s.x, k == 0 ? 5 : 2, &s.use, NULL, &err));
        must(net_get_parameters(s.net, &w[k], &err));
        scene_close(&s);
    }
    cr_assert(same(&w[0], &w[1], 1e-6));
    tensors_release(&w[0]);
    tensors_release(&w[1]);
}

Test(nn_branches, a_norm_folded_or_not_gives_the_same)
{
    struct graph *g[2];
    float *x = NULL, logits[2][N * 4];
    struct error err = { 0 };

    for (int k = 0; k < 2; k++) {
        struct tensors t = { 0 };
        struct net *net;
        g[k] = graph_new("two", 3, SIDE, SIDE);
        graph_conv(g[k], "conv", 9, 3, 2, 1);
        if (k == 1) /* a tap keeps them apart */
            snprintf(g[k]->op[0].tap, GRAPH_NAME, "raw");
        graph_batchnorm(g[k], "bn", 1e-3);
        graph_relu(g[k], "relu", "");
        graph_maxpool(g[k], "max", 3, 2, 1, true);
        graph_flatten(g[k], "flatten");
        graph_linear(g[k], "fc", 4);
        net = open_net(g[k], "onednn", N, 1, 1, false, false);
        counted_parameters(g[k], &t);
        must(net_set_parameters(net, &t, &err));
        if (k == 0)
            x = counted_pictures(g[k], N, false);
        must(net_forward(net, x, N, logits[k], &err));
        tensors_release(&t);
        net_close(net);
        graph_free(g[k]);
    }
    for (int i = 0; i < N * 4; i++)
        cr_assert(epsilon_eq(flt, logits[0][i], logits[1][i], 2e-6f));
    free(x);
}

/* Without gradients outputs share memory; taps and logits are there all the same. */
Test(nn_branches, a_net_without_gradients_gives_the_same_taps)
{
    static const char *const taps[] = { "raw", "stem", "sum", "b", "joined" };
    float *value[2], logits[2][N * CLASSES];
    struct error err = { 0 };
    struct scene s;

    scene_open(&s, "onednn", 2, 1, true);
    for (size_t k = 0; k < 5; k++) {
        const struct graph_op *op = graph_tap(s.g, taps[k]);
        size_t n = (size_t)N * op->C * op->H * op->W;
        for (int i = 0; i < 2; i++) {
            struct net *net = i == 0 ? s.net : open_net(s.g, "onednn", N, 2, 1, 0, 0);
            struct tensors t = { 0 };
            must(net_get_parameters(s.net, &t, &err));
            must(net_set_parameters(net, &t, &err));
            must(net_forward(net, s.x, N, logits[i], &err));
            value[i] = malloc(n * sizeof *value[i]);
            must(net_tap(net, taps[k], value[i], &err));
            tensors_release(&t);
            if (i == 1)
                net_close(net);
        }
        cr_assert(zero(int, memcmp(logits[0], logits[1], sizeof logits[0])));
        cr_assert(zero(int, memcmp(value[0], value[1], n * sizeof *value[0])), "%s",
                  taps[k]);
        free(value[0]);
        free(value[1]);
    }
    scene_close(&s);
}

/* As after a kill, through the files that a checkpoint has. */
Test(nn_branches, training_goes_on_from_files)
{
    struct tensors w[3] = { 0 }, v[3] = { 0 };
    struct error err = { 0 };
    struct scene s, other;
    char dir[] = "/tmp/nn-branches-XXXXXX", path[2][64];

    cr_assert(not(zero(ptr, mkdtemp(dir))));
    snprintf(path[0], sizeof path[0], "%s/w", dir);
    snprintf(path[1], sizeof path[1], "%s/v", dir);
    scene_open(&s, "onednn", 2, 1, true);
    scene_open(&other, "onednn", 2, 1, true);
    train(&s, 3, &w[0], &v[0]);
    must(tensors_write(&w[0], path[0], &err));
    must(tensors_write(&v[0], path[1], &err));
    for (int k = 0; k < 2; k++)
        tensors_release(k == 0 ? &w[0] : &v[0]);
    must(tensors_read(&w[0], path[0], &err));
    must(tensors_read(&v[0], path[1], &err));
    must(net_set_parameters(other.net, &w[0], &err));
    must(net_set_momentum(other.net, &v[0], &err));
    train(&s, 3, &w[1], &v[1]);
    train(&other, 3, &w[2], &v[2]);
    cr_assert(same(&w[1], &w[2], 0));
    cr_assert(same(&v[1], &v[2], 0));
    cr_assert(eq(flt, tensors_find(&w[2], "stem_bn.num_batches_tracked")->value[0], 6));
    for (int k = 0; k < 3; k++) {
        tensors_release(&w[k]);
        tensors_release(&v[k]);
    }
    unlink(path[0]);
    unlink(path[1]);
    rmdir(dir);
    scene_close(&other);
    scene_close(&s);
}

Test(nn_branches, a_missing_count_is_none_and_a_missing_mean_is_refused)
{
    struct tensors t = { 0 }, less = { 0 };
    struct error err = { 0 };
    struct scene s;

    scene_open(&s, "onednn", 1, 1, true);
    mean_loss(&s, true);
    must(net_get_parameters(s.net, &t, &err));
    for (size_t i = 0; i < t.n; i++) {
        struct tensor *x;
        if (t.tensor[i].integer)
            continue;
        x = tensors_add(&less, t.tensor[i].name, t.tensor[i].n_dims, t.tensor[i].dim);
        memcpy(x->value, t.tensor[i].value, x->n * sizeof *x->value);
    }
    must(net_set_parameters(s.net, &less, &err));
    tensors_release(&t);
    must(net_get_parameters(s.net, &t, &err));
    cr_assert(eq(flt, tensors_find(&t, "a.bn.num_batches_tracked")->value[0], 0));
    free(less.tensor[3].name);
    less.tensor[3].name = strdup("elsewhere");
    cr_assert(eq(int, net_set_parameters(s.net, &less, &err), E_INPUT));
    tensors_release(&less);
    tensors_release(&t);
    scene_close(&s);
}
