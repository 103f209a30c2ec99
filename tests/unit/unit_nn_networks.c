/* GoogLeNet and ResNet-50 against what PyTorch computes in double precision. */
#include "nn_fixture.h"

#include <criterion/parameterized.h>

#include "kit/draws.h"
#include "nn/arch.h"
#include "nn/attack.h"
#include "nn/backend.h"

enum { N = 4 };

/* A network with the counted parameters, and where its vectors are. */
struct scene {
    struct graph *g;
    struct net *net;
    float *x;
    int n;
    int32_t label[N];
    char what[32]; /* "googlenet mini" */
};

static float *small_pictures(const struct graph *g, int n)
{
    size_t size = (size_t)n * g->C * g->H * g->W;
    float *x = malloc(size * sizeof *x);

    for (size_t i = 0; i < size; i++)
        x[nhwc(i, g->C, g->H, g->W)] = (float)(counter((uint32_t)i, 88) % 256) / 255.f;
    return x;
}

static void scene_open(struct scene *s, const char *arch, const char *size,
                       const char *backend, int n, bool weights, bool input)
{
    bool full = strcmp(size, "mini") != 0;
    struct error err = { 0 };
    struct tensors t = { 0 };

    must(net_arch(&s->g, arch, size, full ? 1000 : 10, &err));
    s->net = open_net(s->g, backend, n, 1, 1, weights, input);
    counted_parameters(s->g, &t);
    must(net_set_parameters(s->net, &t, &err));
    tensors_release(&t);
    s->x = full ? counted_pictures(s->g, n, true) : small_pictures(s->g, n);
    s->n = n;
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        s->label[i] = full ? (int32_t[]){ 65, 3 }[i] : (int32_t)(counter(i, 78) % 10);
    snprintf(s->what, sizeof s->what, "%s %s", arch, full ? "full" : "mini");
}

static void scene_close(struct scene *s)
{
    free(s->x);
    net_close(s->net);
    graph_free(s->g);
}

static struct vectors want(const struct scene *s, const char *what, const char *name,
                           const char *end)
{
    char text[128];

    snprintf(text, sizeof text, "%s %s%s%s%s", s->what, what, name[0] != '\0' ? " " : "",
             name, end);
    return vectors_in("network-vectors.tsv", text);
}

