/* Each operator of each backend against plain, and plain against finite differences. */
#include "nn_fixture.h"

#include <criterion/parameterized.h>

#include "kit/draws.h"
#include "larder/mem.h"
#include "nn/backend.h"

/* Everything one operator reads and writes, in host memory and PyTorch's layouts; several
 * inputs lie one behind the other. */
struct io {
    size_t n_x, n_y, n_w, n_b, n_running;
    float *x, *y, *dy, *dx, *weight, *bias, *dweight, *dbias, *running;
    int count;
};

static size_t weights_of(const struct nn_op_desc *d)
{
    if (d->kind == NN_CONV)
        return (size_t)d->K * d->C * d->kernel * d->kernel;
    if (d->kind == NN_BATCHNORM)
        return d->C;
    return d->kind == NN_LINEAR ? (size_t)d->K * d->C * d->H * d->W : 0;
}

/* Where input k begins in x. */
static size_t input_at(const struct nn_op_desc *d, int k)
{
    size_t at = 0;

    for (int i = 0; i < k; i++)
        at += (size_t)d->N * d->H * d->W * d->channels[i];
    return at;
}

static float draw(uint32_t i, uint32_t k)
{
    return (float)(counter(i, k) / 4294967296.0 * 2 - 1);
}

static struct io io_new(const struct nn_op_desc *d)
{
    struct io v = { .n_x = d->inputs > 1 ? input_at(d, d->inputs)
                                         : (size_t)d->N * d->H * d->W * d->C,
                    .n_y = (size_t)d->N * d->P * d->Q * d->K,
                    .n_w = weights_of(d),
                    .n_b = d->bias || d->kind == NN_BATCHNORM ? d->K : 0,
                    .n_running = d->kind == NN_BATCHNORM ? 2 * (size_t)d->C : 0,
                    .count = d->N };
    float **part[] = {
        &v.x, &v.dx, &v.y, &v.dy, &v.weight, &v.dweight, &v.bias, &v.dbias
    };
    size_t n[] = { v.n_x, v.n_y, v.n_w, v.n_b };

    for (int i = 0; i < 8; i++)
        *part[i] = xcalloc(n[i / 2] + 1, sizeof(float));
    for (size_t i = 0; i < v.n_x; i++)
        v.x[i] = draw(i, 1);
    for (size_t i = 0; i < v.n_y; i++)
        v.dy[i] = draw(i, 2);
    for (size_t i = 0; i < v.n_w; i++)
        v.weight[i] = draw(i, 3);
    for (size_t i = 0; i < v.n_b; i++)
        v.bias[i] = draw(i, 4);
    v.running = xcalloc(v.n_running + 1, sizeof(float));
    for (size_t i = 0; i < v.n_running; i++)
        v.running[i] = i < v.n_running / 2 ? draw(i, 5) : 1 + draw(i, 6) / 2;
    return v;
}

static void io_free(struct io *v)
{
    float *part[] = {
        v->x, v->dx, v->y, v->dy, v->weight, v->dweight, v->bias, v->dbias
    };

    for (int i = 0; i < 8; i++)
        free(part[i]);
    free(v->running);
}

/* Device memory of one operator. */
struct memory_of {
    void *x, *y, *dy, *dx, *w, *dw, *work, *state, *running, *draws, *epoch;
    size_t n_x, n_y, n_w, n_work, n_state, n_running;
};

static void memory_open(struct memory_of *m, const struct nn_backend *b,
                        struct nn_device *dev, const struct nn_op *op, const struct io *v)
{
    struct error err = { 0 };

