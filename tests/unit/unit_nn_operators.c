/* Each operator of each backend against plain, and plain against finite differences. */
#include "nn_fixture.h"

#include <criterion/parameterized.h>

#include "larder/mem.h"
#include "nn/backend.h"

/* Everything one operator reads and writes, in host memory and PyTorch's layouts. */
struct io {
    size_t n_x, n_y, n_w, n_b;
    float *x, *y, *dy, *dx, *weight, *bias, *dweight, *dbias;
};

static size_t weights_of(const struct nn_op_desc *d)
{
    if (d->kind == NN_CONV)
        return (size_t)d->K * d->C * d->kernel * d->kernel;
    return d->kind == NN_LINEAR ? (size_t)d->K * d->C * d->H * d->W : 0;
}

static float draw(uint32_t i, uint32_t k)
{
    return (float)(counter(i, k) / 4294967296.0 * 2 - 1);
}

static struct io io_new(const struct nn_op_desc *d)
{
    struct io v = { .n_x = (size_t)d->N * d->H * d->W * d->C,
                    .n_y = (size_t)d->N * d->P * d->Q * d->K,
                    .n_w = weights_of(d),
                    .n_b = weights_of(d) > 0 ? d->K : 0 };
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
    return v;
}

static void io_free(struct io *v)
{
    float *part[] = {
        v->x, v->dx, v->y, v->dy, v->weight, v->dweight, v->bias, v->dbias
    };

    for (int i = 0; i < 8; i++)
        free(part[i]);
}

/* Device memory of one operator. */
struct memory_of {
    void *x, *y, *dy, *dx, *w, *dw, *work;
    size_t n_x, n_y, n_w, n_work;
};

static void memory_open(struct memory_of *m, const struct nn_backend *b,
                        struct nn_device *dev, const struct nn_op *op, const struct io *v)
{
    struct error err = { 0 };

    *m = (struct memory_of){ .n_x = v->n_x * 4,
                             .n_y = v->n_y * 4,
                             .n_w = (op->n_weights + op->n_derived) * 4,
                             .n_work = op->n_work };
    must(b->alloc(dev, m->n_x, &m->x, &err));
    must(b->alloc(dev, m->n_x, &m->dx, &err));
    must(b->alloc(dev, m->n_y, &m->y, &err));
    must(b->alloc(dev, m->n_y, &m->dy, &err));
    must(b->alloc(dev, m->n_w, &m->w, &err));
    must(b->alloc(dev, m->n_w, &m->dw, &err));
    must(b->alloc(dev, m->n_work, &m->work, &err));
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
}

/* Forward and backward of d on the named backend: fills y, dx, dweight, dbias of v. */
static void run(const char *backend, const struct nn_op_desc *d, struct io *v)
{
    struct error err = { 0 };
    const struct nn_backend *b;
    struct nn_device *dev;
    struct nn_op *op;
    struct memory_of m;

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
                         .dw = d->weight_gradient ? m.dw : NULL };
    must(b->upload(dev, m.x, v->x, m.n_x, &err));
    must(b->upload(dev, m.dy, v->dy, m.n_y, &err));
    if (v->n_w > 0) {
        must(b->pack(op, m.w, v->weight, v->bias, m.work, &err));
        must(b->refresh(op, m.w, m.work, &err));
    }
    must(b->forward(op, &a, &err));
    must(b->download(dev, v->y, m.y, m.n_y, &err));
    must(b->backward(op, &a, &err));
    must(b->download(dev, v->dx, m.dx, m.n_x, &err));
    if (d->weight_gradient && v->n_w > 0)
        must(b->unpack(op, m.dw, v->dweight, v->dbias, m.work, &err));
    memory_close(&m, b, dev);
    b->discard(op);
    b->close(dev);
}

struct op_case {
    char backend[8];
    int kind, n, c, h, w, k, kernel, stride, pad, ceil_mode, relu, gated;
};

static int size_out(const struct op_case *o, int n)
{
    int out;

    if (o->kind == NN_LINEAR)
        return 1;
    if (o->kind == NN_RELU || o->kind == NN_NORMALISE)
        return n;
    out =
        (n + 2 * o->pad - o->kernel + (o->ceil_mode ? o->stride - 1 : 0)) / o->stride + 1;
    return o->ceil_mode && (out - 1) * o->stride >= n + o->pad ? out - 1 : out;
}

static struct nn_op_desc desc_of(const struct op_case *o)
{
    bool weights = o->kind == NN_CONV || o->kind == NN_LINEAR;

    return (struct nn_op_desc){
        .kind = o->kind,
        .N = o->n,
        .C = o->c,
        .H = o->h,
        .W = o->w,
        .K = weights ? o->k : o->c,
        .P = size_out(o, o->h),
        .Q = size_out(o, o->w),
        .kernel = o->kernel,
        .stride = o->stride,
        .pad = o->pad,
        .mean = { .4f, .5f, .6f, .7f },
        .std = { .2f, .25f, .3f, .35f },
        .relu = weights && o->relu,
        .gated = weights && o->gated,
        .gate = o->kind == NN_MAXPOOL && o->gated,
        .input_gradient = true,
        .weight_gradient = weights,
    };
}

