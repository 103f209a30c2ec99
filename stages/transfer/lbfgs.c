#include "transfer/lbfgs.h"

#include <math.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

const struct lbfgs_options lbfgs_defaults = {
    .rate = 1, .history = 100, .tolerance_grad = 1e-7, .tolerance_change = 1e-9
};

/* A step that was taken and what it did to the gradient. */
struct pair {
    float *s, *y;
    double ro; /* 1 / (y s) */
};

struct lbfgs {
    struct lbfgs_options o;
    size_t n;
    struct pair *pair; /* o.history, the oldest at `first` */
    int first, n_pairs;
    float *gradient, *direction; /* of the step before */
    double length, scale;        /* of the step before; of the first Hessian */
    double value;
    double *alpha; /* o.history */
    long steps;
    bool ended;
};

struct lbfgs *lbfgs_new(size_t n, const struct lbfgs_options *o)
{
    struct lbfgs *l = xcalloc(1, sizeof *l);

    l->o = *o;
    l->n = n;
    l->pair = xcalloc((size_t)o->history, sizeof *l->pair);
    l->alpha = xcalloc((size_t)o->history, sizeof *l->alpha);
    l->gradient = xcalloc(n, sizeof *l->gradient);
    l->direction = xcalloc(n, sizeof *l->direction);
    l->scale = 1;
    return l;
}

void lbfgs_free(struct lbfgs *l)
{
    if (l == NULL)
        return;
    for (int i = 0; i < l->o.history; i++) {
        free(l->pair[i].s);
        free(l->pair[i].y);
    }
    free(l->pair);
    free(l->alpha);
    free(l->gradient);
    free(l->direction);
    free(l);
}

/* In eight sums, so that the compiler may keep them side by side. */
static double dot(const float *a, const float *b, size_t n)
{
    double sum[8] = { 0 }, all = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++)
        sum[0] += (double)a[i] * (double)b[i];
    for (size_t k = 0; k < 8; k++)
        all += sum[k];
    return all;
}

static void add_scaled(float *to, const float *from, double factor, size_t n)
{
    float f = (float)factor;

    for (size_t i = 0; i < n; i++)
        to[i] += f * from[i];
}

static double largest(const float *x, size_t n)
{
    double top = 0;

    for (size_t i = 0; i < n; i++)
        top = fmax(top, fabs((double)x[i]));
    return top;
}

/* Pair i, the oldest first. */
static struct pair *pair_at(struct lbfgs *l, int i)
{
    return &l->pair[(l->first + i) % l->o.history];
}

/* Remembers the last step, if the gradient rose along it. */
static void remember(struct lbfgs *l, const float *gradient)
{
    struct pair *p = pair_at(l, l->n_pairs % l->o.history);
    double ys;

    if (p->s == NULL) {
        p->s = xcalloc(l->n, sizeof *p->s);
        p->y = xcalloc(l->n, sizeof *p->y);
    }
    ys = 0;
    for (size_t i = 0; i < l->n; i++) {
        float y = gradient[i] - l->gradient[i];
        float s = l->direction[i] * (float)l->length;
        ys += (double)y * (double)s;
    }
    if (ys <= 1e-10)
        return;
    for (size_t i = 0; i < l->n; i++) {
        p->y[i] = gradient[i] - l->gradient[i];
        p->s[i] = l->direction[i] * (float)l->length;
    }
    p->ro = 1 / ys;
    l->scale = ys / dot(p->y, p->y, l->n);
    if (l->n_pairs < l->o.history)
        l->n_pairs++;
    else
        l->first = (l->first + 1) % l->o.history;
}

/* The two loops: direction = -H gradient. */
static void turn(struct lbfgs *l, const float *gradient)
{
    float *d = l->direction, scale = (float)l->scale;

    for (size_t i = 0; i < l->n; i++)
        d[i] = -gradient[i];
    for (int k = l->n_pairs; k-- > 0;) {
        const struct pair *p = pair_at(l, k);
        l->alpha[k] = dot(p->s, d, l->n) * p->ro;
        add_scaled(d, p->y, -l->alpha[k], l->n);
    }
    for (size_t i = 0; i < l->n; i++)
        d[i] *= scale;
    for (int k = 0; k < l->n_pairs; k++) {
        const struct pair *p = pair_at(l, k);
        double beta = dot(p->y, d, l->n) * p->ro;
        add_scaled(d, p->s, l->alpha[k] - beta, l->n);
    }
}

static double first_length(const struct lbfgs *l, const float *gradient)
{
    double sum = 0;

    for (size_t i = 0; i < l->n; i++)
        sum += fabs((double)gradient[i]);
    return fmin(1, 1 / sum) * l->o.rate;
}

static bool at_end(const struct lbfgs *l, double value, const float *gradient)
{
    if (largest(gradient, l->n) <= l->o.tolerance_grad || !isfinite(value))
        return true;
    if (l->steps == 0)
        return false;
    return largest(l->direction, l->n) * l->length <= l->o.tolerance_change ||
           fabs(value - l->value) < l->o.tolerance_change;
}

bool lbfgs_step(struct lbfgs *l, float *x, double value, const float *gradient)
{
    if (l->ended || at_end(l, value, gradient)) {
        l->ended = true;
        return false;
    }
    if (l->steps > 0)
        remember(l, gradient);
    turn(l, gradient);
    l->length = l->steps == 0 ? first_length(l, gradient) : l->o.rate;
    l->value = value;
    memcpy(l->gradient, gradient, l->n * sizeof *gradient);
    if (dot(gradient, l->direction, l->n) > -l->o.tolerance_change) {
        l->ended = true;
        return false;
    }
    add_scaled(x, l->direction, l->length, l->n);
    l->steps++;
    return true;
}