    *m = (struct memory_of){ .n_x = v->n_x * 4,
                             .n_y = v->n_y * 4,
                             .n_w = (op->n_weights + op->n_derived) * 4,
                             .n_work = op->n_work,
                             .n_state = op->n_state,
                             .n_running = v->n_running * 4 };
    must(b->alloc(dev, m->n_x, &m->x, &err));
    must(b->alloc(dev, m->n_x, &m->dx, &err));
    must(b->alloc(dev, m->n_y, &m->y, &err));
    must(b->alloc(dev, m->n_y, &m->dy, &err));
    must(b->alloc(dev, m->n_w, &m->w, &err));
    must(b->alloc(dev, m->n_w, &m->dw, &err));
    must(b->alloc(dev, m->n_work, &m->work, &err));
    must(b->alloc(dev, m->n_state, &m->state, &err));
    must(b->alloc(dev, m->n_running, &m->running, &err));
    must(b->alloc(dev, 8 * sizeof(struct draws), &m->draws, &err));
    must(b->alloc(dev, sizeof(uint64_t), &m->epoch, &err));
}

static void memory_close(struct memory_of *m, const struct nn_backend *b,
                         struct nn_device *dev)
{
    b->free(dev, m->x, m->n_x);
    b->free(dev, m->dx, m->n_x);
    b->free(dev, m->y, m->n_y);
    b->free(dev, m->dy, m->n_y);
    b->free(dev, m->w, m->n_w);
    b->free(dev, m->dw, m->n_w);
    b->free(dev, m->work, m->n_work);
    b->free(dev, m->state, m->n_state);
    b->free(dev, m->running, m->n_running);
    b->free(dev, m->draws, 8 * sizeof(struct draws));
    b->free(dev, m->epoch, sizeof(uint64_t));
}

/* Forward and backward of d on the named backend: fills y, dx, dweight, dbias of v. */
static void run(const char *backend, const struct nn_op_desc *d, struct io *v)
{
    struct error err = { 0 };
    const struct nn_backend *b;
    struct nn_device *dev;
    struct nn_op *op;
    struct memory_of m;
    struct draws draws[8];

    for (int i = 0; i < 8; i++)
        draws_init(&draws[i], "train", "", (const char[]){ (char)('a' + i), '\0' }, 7);
    must(backend_find(&b, backend, &err));
    must(b->open(&dev, 0, &err));
    must(b->prepare(dev, d, &op, &err));
    memory_open(&m, b, dev, op, v);
    struct nn_args a = { .x = m.x,
                         .y = m.y,
                         .w = m.w,
                         .dy = m.dy,
                         .work = m.work,
                         .dx = d->input_gradient ? m.dx : NULL,
                         .dw = d->weight_gradient ? m.dw : NULL,
                         .state = m.state,
                         .running = m.running,
                         .moves = true,
                         .count = v->count,
                         .draws = m.draws,
                         .epoch = m.epoch };
    for (int k = 0; k < d->inputs; k++) {
        a.xs[k] = (float *)m.x + input_at(d, k);
        a.dxs[k] = (float *)m.dx + input_at(d, k);
    }
    must(b->upload(dev, m.draws, draws, sizeof draws, &err));
    must(b->upload(dev, m.epoch, &(uint64_t){ 3 }, sizeof(uint64_t), &err));
    must(b->upload(dev, m.running, v->running, m.n_running, &err));
    must(b->upload(dev, m.x, v->x, m.n_x, &err));
    must(b->upload(dev, m.dy, v->dy, m.n_y, &err));
    if (v->n_w > 0) {
        must(b->pack(op, m.w, v->weight, v->n_b > 0 ? v->bias : NULL, m.work, &err));
        must(b->refresh(op, m.w, m.work, &err));
    }
    must(b->forward(op, &a, &err));
    must(b->download(dev, v->y, m.y, m.n_y, &err));
    must(b->backward(op, &a, &err));
    must(b->download(dev, v->dx, m.dx, m.n_x, &err));
    if (d->weight_gradient && v->n_w > 0)
        must(b->unpack(op, m.dw, v->dweight, v->n_b > 0 ? v->dbias : NULL, m.work, &err));
    must(b->download(dev, v->running, m.running, m.n_running, &err));
    memory_close(&m, b, dev);
    b->discard(op);
    b->close(dev);
}

struct op_case {
    char backend[8];
    int kind, n, c, h, w, k, kernel, stride, pad, ceil_mode, relu, gated, extra;
};

/* op_case.extra; of a convolution, from 2 on: its dilation */
enum { NO_BIAS = 1, TRAINING = 1, NOT_FULL = 2 };

