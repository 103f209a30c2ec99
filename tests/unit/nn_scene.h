/* A network with counted parameters beside what PyTorch computes in double precision
 * (tests/golden/network-vectors.tsv). */
#ifndef NN_SCENE_H
#define NN_SCENE_H

#include "nn_fixture.h"

#include "kit/draws.h"
#include "nn/arch.h"

enum { N = 4 }; /* pictures at most */

/* A network with the counted parameters, and where its vectors are. */
struct scene {
    struct graph *g;
    struct net *net;
    float *x;
    int n;
    int32_t label[N];
    struct draws draws[N];
    char what[32]; /* "googlenet mini" */
};

/* n pictures of bytes by the counter of k, new: free(). */
static inline float *noise_pictures(const struct graph *g, int n, uint32_t k)
{
    size_t size = (size_t)n * g->C * g->H * g->W;
    float *x = malloc(size * sizeof *x);

    for (size_t i = 0; i < size; i++)
        x[nhwc(i, g->C, g->H, g->W)] = (float)(counter((uint32_t)i, k) % 256) / 255.f;
    return x;
}

/* Takes g. Pictures and labels are those of small networks. */
static inline void scene_of(struct scene *s, struct graph *g, const char *backend, int n,
                            bool weights, bool input)
{
    struct error err = { 0 };
    struct tensors t = { 0 };

    s->g = g;
    s->net = open_net(g, backend, n, 1, 1, weights, input);
    counted_parameters(g, &t);
    must(net_set_parameters(s->net, &t, &err));
    tensors_release(&t);
    s->x = noise_pictures(g, n, 88);
    s->n = n;
    for (uint32_t i = 0; i < N; i++)
        s->label[i] = (int32_t)(counter(i, 78) % 10);
    for (int i = 0; i < N; i++)
        draws_init(&s->draws[i], "train", "", (const char[]){ (char)('a' + i), '\0' }, 1);
}

static inline void scene_open(struct scene *s, const char *arch, const char *size,
                              const char *backend, int n, bool weights, bool input)
{
    bool full = strcmp(size, "mini") != 0;
    struct error err = { 0 };
    struct graph *g;

    must(net_arch(&g, arch, size, full ? 1000 : 10, &err));
    scene_of(s, g, backend, n, weights, input);
    snprintf(s->what, sizeof s->what, "%s %s", arch, full ? "full" : "mini");
    if (!full)
        return;
    free(s->x);
    s->x = counted_pictures(g, n, true);
    s->label[0] = 65;
    s->label[1] = 3;
}

static inline void scene_close(struct scene *s)
{
    free(s->x);
    net_close(s->net);
    graph_free(s->g);
}

/* How near values come. */
struct nearness {
    double norm,
        sample; /* of a whole tensor, relative; of a value, beside the tensor's others */
};

static inline struct vectors want(const struct scene *s, const char *what,
                                  const char *name, const char *end)
{
    char text[128];

    snprintf(text, sizeof text, "%s %s%s%s%s", s->what, what, name[0] != '\0' ? " " : "",
             name, end);
    return vectors_in("network-vectors.tsv", text);
}

static inline double norm(const float *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static inline double mean(const float *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum / (double)n;
}

/* Values at places that count N x C x H x W, each within tolerance of the scale. */
static inline void check(const struct vectors *v, const char *what, const float *have,
                         int C, int H, int W, double scale, double tolerance)
{
    for (int i = 0; i < v->n; i++)
        cr_assert(epsilon_eq(dbl, (double)have[nhwc((size_t)v->index[i], C, H, W)],
                             v->value[i], tolerance * fmax(scale, fabs(v->value[i]))),
                  "%s %ld", what, v->index[i]);
}

static inline void check_taps(struct scene *s, double tolerance)
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

static inline void check_logits(struct scene *s, const float *logits, double tolerance)
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

static inline double mean_loss(struct scene *s)
{
    struct error err = { 0 };
    float loss[N];

    must(net_loss(s->net, s->label, loss, &err));
    return mean(loss, (size_t)s->n);
}

static inline void check_gradient(struct scene *s, struct nearness near)
{
    const struct graph *g = s->g;
    size_t n = (size_t)s->n * g->H * g->W * g->C;
    struct vectors v = want(s, "input gradient", "", "");
    double length = want(s, "input gradient norm", "", "").value[0];
    float *dx = malloc(n * sizeof *dx);
    struct error err = { 0 };

    mean_loss(s);
    must(net_backward_input(s->net, dx, &err));
    cr_assert(epsilon_eq(dbl, norm(dx, n) / length, 1, near.norm));
    check(&v, "input gradient", dx, g->C, g->H, g->W, length / sqrt((double)n),
          near.sample);
    free(dx);
}

/* Each tensor, by its vectors under this prefix. */
static inline void check_tensors(struct scene *s, const struct tensors *t,
                                 const char *what, struct nearness near)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct tensor *x = &t->tensor[i];
        double scale = norm(x->value, x->n) / sqrt((double)x->n);
        struct vectors v = want(s, what, x->name, "");
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

static inline void forward_training(struct scene *s)
{
    struct net_draws use = { .draws = s->draws, .epoch = 2 };
    struct error err = { 0 };

    must(net_forward_training(s->net, s->x, s->n, &use, NULL, &err));
}

/* One step of training: the loss, every gradient, what is updated, the statistics. */
static inline void check_step(struct scene *s, struct nearness near)
{
    struct sgd sgd = { .lr = .05, .momentum = .9, .weight_decay = 5e-4 };
    struct tensors w = { 0 }, v = { 0 };
    struct error err = { 0 };

    forward_training(s);
    cr_assert(
        epsilon_eq(dbl, mean_loss(s) / want(s, "train loss", "", "").value[0], 1, 1e-5));
    must(net_backward_weights(s->net, &err));
    must(net_update(s->net, &sgd, &err));
    must(net_get_momentum(s->net, &v, &err));
    must(net_get_parameters(s->net, &w, &err));
    check_tensors(s, &v, "train momentum", near);
    check_tensors(s, &w, "train", near);
    tensors_release(&v);
    tensors_release(&w);
}

#endif
