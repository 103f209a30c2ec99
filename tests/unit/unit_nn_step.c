/* A step of training in three calls against the calls that it stands for, on each backend
 * that this machine has: the same bytes. */
#include "nn_fixture.h"

#include <criterion/parameterized.h>

#include "kit/draws.h"
#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/init.h"
#include "nn/step.h"

enum { N = 8, CLASSES = 10, STEPS = 5, BATCHES = 2 };

struct step_case {
    char backend[8], arch[12];
    int lanes;
    bool clamped;
};

/* One network, and the batches that it is trained on in turn. */
struct trainee {
    struct graph *g;
    struct net *net;
    size_t size; /* values of a batch */
    float *x, *moved;
    int32_t label[BATCHES][N];
    struct draws draws[BATCHES][N];
    float loss[N], logits[N * CLASSES];
};

static void trainee_open_on(struct trainee *t, const struct step_case *c,
                            const struct nn_backend *backend, bool in_turn)
{
    const struct net_options o = { .batch = N,
                                   .lanes = c->lanes,
                                   .threads = 2,
                                   .weight_gradient = true,
                                   .input_gradient = true,
                                   .in_turn = in_turn };
    struct tensors start = { 0 };
    struct error err = { 0 };

    *t = (struct trainee){ 0 };
    must(net_arch(&t->g, c->arch, "mini", CLASSES, &err));
    must(net_open_on(&t->net, t->g, &o, backend, &err));
    init_parameters(t->g, 7, &start);
    must(net_set_parameters(t->net, &start, &err));
    tensors_release(&start);
    t->size = (size_t)N * t->g->H * t->g->W * t->g->C;
    t->x = counted_pictures(t->g, BATCHES * N, false);
    t->moved = malloc(t->size * sizeof *t->moved);
    for (size_t i = 0; i < t->size && c->clamped; i++)
        t->x[i] = 1.5f * t->x[i] - .25f;
    for (int i = 0; i < BATCHES * N; i++) {
        t->label[i / N][i % N] = (int32_t)(counter((uint32_t)i, 5) % CLASSES);
        draws_init(&t->draws[i / N][i % N], "train", "", (char[]){ (char)('a' + i), 0 },
                   1);
    }
}

static void trainee_open(struct trainee *t, const struct step_case *c, bool in_turn)
{
    const struct nn_backend *backend;
    struct error err = { 0 };

    must(backend_find(&backend, c->backend, &err));
    trainee_open_on(t, c, backend, in_turn);
}

static void trainee_close(struct trainee *t)
{
    net_close(t->net);
    graph_free(t->g);
    free(t->moved);
    free(t->x);
}

/* What step number i is made with. */
struct recipe {
    struct sgd sgd;
    struct attack attack;
    struct net_draws draws;
    bool attacked;
};

/* The first without an attack, then with one whose radius grows, as in training. */
static struct recipe recipe_of(const struct trainee *t, int i)
{
    return (struct recipe){
        .sgd = { .lr = .01 + .01 * i, .momentum = .9, .weight_decay = 5e-4, .clip = 5 },
        .attack = { .radius = .3 * i, .step = .1 * i, .steps = 3, .keep_best = true },
        .draws = { .draws = t->draws[i % BATCHES], .epoch = (uint64_t)(i / BATCHES) },
        .attacked = i > 0,
    };
}

/* The n pictures that step number i is made with, to t->moved. */
static void move(struct trainee *t, const struct recipe *r, int i, int n, bool clamped)
{
    float *x = t->x + (size_t)(i % BATCHES) * t->size;
    struct error err = { 0 };

    memcpy(t->moved, x, t->size * sizeof *x);
    if (r->attacked)
        must(attack_l2(t->net, &r->attack, x, t->label[i % BATCHES], n, t->moved, NULL,
                       &err));
    for (size_t k = 0; k < t->size && clamped; k++)
        t->moved[k] = fminf(fmaxf(t->moved[k], 0), 1);
}