static int dilation(const struct op_case *o)
{
    return o->kind == NN_CONV && o->extra > 1 ? o->extra : 1;
}

static int size_out(const struct op_case *o, int n)
{
    int out, reach = dilation(o) * (o->kernel - 1) + 1;

    if (o->kind == NN_LINEAR || o->kind == NN_GRAM)
        return 1;
    if (o->kind == NN_AVGPOOL)
        return o->kernel;
    if (o->kind == NN_REFLECT)
        return n + 2 * o->pad;
    if (o->kind == NN_UPSAMPLE)
        return n * o->stride;
    if (o->kernel == 0)
        return n;
    out = (n + 2 * o->pad - reach + (o->ceil_mode ? o->stride - 1 : 0)) / o->stride + 1;
    return o->ceil_mode && (out - 1) * o->stride >= n + o->pad ? out - 1 : out;
}

static struct nn_op_desc desc_of(const struct op_case *o)
{
    bool weights = o->kind == NN_CONV || o->kind == NN_LINEAR;
    bool joins = o->kind == NN_CONCAT || o->kind == NN_ADD;
    bool sum = o->kind == NN_CONCAT;

    return (struct nn_op_desc){
        .kind = o->kind,
        .N = o->n,
        .C = o->c,
        .H = o->h,
        .W = o->w,
        .K = weights              ? o->k
             : sum                ? 2 * o->c + o->k
             : o->kind == NN_GRAM ? o->c * o->c
                                  : o->c,
        .P = size_out(o, o->h),
        .Q = size_out(o, o->w),
        .kernel = o->kernel,
        .stride = o->stride,
        .pad = o->pad,
        .dilation = dilation(o),
        .bias = weights && o->extra != NO_BIAS,
        .mean = { .4f, .5f, .6f, .7f },
        .std = { .2f, .25f, .3f, .35f },
        .inputs = joins ? 2 + sum : 1,
        .channels = { o->c, sum ? o->k : o->c, o->c },
        .eps = o->kind == NN_BATCHNORM ? 1e-3 : 0,
        .training = o->kind != NN_BATCHNORM || o->extra > 0,
        .drop = o->kind == NN_DROPOUT ? .3 : 0,
        .stream = 1,
        .relu = (weights || o->kind == NN_BATCHNORM || o->kind == NN_ADD) && o->relu,
        .gated = weights && o->gated,
        .gate = o->kind == NN_MAXPOOL && o->gated,
        .input_gradient = true,
        .weight_gradient = weights || o->kind == NN_BATCHNORM,
    };
}

/* What a case reads: filling behind the pictures that count is 0, and has no gradient. */
static struct io io_of(const struct op_case *o, const struct nn_op_desc *d)
{
    struct io v = io_new(d);
    size_t x = v.n_x / d->N, y = v.n_y / d->N;

    if (o->kind != NN_BATCHNORM || o->extra != NOT_FULL)
        return v;
    v.count = d->N - 1;
    memset(v.x + v.count * x, 0, x * sizeof *v.x);
    memset(v.dy + v.count * y, 0, y * sizeof *v.dy);
    return v;
}

