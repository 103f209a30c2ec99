#include "dissect/maps.h"

#include <math.h>
#include <string.h>

#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "learn/network.h"
#include "nn/piece.h"

#include "larder/banned.h"

/* The operator that gives the last of the layers: what follows it is not run. */
static int last_op(const struct maps *m)
{
    const struct graph_op *op = graph_tap(m->whole, m->layers.layer[m->layers.n - 1].tap);

    return (int)(op - m->whole->op);
}

static int open_net(struct maps *m, const struct tensors *weights,
                    const struct maps_options *o, struct error *err)
{
    const struct net_options options = { .batch = o->batch,
                                         .lanes = o->lanes,
                                         .threads = stage_threads() };
    struct tensors t = { 0 };
    int rc = graph_piece(&m->graph, m->whole, GRAPH_PICTURES, last_op(m), err);

    if (rc == 0)
        rc = piece_tensors(m->graph, weights, &t, err);
    if (rc == 0)
        rc = net_open(&m->net, m->graph, &options, err);
    if (rc == 0)
        rc = net_set_parameters(m->net, &t, err);
    tensors_release(&t);
    return rc;
}

static int open_model(struct maps *m, const struct maps_options *o, struct error *err)
{
    struct tensors weights = { 0 };
    int rc = tensors_read(&weights, o->model, err);

    if (rc == 0 && (rc = network_of(&m->whole, &weights, err)) < 0)
        error_context(err, "%s", o->model);
    if (rc == 0)
        rc = layers_open(&m->layers, m->whole, o->layers, err);
    if (rc == 0 && m->layers.n == 0)
        rc = error_set(err, E_INPUT, "%s: %s has no layer that is a map", o->model,
                       m->whole->name);
    if (rc == 0)
        rc = open_net(m, &weights, o, err);
    tensors_release(&weights);
    return rc;
}

int maps_open(struct maps *m, const struct maps_options *o, struct error *err)
{
    int rc = open_model(m, o, err);

    if (rc == 0)
        rc = broden_open(&m->broden, o->broden, err);
    if (rc == 0)
        rc = workers_open(&m->workers, stage_threads(), err);
    if (rc < 0)
        return rc;
    m->pixels_as = o->pixels;
    m->batch = o->batch;
    m->pixels = xcalloc((size_t)o->batch * (size_t)m->graph->C * (size_t)m->graph->H *
                            (size_t)m->graph->W,
                        sizeof *m->pixels);
    m->values = xcalloc((size_t)o->batch * m->layers.most, sizeof *m->values);
    return 0;
}

void maps_close(struct maps *m)
{
    workers_close(m->workers);
    layers_close(&m->layers);
    broden_close(&m->broden);
    net_close(m->net);
    graph_free(m->graph);
    graph_free(m->whole);
    free(m->pixels);
    free(m->values);
    *m = (struct maps){ 0 };
}

/* The mean and deviation that the network takes from and divides its pixels by. */
static const struct graph_op *normalisation(const struct graph *g)
{
    return g->n_ops > 0 && g->op[0].kind == GRAPH_NORMALISE ? &g->op[0] : NULL;
}

/* z is what the first convolution shall see: undoes the network's own normalisation. */
static float before_normalisation(const struct graph_op *op, int channel, double z)
{
    return op != NULL ? (float)((double)op->mean[channel] + (double)op->std[channel] * z)
                      : (float)z;
}

static void fill_pixels(const struct maps *m, const struct image *im, float *to)
{
    static const double mean[3] = { 124.6901, 118.6897, 109.5388 };
    const double deviation = 255 * .224;
    const struct graph_op *op = normalisation(m->graph);
    bool as_is = strcmp(m->pixels_as, "net") == 0;
    bool twice = strcmp(m->pixels_as, "twice") == 0;
    size_t n = image_bytes(im);

    for (size_t i = 0; i < n && as_is; i++)
        to[i] = im->pixel[i] / 255.f;
    for (size_t i = 0; i < n && !as_is; i++) {
        int k = (int)(i % 3);
        double z = (im->pixel[i] - mean[k]) / deviation;

        to[i] = twice ? (float)fmin(fmax(z, 0), 1) : before_normalisation(op, k, z);
    }
}

static int load(struct maps *m, long i, float *to, struct error *err)
{
    const struct graph *g = m->graph;
    struct image im;
    int rc = broden_picture(&m->broden, i, &im, err);

    if (rc < 0)
        return rc;
    if (im.width != g->W || im.height != g->H || g->C != 3)
        rc = error_set(
            err, E_INPUT, "%s:%ld: the picture has %d x %d pixels; %s reads %d x %d",
            m->broden.index.path, i + 2, im.width, im.height, g->name, g->W, g->H);
    else
        fill_pixels(m, &im, to);
    image_release(&im);
    return rc;
}

static int run_batch(struct maps *m, const struct maps_pass *pass, long first, int n,
                     struct error *err)
{
    size_t size = (size_t)m->graph->H * (size_t)m->graph->W * (size_t)m->graph->C;
    int rc = 0;

    for (int k = 0; k < n && rc == 0; k++)
        rc = load(m, first + k, m->pixels + (size_t)k * size, err);
    if (rc == 0)
        rc = net_forward(m->net, m->pixels, n, NULL, err);
    if (rc == 0 && pass->before != NULL)
        rc = pass->before(pass->context, first, n, err);
    for (size_t i = 0; i < m->layers.n && rc == 0; i++) {
        struct maps_batch b = { &m->layers.layer[i], i, m->values, first, n };

        rc = net_tap(m->net, b.layer->tap, m->values, err);
        if (rc == 0)
            rc = pass->add(pass->context, &b, err);
    }
    return rc;
}

int maps_each(struct maps *m, const struct maps_pass *pass, struct error *err)
{
    long size = broden_size(&m->broden);
    int rc = 0;

    for (long i = 0; i < size && rc == 0; i += m->batch) {
        int n = size - i < m->batch ? (int)(size - i) : m->batch;

        rc = run_batch(m, pass, i, n, err);
        progress_step(pass->done + i + n, pass->total, "picture");
    }
    return rc;
}
