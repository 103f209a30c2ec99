#include "nn_fixture.h"

#include <criterion/parameterized.h>
#include <unistd.h>

#include "larder/digest.h"
#include "nn/alexnet.h"
#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/backend.h"
#include "nn/init.h"

enum { N = 8, SIZE = 32 * 32 * 3 };

static const int32_t label[N] = { 3, 1, 9, 0, 5, 3, 7, 2 };

/* Every malloc of this process passes here. */
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
void *__libc_malloc(size_t n);
static _Atomic int n_allocations;
static size_t watched = SIZE_MAX; /* sizes from here on count */

void *malloc(size_t n)
{
    if (n >= watched)
        n_allocations++;
    return __libc_malloc(n);
}
#endif

static void start(struct net *net, const struct graph *g)
{
    struct error err = { 0 };
    struct tensors t = { 0 };

    counted_parameters(g, &t);
    must(net_set_parameters(net, &t, &err));
    tensors_release(&t);
}

static void train(struct net *net, const float *x, int n, struct error *err)
{
    struct sgd sgd = { .lr = .02, .momentum = .9, .weight_decay = 5e-4, .clip = .5 };
    float loss[N];

    cr_assert(ge(int, net_forward_training(net, x, n, NULL, NULL, err), 0));
    cr_assert(ge(int, net_loss(net, label, loss, err), 0));
    cr_assert(ge(int, net_backward_weights(net, err), 0));
    cr_assert(ge(int, net_update(net, &sgd, err), 0));
}

static struct digest digest_of(struct net *net)
{
    struct hasher *h = hasher_new();
    struct tensors t[2] = { 0 };
    struct error err = { 0 };
    struct digest d;

    must(net_get_parameters(net, &t[0], &err));
    must(net_get_momentum(net, &t[1], &err));
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < t[k].n; i++)
            hasher_add(h, t[k].tensor[i].value, t[k].tensor[i].n * sizeof(float));
        tensors_release(&t[k]);
    }
    hasher_finish(h, &d);
    hasher_free(h);
    return d;
}

static const struct nn_backend *real;
static int slow_lane, calls;

/* A lane's thread falls behind at random, each time a new lane. */
static int slow_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    if (counter((uint32_t)__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), 5) % 16 ==
        (uint32_t)slow_lane)
        usleep(2000);
    return real->forward(op, a, err);
}

static struct digest trained_in_lanes(const struct graph *g, const char *backend,
                                      int lanes, int threads)
{
    struct net_options o = { .batch = N,
                             .lanes = lanes,
                             .threads = threads,
                             .weight_gradient = true,
                             .input_gradient = true };
    struct attack a = { .radius = .75, .step = .25, .steps = 2, .keep_best = true };
    float *x = counted_pictures(g, N, false), *moved = malloc(N * SIZE * sizeof *moved);
    struct error err = { 0 };
    struct nn_backend slow;
    struct digest d;
    struct net *net;

    must(backend_find(&real, backend, &err));
    slow = *real;
    slow.forward = slow_forward;
    slow_lane = threads;
    must(net_open_on(&net, g, &o, &slow, &err));
    start(net, g);
    for (int step = 0; step < 3; step++) {
        must(attack_l2(net, &a, x, label, N, moved, NULL, &err));
        train(net, moved, N, &err);
    }
    d = digest_of(net);
    net_close(net);
    free(moved);
    free(x);
    return d;
}

struct lanes_case {
    char arch[16], backend[8];
    int lanes;
};

ParameterizedTestParameters(nn_net, any_number_of_threads_gives_the_same_bytes)
{
    static struct lanes_case cases[] = {
        { "alexnet", "onednn", 1 },   { "alexnet", "onednn", 2 },
        { "alexnet", "onednn", 4 },   { "alexnet", "plain", 4 },
        { "googlenet", "onednn", 4 }, { "resnet50", "onednn", 4 },
    };

    return cr_make_param_array(struct lanes_case, cases, 6);
}

ParameterizedTest(struct lanes_case *c, nn_net,
                  any_number_of_threads_gives_the_same_bytes)
{
    struct error err = { 0 };
    struct digest one, more;
    struct graph *g;

    must(net_arch(&g, c->arch, "mini", 10, &err));
    one = trained_in_lanes(g, c->backend, c->lanes, 1);
    for (int threads = 2; threads <= 4; threads += 2) {
        more = trained_in_lanes(g, c->backend, c->lanes, threads);
        cr_assert(digest_equal(&one, &more), "%d threads", threads);
    }
    graph_free(g);
}