#define CASES(backend)                                                          \
    { backend, NN_CONV, 2, 3, 32, 32, 24, 7, 2, 3, 0, 1, 1, 0 },                \
        { backend, NN_CONV, 2, 24, 8, 8, 64, 5, 1, 2, 0, 1, 0, 0 },             \
        { backend, NN_CONV, 3, 64, 4, 4, 96, 3, 1, 1, 0, 1, 0, 0 },             \
        { backend, NN_CONV, 1, 96, 4, 4, 64, 3, 1, 1, 0, 0, 0, 0 },             \
        { backend, NN_CONV, 1, 3, 67, 67, 64, 11, 4, 2, 0, 1, 0, 0 },           \
        { backend, NN_CONV, 2, 3, 31, 29, 16, 7, 2, 3, 0, 0, 0, 0 },            \
        { backend, NN_CONV, 1, 4, 9, 7, 5, 3, 2, 0, 0, 1, 0, 0 },               \
        { backend, NN_CONV, 2, 1, 12, 12, 8, 4, 4, 0, 0, 0, 0, 0 },             \
        { backend, NN_CONV, 5, 20, 7, 5, 12, 1, 1, 0, 0, 1, 0, 0 },             \
        { backend, NN_CONV, 2, 16, 11, 13, 40, 3, 2, 1, 0, 0, 0, 0 },           \
        { backend, NN_CONV, 1, 17, 6, 6, 33, 3, 1, 1, 0, 1, 0, 0 },             \
        { backend, NN_LINEAR, 4, 64, 2, 2, 128, 0, 0, 0, 0, 1, 0, 0 },          \
        { backend, NN_LINEAR, 3, 128, 1, 1, 10, 0, 0, 0, 0, 0, 0, 0 },          \
        { backend, NN_LINEAR, 1, 7, 3, 2, 5, 0, 0, 0, 0, 1, 0, 0 },             \
        { backend, NN_MAXPOOL, 2, 24, 16, 16, 0, 3, 2, 1, 0, 0, 1, 0 },         \
        { backend, NN_MAXPOOL, 2, 64, 13, 13, 0, 3, 2, 0, 0, 0, 0, 0 },         \
        { backend, NN_MAXPOOL, 1, 13, 12, 12, 0, 3, 2, 0, 1, 0, 1, 0 },         \
        { backend, NN_MAXPOOL, 1, 5, 7, 9, 0, 2, 2, 0, 1, 0, 0, 0 },            \
        { backend, NN_MAXPOOL, 1, 8, 6, 6, 0, 3, 1, 1, 1, 0, 0, 0 },            \
        { backend, NN_RELU, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0, 0, 0 },               \
        { backend, NN_NORMALISE, 2, 3, 9, 5, 0, 0, 0, 0, 0, 0, 0, 0 },          \
        { backend, NN_NORMALISE, 1, 4, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0 },          \
        { backend, NN_CONV, 2, 16, 8, 8, 24, 1, 1, 0, 0, 0, 0, NO_BIAS },       \
        { backend, NN_CONV, 2, 3, 32, 32, 16, 7, 2, 3, 0, 0, 0, NO_BIAS },      \
        { backend, NN_CONV, 2, 32, 16, 16, 64, 1, 2, 0, 0, 0, 0, NO_BIAS },     \
        { backend, NN_CONV, 3, 4, 4, 4, 12, 3, 1, 1, 0, 0, 0, NO_BIAS },        \
        { backend, NN_MAXPOOL, 2, 16, 12, 12, 0, 3, 2, 1, 0, 0, 0, 0 },         \
        { backend, NN_BATCHNORM, 4, 16, 8, 8, 0, 0, 0, 0, 0, 0, 0, TRAINING },  \
        { backend, NN_BATCHNORM, 4, 16, 8, 8, 0, 0, 0, 0, 0, 1, 0, TRAINING },  \
        { backend, NN_BATCHNORM, 3, 28, 5, 7, 0, 0, 0, 0, 0, 1, 0, TRAINING },  \
        { backend, NN_BATCHNORM, 2, 70, 3, 3, 0, 0, 0, 0, 0, 1, 0, TRAINING },  \
        { backend, NN_BATCHNORM, 9, 33, 9, 37, 0, 0, 0, 0, 0, 1, 0, TRAINING }, \
        { backend, NN_BATCHNORM, 9, 3, 99, 99, 0, 0, 0, 0, 0, 0, 0, TRAINING }, \
        { backend, NN_BATCHNORM, 8, 4, 16, 16, 0, 0, 0, 0, 0, 1, 0, NOT_FULL }, \
        { backend, NN_BATCHNORM, 3, 132, 4, 4, 0, 0, 0, 0, 0, 0, 0, NOT_FULL }, \
        { backend, NN_BATCHNORM, 2, 12, 5, 5, 0, 0, 0, 0, 0, 1, 0, 0 },         \
        { backend, NN_BATCHNORM, 2, 65, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0 },         \
        { backend, NN_AVGPOOL, 3, 24, 7, 7, 0, 1, 0, 0, 0, 0, 0, 0 },           \
        { backend, NN_AVGPOOL, 2, 5, 14, 14, 0, 4, 0, 0, 0, 0, 0, 0 },          \
        { backend, NN_AVGPOOL, 2, 19, 2, 2, 0, 2, 0, 0, 0, 0, 0, 0 },           \
        { backend, NN_DROPOUT, 3, 40, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0 },           \
        { backend, NN_DROPOUT, 2, 7, 3, 5, 0, 0, 0, 0, 0, 0, 0, 0 },            \
        { backend, NN_CONCAT, 2, 16, 5, 3, 7, 0, 0, 0, 0, 0, 0, 0 },            \
        { backend, NN_CONCAT, 1, 4, 4, 4, 64, 0, 0, 0, 0, 0, 0, 0 },            \
        { backend, NN_ADD, 2, 33, 3, 5, 0, 0, 0, 0, 0, 0, 0, 0 },               \
        { backend, NN_CONV, 2, 16, 9, 11, 32, 3, 1, 2, 0, 1, 0, 2 },            \
        { backend, NN_CONV, 1, 24, 13, 13, 11, 3, 1, 8, 0, 0, 0, 8 },           \
        { backend, NN_CONV, 2, 3, 16, 15, 16, 5, 2, 4, 0, 0, 0, 2 },            \
        { backend, NN_REFLECT, 2, 16, 5, 7, 0, 0, 0, 1, 0, 0, 0, 0 },           \
        { backend, NN_REFLECT, 1, 3, 4, 3, 0, 0, 0, 2, 0, 0, 0, 0 },            \
        { backend, NN_REFLECT, 2, 5, 2, 2, 0, 0, 0, 1, 0, 0, 0, 0 },            \
        { backend, NN_UPSAMPLE, 2, 19, 3, 5, 0, 0, 2, 0, 0, 0, 0, 0 },          \
        { backend, NN_UPSAMPLE, 1, 4, 2, 2, 0, 0, 3, 0, 0, 0, 0, 0 },           \
        { backend, NN_GRAM, 2, 24, 5, 7, 0, 0, 0, 0, 0, 0, 0, 0 },              \
        { backend, NN_GRAM, 1, 65, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0 },              \
    {                                                                           \
        backend, NN_ADD, 2, 33, 3, 5, 0, 0, 0, 0, 0, 1, 0, 0                    \
    }

