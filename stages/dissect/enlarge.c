#include "dissect/enlarge.h"

#include <math.h>

#include "larder/mem.h"

#include "larder/banned.h"

static void open_axis(struct enlarge_axis *a, int in, int out, int taps)
{
    *a = (struct enlarge_axis){ .in = in, .out = out, .taps = taps };
    a->first = xcalloc((size_t)out, sizeof *a->first);
    a->n = xcalloc((size_t)out, sizeof *a->n);
    a->weight = xcalloc((size_t)out * (size_t)taps, sizeof *a->weight);
    a->from = xcalloc((size_t)in, sizeof *a->from);
    a->to = xcalloc((size_t)in, sizeof *a->to);
}

static void close_axis(struct enlarge_axis *a)
{
    free(a->first);
    free(a->n);
    free(a->weight);
    free(a->from);
    free(a->to);
}

static double triangle(double x)
{
    return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

static void resize_axis(struct enlarge_axis *a, int in, int out)
{
    double scale = (double)in / out, support = fmax(scale, 1);

    open_axis(a, in, out, (int)ceil(support) * 2 + 1);
    for (int i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        double *w = a->weight + (size_t)i * (size_t)a->taps;
        int first = (int)(centre - support + 0.5), end = (int)(centre + support + 0.5);

        first = first < 0 ? 0 : first;
        end = end > in ? in : end;
        for (int k = 0; k < end - first; k++)
            sum += w[k] = triangle((k + first - centre + 0.5) / support);
        for (int k = 0; k < end - first; k++)
            w[k] /= sum;
        a->first[i] = first;
        a->n[i] = end - first;
    }
}

/* Labels a side to pixels a side, rounded: 2 for 224 and 112. */
static void field_axis(struct enlarge_axis *a, int in, int out, int side,
                       const struct field *f)
{
    int ratio = (int)lround((double)side / out), step = f->jump / ratio;
    double start = floor((floor(f->size / 2.) + f->start) / ratio);

    open_axis(a, in, out, 2);
    for (int i = 0; i < out; i++) {
        double *w = a->weight + 2 * (size_t)i;
        double at = step > 0 ? (i - start) / step : 0;

        at = fmin(fmax(at, 0), in - 1);
        a->first[i] = (int)at;
        a->n[i] = a->first[i] + 1 < in ? 2 : 1;
        w[1] = at - a->first[i];
        w[0] = 1 - w[1];
    }
}

static void find_readers(struct enlarge_axis *a)
{
    for (int k = 0; k < a->in; k++)
        a->from[k] = a->out;
    for (int i = 0; i < a->out; i++)
        for (int k = a->first[i]; k < a->first[i] + a->n[i]; k++) {
            a->from[k] = i < a->from[k] ? i : a->from[k];
            a->to[k] = i + 1 > a->to[k] ? i + 1 : a->to[k];
        }
}

void enlarge_open(struct enlarge *e, enum enlarge_kind kind, int height, int width,
                  int sh, int sw, int side, const struct field *field)
{
    if (kind == ENLARGE_RESIZE) {
        resize_axis(&e->x, width, sw);
        resize_axis(&e->y, height, sh);
    } else {
        field_axis(&e->x, width, sw, side, field);
        field_axis(&e->y, height, sh, side, field);
    }
    find_readers(&e->x);
    find_readers(&e->y);
}

void enlarge_close(struct enlarge *e)
{
    close_axis(&e->x);
    close_axis(&e->y);
    *e = (struct enlarge){ 0 };
}

float enlarge_at(const struct enlarge *e, const float *map, int stride, int y, int x)
{
    const double *wx = e->x.weight + (size_t)x * (size_t)e->x.taps;
    const double *wy = e->y.weight + (size_t)y * (size_t)e->y.taps;
    double sum = 0;

    for (int r = 0; r < e->y.n[y]; r++) {
        const float *row =
            map + ((long)(e->y.first[y] + r) * e->x.in + e->x.first[x]) * (long)stride;
        double across = 0;

        for (int c = 0; c < e->x.n[x]; c++)
            across += wx[c] * (double)row[(long)c * stride];
        sum += wy[r] * (double)(float)across;
    }
    return (float)sum;
}