Test(nn_net, lanes_change_rounding_only)
{
    struct graph *g = alexnet_mini(10);
    float *x = counted_pictures(g, N, false);
    struct tensors t[2] = { 0 };
    struct error err = { 0 };

    for (int k = 0; k < 2; k++) {
        struct net *net = open_net(g, "onednn", N, k == 0 ? 1 : 4, 1, true, false);
        start(net, g);
        train(net, x, N, &err);
        must(net_get_parameters(net, &t[k], &err));
        net_close(net);
    }
    for (size_t i = 0; i < t[0].n; i++)
        for (size_t j = 0; j < t[0].tensor[i].n; j++)
            cr_assert(
                epsilon_eq(flt, t[0].tensor[i].value[j], t[1].tensor[i].value[j], 1e-6f));
    tensors_release(&t[0]);
    tensors_release(&t[1]);
    free(x);
    graph_free(g);
}

struct backend_case {
    char name[8];
};

static struct backend_case backends[] = { { "plain" }, { "onednn" } };

ParameterizedTestParameters(nn_net, what_does_not_fill_a_batch_counts_alone)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

/* Three pictures in a net for eight: the same gradient as in a net for three. */
ParameterizedTest(struct backend_case *b, nn_net, what_does_not_fill_a_batch_counts_alone)
{
    struct graph *g = alexnet_mini(10);
    float *x = counted_pictures(g, N, false);
    struct tensors t[2] = { 0 };
    struct error err = { 0 };

    for (int k = 0; k < 2; k++) {
        struct net *net =
            open_net(g, b->name, k == 0 ? 3 : N, k == 0 ? 1 : 4, 1, true, false);
        start(net, g);
        if (k == 1) /* what is left of a full batch must not count */
            must(net_forward(net, x, N, NULL, &err));
        train(net, x, 3, &err);
        must(net_get_parameters(net, &t[k], &err));
        net_close(net);
    }
    for (size_t i = 0; i < t[0].n; i++)
        for (size_t j = 0; j < t[0].tensor[i].n; j++)
            cr_assert(
                epsilon_eq(flt, t[0].tensor[i].value[j], t[1].tensor[i].value[j], 1e-6f));
    tensors_release(&t[0]);
    tensors_release(&t[1]);
    free(x);
    graph_free(g);
}

Test(nn_net, a_picture_gets_the_same_logits_in_any_place)
{
    struct graph *g = alexnet_mini(10);
    struct net *net = open_net(g, "onednn", N, 2, 2, false, false);
    float *x = counted_pictures(g, N, false), all[N * 10], one[10];
    struct error err = { 0 };

    start(net, g);
    must(net_forward(net, x, N, all, &err));
    for (int i = 0; i < N; i++) {
        must(net_forward(net, x + i * SIZE, 1, one, &err));
        for (int k = 0; k < 10; k++)
            cr_assert(epsilon_eq(flt, one[k], all[i * 10 + k], 2e-6f));
    }
    net_close(net);
    free(x);
    graph_free(g);
}

Test(nn_net, taps_are_read_across_lanes)
{
    struct graph *g = alexnet_mini(10);
    float *x = counted_pictures(g, N, false), *tap[2];
    struct error err = { 0 };
    size_t n = (size_t)5 * 8 * 8 * 64;

    for (int k = 0; k < 2; k++) {
        struct net *net =
            open_net(g, k == 0 ? "plain" : "onednn", N, k == 0 ? 1 : 4, 2, false, false);
        tap[k] = malloc(n * sizeof *tap[k]);
        start(net, g);
        must(net_forward(net, x, 5, NULL, &err));
        must(net_tap(net, "conv2", tap[k], &err));
        cr_assert(eq(int, net_tap(net, "conv9", tap[k], &err), E_INPUT));
        net_close(net);
    }
    for (size_t i = 0; i < n; i++)
        cr_assert(epsilon_eq(flt, tap[0][i], tap[1][i], 2e-5f));
    free(tap[0]);
    free(tap[1]);
    free(x);
    graph_free(g);
}