/* The largest difference, relative to the largest value. */
static double gap(const float *a, const float *b, size_t n)
{
    double most = 0, top = 1e-30;

    for (size_t i = 0; i < n; i++) {
        top = fmax(top, fabs((double)b[i]));
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    }
    return most / top;
}

ParameterizedTestParameters(nn_operators, agrees_with_plain)
{
    static struct op_case cases[] = { CASES("onednn") };

    return cr_make_param_array(struct op_case, cases, sizeof cases / sizeof cases[0]);
}

static void check_against_plain(const struct op_case *o)
{
    struct nn_op_desc d = desc_of(o);
    struct io have = io_of(o, &d), want = io_of(o, &d);

    run(o->backend, &d, &have);
    run("plain", &d, &want);
    cr_assert(le(dbl, gap(have.y, want.y, want.n_y), 1e-5));
    cr_assert(le(dbl, gap(have.dx, want.dx, want.n_x), 1e-5));
    cr_assert(le(dbl, gap(have.dweight, want.dweight, want.n_w), 1e-5));
    cr_assert(le(dbl, gap(have.dbias, want.dbias, want.n_b), 1e-5));
    cr_assert(le(dbl, gap(have.running, want.running, want.n_running), 1e-6));
    io_free(&want);
    io_free(&have);
}

ParameterizedTest(struct op_case *o, nn_operators, agrees_with_plain)
{
    check_against_plain(o);
}

/* One test where there is no GPU, to say so. */
ParameterizedTestParameters(nn_operators, gpu_agrees_with_plain)
{
    static struct op_case cases[] = { CASES("cuda:0") };

    return cr_make_param_array(struct op_case, cases,
                               there_is_a_gpu(NULL) ? sizeof cases / sizeof cases[0] : 1);
}