static void call_by_call(struct trainee *t, int i, int n, bool clamped)
{
    struct recipe r = recipe_of(t, i);
    struct error err = { 0 };

    move(t, &r, i, n, clamped);
    must(net_forward_training(t->net, t->moved, n, &r.draws, t->logits, &err));
    must(net_loss(t->net, t->label[i % BATCHES], t->loss, &err));
    must(net_backward_weights(t->net, &err));
    must(net_update(t->net, &r.sgd, &err));
}

/* The same; the three calls before the last are one. */
static void learn(struct trainee *t, int i, int n, bool clamped)
{
    struct recipe r = recipe_of(t, i);
    struct error err = { 0 };

    move(t, &r, i, n, clamped);
    must(net_learn(t->net, t->moved, t->label[i % BATCHES], n, &r.draws, t->logits,
                   t->loss, &err));
    must(net_update(t->net, &r.sgd, &err));
}

static void put(struct trainee *t, int i)
{
    struct recipe r = recipe_of(t, i);
    struct net_batch b = { .pixels = t->moved,
                           .label = t->label[i % BATCHES],
                           .draws = &r.draws };
    struct error err = { 0 };

    memcpy(t->moved, t->x + (size_t)(i % BATCHES) * t->size, t->size * sizeof *t->x);
    must(net_put(t->net, &b, &err));
    memset(t->moved, 0xff, t->size * sizeof *t->x); /* it is ours again */
}

/* The batch was put before. */
static void in_one(struct trainee *t, int i, bool clamped)
{
    struct recipe r = recipe_of(t, i);
    struct net_step s = { .sgd = &r.sgd,
                          .attack = r.attacked ? &r.attack : NULL,
                          .clamped = clamped };
    struct error err = { 0 };

    must(net_train(t->net, &s, &err));
    if (i + 1 < STEPS)
        put(t, i + 1);
    must(net_trained(t->net, t->loss, t->logits, &err));
}

static void same_tensors(struct net *a, struct net *b,
                         int (*get)(struct net *, struct tensors *, struct error *))
{
    struct tensors v = { 0 }, w = { 0 };
    struct error err = { 0 };

    must(get(a, &v, &err));
    must(get(b, &w, &err));
    for (size_t i = 0; i < v.n; i++)
        cr_assert(eq(int,
                     memcmp(v.tensor[i].value, w.tensor[i].value,
                            v.tensor[i].n * sizeof(float)),
                     0),
                  "%s", v.tensor[i].name);
    tensors_release(&v);
    tensors_release(&w);
}

static void same_outcome(const struct trainee *a, const struct trainee *b, int i, int n)
{
    cr_assert(eq(int, memcmp(a->loss, b->loss, (size_t)n * sizeof *a->loss), 0),
              "losses of step %d", i);
    cr_assert(
        eq(int, memcmp(a->logits, b->logits, (size_t)n * CLASSES * sizeof *a->logits), 0),
        "logits of step %d", i);
}

static void same_weights(const struct trainee *a, const struct trainee *b)
{
    same_tensors(a->net, b->net, net_get_parameters);
    same_tensors(a->net, b->net, net_get_momentum);
}

enum { REST = 5 }; /* pictures that an epoch leaves over */

static struct step_case cases[] = {
    { "plain", "alexnet", 2, false },    { "onednn", "alexnet", 1, true },
    { "onednn", "googlenet", 2, false }, { "onednn", "resnet50", 4, true },
    { "cuda:0", "alexnet", 1, true },    { "cuda:0", "resnet50", 2, false },
};

ParameterizedTestParameters(nn_step, a_step_is_the_calls_that_it_stands_for)
{
    return cr_make_param_array(struct step_case, cases, there_is_a_gpu(NULL) ? 6 : 4);
}

ParameterizedTest(struct step_case *c, nn_step, a_step_is_the_calls_that_it_stands_for)
{
    struct trainee one, other;

    trainee_open(&one, c, false);
    trainee_open(&other, c, true);
    put(&other, 0);
    for (int i = 0; i < STEPS; i++) {
        call_by_call(&one, i, N, c->clamped);
        in_one(&other, i, c->clamped);
        same_outcome(&one, &other, i, N);
    }
    call_by_call(&one, STEPS, REST, c->clamped);
    learn(&other, STEPS, REST, c->clamped);
    same_outcome(&one, &other, STEPS, REST);
    same_weights(&one, &other);
    trainee_close(&other);
    trainee_close(&one);
}