#define CASES(backend)                                               \
    { backend, NN_CONV, 2, 3, 32, 32, 24, 7, 2, 3, 0, 1, 1 },        \
        { backend, NN_CONV, 2, 24, 8, 8, 64, 5, 1, 2, 0, 1, 0 },     \
        { backend, NN_CONV, 3, 64, 4, 4, 96, 3, 1, 1, 0, 1, 0 },     \
        { backend, NN_CONV, 1, 96, 4, 4, 64, 3, 1, 1, 0, 0, 0 },     \
        { backend, NN_CONV, 1, 3, 67, 67, 64, 11, 4, 2, 0, 1, 0 },   \
        { backend, NN_CONV, 2, 3, 31, 29, 16, 7, 2, 3, 0, 0, 0 },    \
        { backend, NN_CONV, 1, 4, 9, 7, 5, 3, 2, 0, 0, 1, 0 },       \
        { backend, NN_CONV, 2, 1, 12, 12, 8, 4, 4, 0, 0, 0, 0 },     \
        { backend, NN_CONV, 5, 20, 7, 5, 12, 1, 1, 0, 0, 1, 0 },     \
        { backend, NN_CONV, 2, 16, 11, 13, 40, 3, 2, 1, 0, 0, 0 },   \
        { backend, NN_CONV, 1, 17, 6, 6, 33, 3, 1, 1, 0, 1, 0 },     \
        { backend, NN_LINEAR, 4, 64, 2, 2, 128, 0, 0, 0, 0, 1, 0 },  \
        { backend, NN_LINEAR, 3, 128, 1, 1, 10, 0, 0, 0, 0, 0, 0 },  \
        { backend, NN_LINEAR, 1, 7, 3, 2, 5, 0, 0, 0, 0, 1, 0 },     \
        { backend, NN_MAXPOOL, 2, 24, 16, 16, 0, 3, 2, 1, 0, 0, 1 }, \
        { backend, NN_MAXPOOL, 2, 64, 13, 13, 0, 3, 2, 0, 0, 0, 0 }, \
        { backend, NN_MAXPOOL, 1, 13, 12, 12, 0, 3, 2, 0, 1, 0, 1 }, \
        { backend, NN_MAXPOOL, 1, 5, 7, 9, 0, 2, 2, 0, 1, 0, 0 },    \
        { backend, NN_MAXPOOL, 1, 8, 6, 6, 0, 3, 1, 1, 1, 0, 0 },    \
        { backend, NN_RELU, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0, 0 },       \
        { backend, NN_NORMALISE, 2, 3, 9, 5, 0, 0, 0, 0, 0, 0, 0 },  \
    {                                                                \
        backend, NN_NORMALISE, 1, 4, 3, 3, 0, 0, 0, 0, 0, 0, 0       \
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

ParameterizedTest(struct op_case *o, nn_operators, agrees_with_plain)
{
    struct nn_op_desc d = desc_of(o);
    struct io have = io_new(&d), want = io_new(&d);

    run(o->backend, &d, &have);
    run("plain", &d, &want);
    cr_assert(le(dbl, gap(have.y, want.y, want.n_y), 1e-5));
    cr_assert(le(dbl, gap(have.dx, want.dx, want.n_x), 1e-5));
    cr_assert(le(dbl, gap(have.dweight, want.dweight, want.n_w), 1e-5));
    cr_assert(le(dbl, gap(have.dbias, want.dbias, want.n_b), 1e-5));
    io_free(&want);
    io_free(&have);
}

/* The sum of dy y: what the gradients are those of. */
static double objective(const struct nn_op_desc *d, struct io *v)
{
    double sum = 0;

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
        { "plain", NN_CONV, 2, 3, 7, 6, 4, 3, 2, 1, 0, 0, 0 },
        { "plain", NN_CONV, 1, 2, 9, 9, 3, 5, 1, 2, 0, 0, 0 },
        { "plain", NN_LINEAR, 2, 3, 2, 2, 5, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_MAXPOOL, 1, 2, 7, 7, 0, 3, 2, 1, 0, 0, 0 },
        { "plain", NN_MAXPOOL, 1, 2, 8, 8, 0, 3, 2, 0, 1, 0, 0 },
        { "plain", NN_RELU, 1, 3, 4, 4, 0, 0, 0, 0, 0, 0, 0 },
        { "plain", NN_NORMALISE, 1, 3, 4, 4, 0, 0, 0, 0, 0, 0, 0 },
    };

    return cr_make_param_array(struct op_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct op_case *o, nn_operators, plain_agrees_with_differences)
{
    struct nn_op_desc d = desc_of(o);
    struct io v = io_new(&d), g;

    if (o->kind == NN_MAXPOOL || o->kind == NN_RELU)
        for (size_t i = 0; i < v.n_x; i++) /* all different: 1/16 apart, none at 0 */
            v.x[i] = (float)((i * 37) % v.n_x) / 16.f - 1.03125f;
    run("plain", &d, &v);
    g = io_new(&d);
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