Test(nn_net, a_label_out_of_range_is_refused)
{
    struct graph *g = alexnet_mini(3);
    struct net *net = open_net(g, "onednn", 2, 2, 1, false, false);
    float *x = counted_pictures(g, 2, false), loss[2];
    struct error err = { 0 };

    must(net_forward(net, x, 2, NULL, &err));
    cr_assert(eq(int, net_loss(net, (int32_t[]){ 2, 3 }, loss, &err), E_INPUT));
    cr_assert(eq(str, err.text, "label 3 of a network with 3 classes"));
    cr_assert(eq(int, net_loss(net, (int32_t[]){ -1, 0 }, loss, &err), E_INPUT));
    net_close(net);
    free(x);
    graph_free(g);
}

ParameterizedTestParameters(nn_net, a_batch_allocates_nothing)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

/* oneDNN makes a small list of arguments for each call; nothing else. */
ParameterizedTest(struct backend_case *b, nn_net, a_batch_allocates_nothing)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    (void)b;
    cr_skip_test("the sanitizer counts allocations itself");
#else
    struct graph *g = alexnet_mini(10);
    struct net *net = open_net(g, b->name, N, 2, 2, true, true);
    struct attack a = { .radius = .75, .step = .25, .steps = 1, .keep_best = true };
    float *x = counted_pictures(g, N, false), *moved = malloc(N * SIZE * sizeof *moved);
    struct error err = { 0 };

    start(net, g);
    train(net, x, N, &err);
    watched = strcmp(b->name, "plain") == 0 ? 0 : 1024;
    must(attack_l2(net, &a, x, label, N, moved, NULL, &err));
    for (int step = 0; step < 2; step++) {
        struct sgd sgd = { .lr = .02, .momentum = .9, .clip = 5 };
        float loss[N], logits[N * 10];
        net_forward(net, moved, N, logits, &err);
        net_loss(net, label, loss, &err);
        net_backward_weights(net, &err);
        net_update(net, &sgd, &err);
        net_backward_input(net, moved, &err);
    }
    watched = SIZE_MAX;
    cr_assert(eq(int, n_allocations, 0));
    free(moved);
    free(x);
    net_close(net);
    graph_free(g);
#endif
}

ParameterizedTestParameters(nn_net, parameters_and_momentum_come_back_as_given)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

ParameterizedTest(struct backend_case *b, nn_net,
                  parameters_and_momentum_come_back_as_given)
{
    struct graph *g = alexnet_mini(10);
    struct net *net = open_net(g, b->name, 2, 1, 1, true, true);
    struct tensors given[2] = { 0 }, back[2] = { 0 };
    struct error err = { 0 };

    init_parameters(g, 3, &given[0]);
    init_parameters(g, 4, &given[1]);
    must(net_set_parameters(net, &given[0], &err));
    must(net_set_momentum(net, &given[1], &err));
    must(net_get_parameters(net, &back[0], &err));
    must(net_get_momentum(net, &back[1], &err));
    for (int k = 0; k < 2; k++) {
        cr_assert(eq(sz, back[k].n, given[k].n));
        for (size_t i = 0; i < back[k].n; i++) {
            const struct tensor *have = &back[k].tensor[i], *want = &given[k].tensor[i];
            cr_assert(eq(str, have->name, want->name));
            cr_assert(
                zero(int, memcmp(have->value, want->value, want->n * sizeof(float))));
        }
        tensors_release(&back[k]);
        tensors_release(&given[k]);
    }
    net_close(net);
    graph_free(g);
}

/* As after a kill: weights and momentum put into another net, which goes on. */
Test(nn_net, training_goes_on_from_weights_and_momentum)
{
    struct graph *g = alexnet_mini(10);
    struct net *net[2];
    float *x = counted_pictures(g, N, false);
    struct tensors w = { 0 }, v = { 0 };
    struct error err = { 0 };
    struct digest d[2];

    for (int k = 0; k < 2; k++)
        net[k] = open_net(g, "onednn", N, 2, 1, true, false);
    start(net[0], g);
    train(net[0], x, N, &err);
    train(net[0], x, N, &err);
    must(net_get_parameters(net[0], &w, &err));
    must(net_get_momentum(net[0], &v, &err));
    must(net_set_parameters(net[1], &w, &err));
    must(net_set_momentum(net[1], &v, &err));
    for (int k = 0; k < 2; k++) {
        train(net[k], x, N, &err);
        d[k] = digest_of(net[k]);
        net_close(net[k]);
    }
    cr_assert(digest_equal(&d[0], &d[1]));
    tensors_release(&v);
    tensors_release(&w);
    free(x);
    graph_free(g);
}