static double norm(const float *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static double mean(const float *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum / (double)n;
}

/* Values at places that count N x C x H x W, each within tolerance of the scale. */
static void check(const struct vectors *v, const char *what, const float *have, int C,
                  int H, int W, double scale, double tolerance)
{
    for (int i = 0; i < v->n; i++)
        cr_assert(epsilon_eq(dbl, (double)have[nhwc((size_t)v->index[i], C, H, W)],
                             v->value[i], tolerance * fmax(scale, fabs(v->value[i]))),
                  "%s %ld", what, v->index[i]);
}

static void check_taps(struct scene *s, double tolerance)
{
    struct error err = { 0 };

    for (size_t i = 0; i < s->g->n_ops; i++) {
        const struct graph_op *op = &s->g->op[i];
        size_t n = (size_t)s->n * op->C * op->H * op->W;
        struct vectors v;
        float *tap;
        double m;
        if (op->tap[0] == '\0')
            continue;
        tap = malloc(n * sizeof *tap);
        must(net_tap(s->net, op->tap, tap, &err));
        v = want(s, "tap", op->tap, " mean");
        m = mean(tap, n);
        cr_assert(epsilon_eq(dbl, m, v.value[0], 1e-5 * norm(tap, n) / sqrt((double)n)),
                  "%s", op->tap);
        v = want(s, "tap", op->tap, "");
        check(&v, op->tap, tap, op->C, op->H, op->W, norm(tap, n) / sqrt((double)n),
              tolerance);
        free(tap);
    }
}

static void check_logits(struct scene *s, const float *logits, double tolerance)
{
    int n = s->n * s->g->classes;
    struct vectors v = want(s, "logits", "", ""), m = want(s, "logits mean", "", ""),
                   std = want(s, "logits std", "", "");
    double squares = 0, have = mean(logits, (size_t)n);
    int top = 0;

    check(&v, "logits", logits, s->g->classes, 1, 1, std.value[0], tolerance);
    for (int i = 0; i < n; i++)
        squares += pow((double)logits[i] - have, 2);
    cr_assert(epsilon_eq(dbl, have, m.value[0], tolerance * std.value[0]));
    cr_assert(epsilon_eq(dbl, sqrt(squares / (n - 1)) / std.value[0], 1, tolerance));
    for (int i = 1; i < s->g->classes; i++)
        top = logits[i] > logits[top] ? i : top;
    cr_assert(eq(int, top, (int)want(s, "argmax", "", "").value[0]));
}

static double mean_loss(struct scene *s)
{
    struct error err = { 0 };
    float loss[N];

    must(net_loss(s->net, s->label, loss, &err));
    return mean(loss, (size_t)s->n);
}

static void check_gradient(struct scene *s, double tolerance, double of_samples)
{
    const struct graph *g = s->g;
    size_t n = (size_t)s->n * g->H * g->W * g->C;
    struct vectors v = want(s, "input gradient", "", "");
    double length = want(s, "input gradient norm", "", "").value[0];
    float *dx = malloc(n * sizeof *dx);
    struct error err = { 0 };

    mean_loss(s);
    must(net_backward_input(s->net, dx, &err));
    cr_assert(epsilon_eq(dbl, norm(dx, n) / length, 1, tolerance));
    check(&v, "input gradient", dx, g->C, g->H, g->W, length / sqrt((double)n),
          of_samples);
    free(dx);
}

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
    /* a GPU's products round so differently that a value passes a ReLU's edge */
    check_gradient(&s, strcmp(c->backend, "cuda:0") == 0 ? 1e-3 : 1e-4,
                   strcmp(c->backend, "cuda:0") == 0 ? 1e-2 : 1e-3);
    if (strcmp(c->backend, "plain") != 0)
        check_attack(&s, a, 1e-4);
    scene_close(&s);
}

ParameterizedTestParameters(nn_networks, full_ones_agree_with_pytorch)
{
    static struct net_case cases[] = { { "googlenet", "onednn" },
                                       { "resnet50", "onednn" },
                                       { "googlenet", "cuda:0" },
                                       { "resnet50", "cuda:0" } };

    return cr_make_param_array(struct net_case, cases, there_is_a_gpu(NULL) ? 4 : 2);
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
    check_gradient(&s, 1e-3, .05);
    check_attack(&s, a, 1e-3);
    free(logits);
    scene_close(&s);
}

/* How near single precision comes; PyTorch's own strays as far. */
struct nearness {
    double norm, sample; /* of a tensor; of a value, beside the tensor's others */
};

/* Each tensor, or some, that has vectors under this prefix. */
static void check_tensors(struct scene *s, const struct tensors *t, const char *what,
                          size_t every, struct nearness near)
{
    size_t trained = 0, buffers = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct tensor *x = &t->tensor[i];
        bool buffer = strstr(x->name, ".running_") != NULL || x->integer;
        double scale = norm(x->value, x->n) / sqrt((double)x->n);
        struct vectors v;
        if ((buffer ? buffers++ : trained++) % every != 0)
            continue;
        v = want(s, what, x->name, "");
        for (int k = 0; k < v.n; k++)
            cr_assert(epsilon_eq(dbl, (double)x->value[v.index[k]], v.value[k],
                                 near.sample * fmax(scale, fabs(v.value[k]))),
                      "%s %s %ld: %g, %g", what, x->name, v.index[k],
                      (double)x->value[v.index[k]], v.value[k]);
        if (strstr(what, "momentum") == NULL)
            continue;
        v = want(s, what, x->name, " norm");
        cr_assert(epsilon_eq(dbl, norm(x->value, x->n) / v.value[0], 1, near.norm),
                  "%s %s", what, x->name);
    }
}

