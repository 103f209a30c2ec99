#include "nn_fixture.h"

#include "nn/alexnet.h"
#include "nn/attack.h"
#include "nn/init.h"

enum { N = 6, SIZE = 32 * 32 * 3 };

/* The small network from its start, and an attack on it. */
struct scene {
    struct graph *graph;
    struct net *net;
    float *x, *moved;
    float clean[N], loss[N];
    int32_t label[N];
};

static struct scene scene_open(int lanes, int threads)
{
    struct scene s = { .graph = alexnet_mini(10), .label = { 3, 1, 9, 0, 5, 3 } };
    struct error err = { 0 };
    struct tensors t = { 0 };

    s.net = open_net(s.graph, "onednn", N, lanes, threads, false, true);
    counted_parameters(s.graph, &t);
    must(net_set_parameters(s.net, &t, &err));
    tensors_release(&t);
    s.x = counted_pictures(s.graph, N, false);
    s.moved = malloc(N * SIZE * sizeof *s.moved);
    must(net_forward(s.net, s.x, N, NULL, &err));
    must(net_loss(s.net, s.label, s.clean, &err));
    return s;
}

static void scene_close(struct scene *s)
{
    free(s->moved);
    free(s->x);
    net_close(s->net);
    graph_free(s->graph);
}

static double distance(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < SIZE; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

Test(nn_attack, result_stays_in_the_ball_and_in_range_and_never_loses)
{
    static const double radius[] = { .05, .75, 3 };
    struct scene s = scene_open(1, 1);
    struct error err = { 0 };

    for (int r = 0; r < 3; r++) {
        struct attack a = {
            .radius = radius[r], .step = radius[r] / 3, .steps = 7, .keep_best = true
        };
        must(attack_l2(s.net, &a, s.x, s.label, N, s.moved, s.loss, &err));
        for (int i = 0; i < N; i++) {
            cr_assert(le(dbl, distance(s.moved + i * SIZE, s.x + i * SIZE),
                         radius[r] * (1 + 1e-5)));
            cr_assert(ge(flt, s.loss[i], s.clean[i]));
        }
        for (int i = 0; i < N * SIZE; i++)
            cr_assert(le(flt, fabsf(s.moved[i] - .5f), .5f));
    }
    scene_close(&s);
}

Test(nn_attack, loss_is_that_of_what_is_returned)
{
    struct scene s = scene_open(2, 1);
    struct error err = { 0 };
    float again[N];

    for (int best = 0; best < 2; best++) {
        struct attack a = { .radius = .75, .step = 2, .steps = 5, .keep_best = best };
        must(attack_l2(s.net, &a, s.x, s.label, N, s.moved, s.loss, &err));
        must(net_forward(s.net, s.moved, N, NULL, &err));
        must(net_loss(s.net, s.label, again, &err));
        for (int i = 0; i < N; i++)
            cr_assert(eq(flt, again[i], s.loss[i]));
    }
    scene_close(&s);
}

Test(nn_attack, no_step_returns_the_picture)
{
    struct scene s = scene_open(1, 1);
    struct attack a = { .radius = .75, .step = .125, .steps = 0, .keep_best = true };
    struct error err = { 0 };

    must(attack_l2(s.net, &a, s.x, s.label, N, s.moved, s.loss, &err));
    cr_assert(zero(int, memcmp(s.moved, s.x, N * SIZE * sizeof *s.x)));
    for (int i = 0; i < N; i++)
        cr_assert(eq(flt, s.loss[i], s.clean[i]));
    a.radius = -1;
    cr_assert(
        eq(int, attack_l2(s.net, &a, s.x, s.label, N, s.moved, NULL, &err), E_INPUT));
    scene_close(&s);
}

/* A picture on which the gradient vanishes (its network has no weights) is kept. */
Test(nn_attack, a_gradient_of_zero_moves_nothing)
{
    struct scene s = scene_open(1, 1);
    struct attack a = { .radius = .75, .step = .125, .steps = 3, .keep_best = true };
    struct error err = { 0 };
    struct tensors t = { 0 };

    graph_tensors(s.graph, &t); /* all zero */
    must(net_set_parameters(s.net, &t, &err));
    must(attack_l2(s.net, &a, s.x, s.label, N, s.moved, s.loss, &err));
    cr_assert(zero(int, memcmp(s.moved, s.x, N * SIZE * sizeof *s.x)));
    tensors_release(&t);
    scene_close(&s);
}

Test(nn_attack, pictures_outside_the_range_have_no_gradient_there)
{
    struct scene s = scene_open(1, 1);
    struct attack a = { .radius = .75, .step = .125, .steps = 1, .keep_best = false };
    struct error err = { 0 };

    s.x[100] = -.25f; /* moves to the edge of the range and no further */
    s.x[200] = 1.25f;
    must(attack_l2(s.net, &a, s.x, s.label, N, s.moved, NULL, &err));
    cr_assert(eq(flt, s.moved[100], 0));
    cr_assert(eq(flt, s.moved[200], 1));
    scene_close(&s);
}

/* The others in the batch, the lanes and the threads do not matter to a picture, but for
 * the factor of the mean, which cancels. */
Test(nn_attack, a_part_of_a_batch_gives_the_same)
{
    struct scene s = scene_open(3, 2);
    struct attack a = { .radius = .75, .step = .125, .steps = 7, .keep_best = true };
    struct error err = { 0 };
    float *part = malloc(N * SIZE * sizeof *part), loss[N];

    must(attack_l2(s.net, &a, s.x, s.label, N, s.moved, s.loss, &err));
    must(attack_l2(s.net, &a, s.x, s.label, 3, part, loss, &err));
    for (int i = 0; i < 3; i++)
        cr_assert(le(dbl, distance(part + i * SIZE, s.moved + i * SIZE), 1e-3));
    free(part);
    scene_close(&s);
}

Test(nn_attack, agrees_with_pytorch)
{
    struct scene s = scene_open(1, 1);
    struct attack a = { .radius = .75, .step = .125, .keep_best = true };
    struct vectors want = vectors_read("mini attack loss"), pixels, norms;
    struct error err = { 0 };

    for (a.steps = 0; a.steps <= 7; a.steps++) {
        must(attack_l2(s.net, &a, s.x, s.label, 4, s.moved, s.loss, &err));
        for (int i = 0; i < 4; i++)
            cr_assert(
                epsilon_eq(dbl, (double)s.loss[i] / want.value[a.steps * 4 + i], 1, 1e-3),
                "step %d", a.steps);
    }
    pixels = vectors_read("mini attack");
    for (int i = 0; i < pixels.n; i++)
        cr_assert(epsilon_eq(dbl, (double)s.moved[nhwc(pixels.index[i], 3, 32, 32)],
                             pixels.value[i], 2e-3));
    norms = vectors_read("mini attack distance");
    for (int i = 0; i < norms.n; i++)
        cr_assert(epsilon_eq(dbl, distance(s.moved + i * SIZE, s.x + i * SIZE),
                             norms.value[i], 1e-3));
    scene_close(&s);
}