static const struct nn_backend *onednn;
static size_t taken; /* bytes, by alloc() of the backend below */

static int count_alloc(struct nn_device *dev, size_t n, void **mem, struct error *err)
{
    taken += n;
    return onednn->alloc(dev, n, mem, err);
}

static int refuse(struct nn_device *dev, struct error *err)
{
    (void)dev;
    return error_set(err, E_DEVICE, "nothing is recorded here");
}

/* On a backend that may record, as a GPU's does; returns what it has taken. */
static size_t open_recording(struct trainee *t, const struct step_case *c, bool in_turn)
{
    static struct nn_backend recording;
    struct error err = { 0 };

    must(backend_find(&onednn, "onednn", &err));
    recording = *onednn;
    recording.alloc = count_alloc;
    recording.record = refuse;
    taken = 0;
    trainee_open_on(t, c, &recording, in_turn);
    return taken;
}

static struct step_case in_turn_cases[] = { { "", "alexnet", 2, true },
                                            { "", "googlenet", 2, false },
                                            { "", "resnet50", 4, true } };

ParameterizedTestParameters(nn_step, lanes_in_turn_give_what_lanes_apart_do)
{
    return cr_make_param_array(struct step_case, in_turn_cases, 3);
}

/* A step without an attack and one with, each the first of its kind, which is computed
 * call by call; rests of both kinds; and evaluation. */
ParameterizedTest(struct step_case *c, nn_step, lanes_in_turn_give_what_lanes_apart_do)
{
    struct trainee apart, in_turn;
    size_t most = open_recording(&apart, c, false);
    struct error err = { 0 };

    cr_assert(lt(sz, open_recording(&in_turn, c, true), most));
    put(&in_turn, 0);
    for (int i = 0; i < 2; i++) {
        call_by_call(&apart, i, N, c->clamped);
        in_one(&in_turn, i, c->clamped);
        same_outcome(&apart, &in_turn, i, N);
    }
    for (int i = 0; i < 2; i++) {
        call_by_call(&apart, i, REST, c->clamped);
        learn(&in_turn, i, REST, c->clamped);
        same_outcome(&apart, &in_turn, i, REST);
    }
    same_weights(&apart, &in_turn);
    must(net_forward(apart.net, apart.x, REST, apart.logits, &err));
    must(net_forward(in_turn.net, in_turn.x, REST, in_turn.logits, &err));
    same_outcome(&apart, &in_turn, 2, REST);
    trainee_close(&in_turn);
    trainee_close(&apart);
}

/* Whoever evaluates in the midst of training sees the weights as they are. */
Test(nn_step, evaluation_sees_each_step)
{
    struct step_case c = { "onednn", "googlenet", 2, false };
    struct trainee one, other;
    float a[N * CLASSES], b[N * CLASSES];
    struct error err = { 0 };

    trainee_open(&one, &c, false);
    trainee_open(&other, &c, true);
    for (int i = 0; i < STEPS; i++) {
        put(&other, i);
        call_by_call(&one, i, N, false);
        in_one(&other, i, false);
        must(net_forward(one.net, one.x, N, a, &err));
        must(net_forward(other.net, other.x, N, b, &err));
        cr_assert(eq(int, memcmp(a, b, sizeof a), 0), "step %d", i);
    }
    trainee_close(&other);
    trainee_close(&one);
}

Test(nn_step, a_wrong_label_is_refused_when_it_is_put)
{
    struct step_case c = { "onednn", "alexnet", 2, false };
    struct trainee t;
    struct net_batch b;
    struct error err = { 0 };

    trainee_open(&t, &c, true);
    b = (struct net_batch){ .pixels = t.x, .label = t.label[0] };
    b.draws = &(struct net_draws){ .draws = t.draws[0] };
    t.label[0][N - 1] = CLASSES;
    cr_assert(eq(int, net_put(t.net, &b, &err), E_INPUT));
    cr_assert(eq(str, err.text, "label 10 of a network with 10 classes"));
    trainee_close(&t);
}