ParameterizedTest(struct op_case *o, nn_operators, gpu_agrees_with_plain)
{
    struct error err = { 0 };

    if (!there_is_a_gpu(&err))
        cr_skip_test("%s", err.text);
    check_against_plain(o);
}

/* The sum of dy y: what the gradients are those of. */
static double objective(const struct nn_op_desc *d, struct io *v)
{
    double sum = 0;

    for (size_t i = 0; i < v->n_running; i++)
        v->running[i] = i < v->n_running / 2 ? draw(i, 5) : 1 + draw(i, 6) / 2;
    run("plain", d, v);
    for (size_t i = 0; i < v->n_y; i++)
        sum += (double)v->dy[i] * (double)v->y[i];
    return sum;
}

/* Checks some of the n gradients g of the values p by moving each up and down. */
static void check_differences(const struct nn_op_desc *d, struct io *v, float *p,
                              const float *g, size_t n, const char *what)
{
    const float h = .0078125f; /* exact, small beside the values, large beside rounding */

    for (size_t k = 0; k < n; k += 1 + n / 23) {
        float old = p[k];
        p[k] = old + h;
        double up = objective(d, v);
        p[k] = old - h;
        double down = objective(d, v);
        p[k] = old;
        cr_assert(epsilon_eq(dbl, (up - down) / (2 * (double)h), (double)g[k], 4e-3),
                  "%s %zu", what, k);
    }
}