/* One step of training: the loss, every gradient, what is updated, the statistics. */
static void check_step(struct scene *s, size_t every, struct nearness near)
{
    struct sgd sgd = { .lr = .05, .momentum = .9, .weight_decay = 5e-4 };
    struct tensors w = { 0 }, v = { 0 };
    struct error err = { 0 };
    struct draws draws[N];

    for (int i = 0; i < N; i++)
        draws_init(&draws[i], "train", "", (const char[]){ (char)('a' + i), '\0' }, 1);
    must(net_forward_training(s->net, s->x, s->n,
                              &(struct net_draws){ .draws = draws, .epoch = 2 }, NULL,
                              &err));
    cr_assert(
        epsilon_eq(dbl, mean_loss(s) / want(s, "train loss", "", "").value[0], 1, 1e-5));
    must(net_backward_weights(s->net, &err));
    must(net_update(s->net, &sgd, &err));
    must(net_get_momentum(s->net, &v, &err));
    must(net_get_parameters(s->net, &w, &err));
    check_tensors(s, &v, "train momentum", every, near);
    check_tensors(s, &w, "train", every, near);
    tensors_release(&v);
    tensors_release(&w);
}

ParameterizedTestParameters(nn_networks, training_small_ones_agrees_with_pytorch)
{
    static struct net_case cases[] = {
        { "googlenet", "plain" }, { "googlenet", "onednn" }, { "resnet50", "plain" },
        { "resnet50", "onednn" }, { "googlenet", "cuda:0" }, { "resnet50", "cuda:0" }
    };

    return cr_make_param_array(struct net_case, cases, there_is_a_gpu(NULL) ? 6 : 4);
}

ParameterizedTest(struct net_case *c, nn_networks,
                  training_small_ones_agrees_with_pytorch, .timeout = 120)
{
    struct scene s;

    scene_open(&s, c->arch, "mini", c->backend, N, true, false);
    check_step(&s, 1, (struct nearness){ 1e-4, 1e-3 });
    scene_close(&s);
}

/* With heads and dropout; some of the tensors. Two pictures a batch norm: where rounding
 * moves a value over a ReLU's edge, single gradients move by some percent. */
Test(nn_networks, training_full_googlenet_agrees_with_pytorch, .timeout = 120)
{
    struct scene s;

    scene_open(&s, "googlenet", "full", "onednn", 2, true, false);
    check_step(&s, 16, (struct nearness){ 5e-3, .05 });
    scene_close(&s);
}

static const struct nn_backend *real;

static int checked_prepare(struct nn_device *dev, const struct nn_op_desc *d,
                           struct nn_op **op, struct error *err)
{
    int rc = real->prepare(dev, d, op, err);

    for (int k = 0; k < 3 && rc == 0; k++) {
        const char *impl = (*op)->impl[k];
        bool products = d->kind == NN_LINEAR;
        cr_assert(impl == NULL || (!strstr(impl, "ref") && !strstr(impl, "simple") &&
                                   (products || !strstr(impl, "gemm:"))),
                  "%d of %dx%dx%d to %d: %s", d->kind, d->C, d->H, d->W, d->K, impl);
    }
    return rc;
}

struct size_case {
    char arch[16], size[8];
    int batch;
};

ParameterizedTestParameters(nn_networks, onednn_takes_no_slow_kernel)
{
    static struct size_case cases[] = { { "googlenet", "mini", 64 },
                                        { "resnet50", "mini", 64 },
                                        { "googlenet", "full", 1 },
                                        { "resnet50", "full", 1 } };

    return cr_make_param_array(struct size_case, cases, 4);
}

/* A linear is a matrix product in any case. */
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