Test(nn_net, wrong_parameters_are_refused_by_name)
{
    struct graph *g = alexnet_mini(10), *other = alexnet_mini(11);
    struct net *net = open_net(g, "onednn", 2, 1, 1, false, false);
    struct tensors t = { 0 };
    struct error err = { 0 };

    cr_assert(eq(int, net_set_parameters(net, &t, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "features.0.weight"))), "%s", err.text);
    graph_tensors(other, &t);
    cr_assert(eq(int, net_set_parameters(net, &t, &err), E_INPUT));
    cr_assert(eq(str, err.text,
                 "parameter classifier.6.weight is 11x128, the network's is 10x128"));
    tensors_release(&t);
    graph_tensors(g, &t);
    tensors_add(&t, "classifier.9.weight", 1, (const long[]){ 1 });
    cr_assert(eq(int, net_set_parameters(net, &t, &err), E_INPUT));
    cr_assert(not(zero(ptr, strstr(err.text, "classifier.9.weight"))), "%s", err.text);
    tensors_release(&t);
    net_close(net);
    graph_free(other);
    graph_free(g);
}

/* From what a tap gave follow the same logits, whatever was computed since, and however
 * full the batch is. */
static void resume_at(struct net *net, const struct graph *g, const char *tap)
{
    const struct graph_op *op = graph_tap(g, tap);
    int at = (int)(op - g->op), n = 5;
    float *x = counted_pictures(g, N, false), logits[2][N * 10];
    float *values = malloc((size_t)N * (size_t)(op->H * op->W * op->C) * sizeof *values);
    struct error err = { 0 };

    cr_assert(eq(int, net_ends(net, at), at), "%s", tap);
    must(net_forward(net, x, n, logits[0], &err));
    must(net_tap(net, tap, values, &err));
    must(net_forward(net, x + SIZE, N - 1, logits[1], &err));
    must(net_resume(net, at, values, n, logits[1], &err));
    cr_assert(zero(int, memcmp(logits[0], logits[1], (size_t)n * 10 * sizeof(float))),
              "%s", tap);
    free(values);
    free(x);
}

Test(nn_net, a_pass_can_begin_behind_any_tap)
{
    static const char *const archs[] = { "alexnet", "googlenet", "resnet50" };
    static const char *const taps[][3] = { { "conv1", "conv4", "conv5" },
                                           { "conv1", "conv3", NULL },
                                           { "conv1", "layer1", "layer4" } };

    for (int k = 0; k < 3; k++) {
        struct error err = { 0 };
        struct graph *g;
        struct net *net;

        must(net_arch(&g, archs[k], "mini", 10, &err));
        net = open_net(g, "onednn", N, 2, 2, false, false);
        start(net, g);
        for (int i = 0; i < 3 && taps[k][i] != NULL; i++)
            resume_at(net, g, taps[k][i]);
        net_close(net);
        graph_free(g);
    }
}

Test(nn_net, a_batch_that_lanes_do_not_divide_is_refused)
{
    struct net_options o = { .backend = "plain", .batch = 10, .lanes = 4, .threads = 1 };
    struct graph *g = alexnet_mini(10);
    struct error err = { 0 };
    struct net *net;

    cr_assert(eq(int, net_open(&net, g, &o, &err), E_INPUT));
    o = (struct net_options){ .backend = "cudnn", .batch = 4, .lanes = 1, .threads = 1 };
    cr_assert(eq(int, net_open(&net, g, &o, &err), E_DEVICE));
    graph_free(g);
}

Test(nn_net, platform_says_what_last_bits_depend_on)
{
    struct graph *g = alexnet_mini(10);
    struct net *net = open_net(g, "onednn", 1, 1, 1, false, false);

    cr_assert(eq(int, strncmp(net_platform(net), "onednn ", 7), 0));
    cr_assert(not(zero(ptr, strchr(net_platform(net) + 7, ' '))));
    net_close(net);
    graph_free(g);
}