/* Small shapes; values so far apart that no maximum and no sign changes within a step. */
ParameterizedTestParameters(nn_operators, plain_agrees_with_differences)
{
    static struct op_case cases[] = {
        { "plain", NN_CONV, 2, 3, 7, 6, 4, 3, 2, 1, 0, 0, 0, 0 },
        { "plain", NN_CONV, 1, 2, 9, 9, 3, 5, 1, 2, 0, 0, 0, 0 },
        { "plain", NN_LINEAR, 2, 3, 2, 2, 5, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_MAXPOOL, 1, 2, 7, 7, 0, 3, 2, 1, 0, 0, 0, 0 },
        { "plain", NN_MAXPOOL, 1, 2, 8, 8, 0, 3, 2, 0, 1, 0, 0, 0 },
        { "plain", NN_RELU, 1, 3, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_NORMALISE, 1, 3, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_CONV, 2, 3, 6, 6, 4, 3, 2, 1, 0, 0, 0, NO_BIAS },
        { "plain", NN_BATCHNORM, 2, 3, 3, 2, 0, 0, 0, 0, 0, 0, 0, TRAINING },
        { "plain", NN_BATCHNORM, 3, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, NOT_FULL },
        { "plain", NN_BATCHNORM, 2, 3, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_AVGPOOL, 1, 2, 7, 7, 0, 3, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_AVGPOOL, 2, 3, 4, 4, 0, 1, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_DROPOUT, 2, 3, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_CONCAT, 2, 3, 2, 2, 4, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_ADD, 1, 4, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_ADD, 1, 4, 3, 3, 0, 0, 0, 0, 0, 1, 0, 0 },
        { "plain", NN_CONV, 1, 2, 9, 8, 3, 3, 2, 2, 0, 0, 0, 3 },
        { "plain", NN_REFLECT, 1, 2, 4, 3, 0, 0, 0, 2, 0, 0, 0, 0 },
        { "plain", NN_UPSAMPLE, 1, 2, 3, 2, 0, 0, 2, 0, 0, 0, 0, 0 },
        { "plain", NN_GRAM, 1, 3, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0 },
    };

    return cr_make_param_array(struct op_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct op_case *o, nn_operators, plain_agrees_with_differences)
{
    struct nn_op_desc d = desc_of(o);
    struct io v = io_of(o, &d), g;

    if (o->kind == NN_MAXPOOL || o->kind == NN_RELU || o->kind == NN_ADD)
        for (size_t i = 0; i < v.n_x; i++) /* all different: 1/16 apart, none at 0 */
            v.x[i] = (float)((i * 37) % v.n_x) / 16.f - 1.03125f;
    run("plain", &d, &v);
    g = io_of(o, &d);
    memcpy(g.dx, v.dx, v.n_x * sizeof *v.dx);
    memcpy(g.dweight, v.dweight, v.n_w * sizeof *v.dweight);
    memcpy(g.dbias, v.dbias, v.n_b * sizeof *v.dbias);
    check_differences(&d, &v, v.x, g.dx, v.n_x, "x");
    check_differences(&d, &v, v.weight, g.dweight, v.n_w, "weight");
    check_differences(&d, &v, v.bias, g.dbias, v.n_b, "bias");
    io_free(&g);
    io_free(&v);
}

struct backend_case {
    char name[8];
};

static struct backend_case backends[] = { { "plain" }, { "onednn" } };

ParameterizedTestParameters(nn_operators, gradient_of_relu_at_zero_is_zero)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

ParameterizedTest(struct backend_case *b, nn_operators, gradient_of_relu_at_zero_is_zero)
{
    struct op_case o = { .kind = NN_RELU, .n = 1, .c = 3, .h = 1, .w = 1 };
    struct nn_op_desc d = desc_of(&o);
    struct io v = io_new(&d);

    memcpy(v.x, (float[]){ -1, 0, 2 }, 3 * sizeof *v.x);
    memcpy(v.dy, (float[]){ 5, 6, 7 }, 3 * sizeof *v.dy);
    run(b->name, &d, &v);
    cr_assert(eq(flt, v.dx[0], 0));
    cr_assert(eq(flt, v.dx[1], 0));
    cr_assert(eq(flt, v.dx[2], 7));
    cr_assert(eq(flt, v.y[2], 2));
    io_free(&v);
}

ParameterizedTestParameters(nn_operators, first_of_several_maxima_gets_the_gradient)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

/* Nine channels: eight in a vector and one beside it. */
ParameterizedTest(struct backend_case *b, nn_operators,
                  first_of_several_maxima_gets_the_gradient)
{
    struct op_case o = {
        .kind = NN_MAXPOOL, .n = 1, .c = 9, .h = 3, .w = 3, .kernel = 3, .stride = 1
    };
    struct nn_op_desc d = desc_of(&o);
    struct io v = io_new(&d);

    for (size_t i = 0; i < v.n_x; i++)
        v.x[i] = i / 9 == 2 || i / 9 == 3 || i / 9 == 8 ? 4 : 1;
    run(b->name, &d, &v);
    for (size_t i = 0; i < v.n_x; i++)
        cr_assert(eq(flt, v.dx[i], i / 9 == 2 ? v.dy[i % 9] : 0), "place %zu", i);
    io_free(&v);
}

ParameterizedTestParameters(nn_operators, pooling_passes_on_what_is_no_number)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

ParameterizedTest(struct backend_case *b, nn_operators,
                  pooling_passes_on_what_is_no_number)
{
    struct op_case o = {
        .kind = NN_MAXPOOL, .n = 1, .c = 9, .h = 2, .w = 2, .kernel = 2, .stride = 2
    };
    struct nn_op_desc d = desc_of(&o);
    struct io v = io_new(&d);

    for (int c = 0; c < 9; c++)
        v.x[9 + c] = NAN;
    run(b->name, &d, &v);
    for (int c = 0; c < 9; c++)
        cr_assert(ne(flt, v.y[c], v.y[c]));
    io_free(&v);
}

ParameterizedTestParameters(nn_operators, running_statistics_move_by_a_tenth)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

/* The example of PyTorch: the variance that they move to is the one over n - 1. */
ParameterizedTest(struct backend_case *b, nn_operators,
                  running_statistics_move_by_a_tenth)
{
    struct op_case o = {
        .kind = NN_BATCHNORM, .n = 3, .c = 1, .h = 1, .w = 1, .extra = TRAINING
    };
    struct nn_op_desc d = desc_of(&o);
    struct io v = io_new(&d);

    memcpy(v.x, (float[]){ 1, 2, 6 }, 3 * sizeof *v.x);
    memcpy(v.running, (float[]){ 0, 1 }, 2 * sizeof *v.running);
    run(b->name, &d, &v);
    cr_assert(epsilon_eq(flt, v.running[0], .3f, 1e-6f));
    cr_assert(epsilon_eq(flt, v.running[1], .9f + .7f, 1e-6f));
    io_free(&v);
}

ParameterizedTestParameters(nn_operators, what_fills_a_batch_has_no_part_in_its_norm)
{
    return cr_make_param_array(struct backend_case, backends, 2);
}

ParameterizedTest(struct backend_case *b, nn_operators,
                  what_fills_a_batch_has_no_part_in_its_norm)
{
    struct op_case o = {
        .kind = NN_BATCHNORM, .n = 4, .c = 5, .h = 3, .w = 3, .extra = NOT_FULL
    };
    struct nn_op_desc d = desc_of(&o);
    struct io part = io_of(&o, &d), alone;

    d.N = 3;
    alone = io_new(&d);
    d.N = 4;
    run(b->name, &d, &part);
    d.N = 3;
    run(b->name, &d, &alone);
    cr_assert(zero(int, memcmp(part.y, alone.y, alone.n_y * sizeof *alone.y)));
    cr_assert(zero(int, memcmp(part.dx, alone.dx, alone.n_x * sizeof *alone.dx)));
    cr_assert(zero(int, memcmp(part.running, alone.running, 10 * sizeof(float))));
    for (size_t i = alone.n_x; i < part.n_x; i++)
        cr_assert(eq(flt, part.dx[i], 0));
    io_free(&alone);
    io_free(&part);
}

/* Words of the draws, by hand from the rule of nn/drop.h. */
Test(nn_operators, dropout_follows_the_rule_of_draws)
{
    struct op_case o = { .kind = NN_DROPOUT, .n = 1, .c = 6, .h = 1, .w = 2 };
    struct nn_op_desc d = desc_of(&o);
    struct io v = io_new(&d);
    struct draws draws;
    uint32_t word[4];

    draws_init(&draws, "train", "", "a", 7);
    run("plain", &d, &v);
    for (int e = 0; e < 12; e++) {
        size_t at = nhwc(e, 6, 1, 2);
        draws_block(&draws, 17, (3ull << 32) + e / 4, word);
        if (word[e % 4] < .3 * 4294967296.)
            cr_assert(eq(flt, v.y[at], 0), "%d", e);
        else
            cr_assert(epsilon_eq(flt, v.y[at], v.x[at] / .7f, 1e-6f), "%d", e);
    }
    io_free(&v);
}

Test(nn_operators, onednn_takes_no_slow_kernel)
{
    static const struct op_case cases[] = { CASES("onednn") };
    const struct nn_backend *b;
    struct error err = { 0 };
    struct nn_device *dev;
    struct nn_op *op;
    char platform[64];

    must(backend_find(&b, "onednn", &err));
    b->platform(platform, sizeof platform);
    if (strstr(platform, "avx2") == NULL && strstr(platform, "avx512") == NULL)
        cr_skip_test("oneDNN has no direct kernels for the instructions of this machine");
    must(b->open(&dev, 0, &err));
    for (int i = 0; i < 4; i++) { /* the convolutions of the small network */
        struct nn_op_desc d = desc_of(&cases[i]);
        d.N = 64;
        must(b->prepare(dev, &d, &op, &err));
        for (int k = 0; k < 3; k++) {
            cr_assert(zero(ptr, strstr(op->impl[k], "ref")), "%s", op->impl[k]);
            cr_assert(zero(ptr, strstr(op->impl[k], "simple")), "%s", op->impl[k]);
            cr_assert(zero(ptr, strstr(op->impl[k], "gemm:")), "%s", op->impl[k]);
        }
        b->discard(op);
    }
    b->close(dev);
}

Test(nn_operators, an_unknown_backend_is_refused_by_name)
{
    const struct nn_backend *b;
    struct error err = { 0 };

    cr_assert(eq(int, backend_find(&b, "abacus", &err), E_DEVICE));
    cr_assert(not(zero(ptr, strstr(err.text, "abacus"))));
}
