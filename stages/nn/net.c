#include "nn/net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kit/draws.h"
#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/inside.h"
#include "nn/ranks.h"

static int check_options(const struct net_options *o, struct error *err)
{
    int ranks = o->ranks != NULL ? o->ranks->n : 1;

    if (o->lanes >= 1 && o->lanes % ranks != 0)
        return error_set(err, E_INPUT,
                         "%d lanes on %d GPUs: each takes as many, so lanes must be a "
                         "multiple of them",
                         o->lanes, ranks);
    if (o->lanes < 1 || o->batch < 1 || o->batch % o->lanes != 0 || o->threads < 1)
        return error_set(err, E_INPUT,
                         "a batch of %d in %d lanes on %d threads: the batch must be a "
                         "multiple of the lanes, and each at least 1",
                         o->batch, o->lanes, o->threads);
    return 0;
}

/* Whether training computes something else than evaluation. */
static bool has_modes(const struct graph *g)
{
    return graph_has(g, GRAPH_BATCHNORM) || graph_has(g, GRAPH_DROPOUT) || g->n_aux > 0;
}

static void make_programs(struct net *net)
{
    const struct net_options *o = &net->o;
    struct fuse_use use = { .n = o->batch / o->lanes,
                            .weight_gradient = o->weight_gradient,
                            .input_gradient = o->input_gradient,
                            .tf32 = o->tf32 };
    bool two = o->weight_gradient && has_modes(net->graph);

    if (two)
        use.weight_gradient = false;
    program_make(&net->program[net->n_programs++], net->graph, &use);
    if (!two)
        return;
    use = (struct fuse_use){
        .n = use.n, .training = true, .weight_gradient = true, .tf32 = o->tf32
    };
    program_make(&net->program[net->n_programs++], net->graph, &use);
}

static int n_ranks(const struct net *net)
{
    return net->o.ranks != NULL ? net->o.ranks->n : 1;
}

/* The number of the first lane that is of this process. */
static int first_lane(const struct net *net)
{
    return net->o.ranks != NULL ? net->o.ranks->rank * net->n_lanes : 0;
}

/* Lanes of a backend that records queue on one device, in order. */
static bool one_by_one(const struct net *net)
{
    return net->b->record != NULL;
}

static int open_lanes(struct net *net, struct error *err)
{
    const struct net_options *o = &net->o;
    int rc = 0;

    net->n_lanes = o->lanes / n_ranks(net);
    net->lane = xcalloc(net->n_lanes, sizeof(struct lane *));
    net->lane_error = xcalloc(net->n_lanes, sizeof *net->lane_error);
    for (int k = 0; k < net->n_lanes && rc == 0; k++)
        rc = lane_open(&net->lane[k], net->b, first_lane(net) + k, net->graph,
                       net->program, net->n_programs, o->batch / o->lanes,
                       o->in_turn && one_by_one(net) ? net->lane[0] : NULL, err);
    return rc;
}

static int open_weights(struct net *net, struct error *err)
{
    struct weights *s = &net->weights;

    *s = (struct weights){ .b = net->b,
                           .graph = net->graph,
                           .lane = net->lane,
                           .lanes = net->n_lanes,
                           .ranks = n_ranks(net) };
    if (net->n_programs == 2)
        s->home = (struct blocks){ .p = &net->program[1], .number = 1 };
    else if (!graph_has(net->graph, GRAPH_BATCHNORM) && net->graph->n_aux == 0)
        s->home = (struct blocks){ .p = &net->program[0] };
    if (s->home.p != &net->program[0])
        s->folded = (struct blocks){ .p = &net->program[0] };
    return weights_open(s, err);
}

static int threads_of(const struct net *net)
{
    const struct net_options *o = &net->o;

    if (one_by_one(net))
        return 1;
    return o->threads < net->n_lanes ? o->threads : net->n_lanes;
}

/* Once all that this process needs is there. */
static int join(struct net *net, struct error *err)
{
    if (n_ranks(net) == 1)
        return 0;
    return net->b->join(lane_device(net->lane[0]), net->o.ranks, err);
}

int net_open_on(struct net **result, const struct graph *graph,
                const struct net_options *o, const struct nn_backend *backend,
                struct error *err)
{
    struct net *net;
    int rc = check_options(o, err);

    if (rc < 0)
        return rc;
    net = xcalloc(1, sizeof *net);
    net->b = backend;
    net->graph = graph;
    net->o = *o;
    backend->platform(net->platform, sizeof net->platform);
    make_programs(net);
    rc = open_lanes(net, err);
    if (rc == 0)
        rc = open_weights(net, err);
    if (rc == 0)
        rc = join(net, err);
    if (rc == 0)
        rc = workers_open(&net->workers, threads_of(net), err);
    if (rc < 0) {
        net_close(net);
        return error_context(err, "opening network %s on %s", graph->name, backend->name);
    }
    *result = net;
    return 0;
}

/* The backend for the device that a step was given (LARDER_DEVICE). */
static const char *fastest(void)
{
    const char *device = getenv("LARDER_DEVICE");

    return device == NULL || strcmp(device, "cpu") == 0 ? "onednn" : device;
}

int net_open(struct net **net, const struct graph *graph, const struct net_options *o,
             struct error *err)
{
    const struct nn_backend *backend;
    int rc = backend_find(&backend, o->backend != NULL ? o->backend : fastest(), err);

    return rc < 0 ? rc : net_open_on(net, graph, o, backend, err);
}

void net_close(struct net *net)
{
    if (net == NULL)
        return;
    workers_close(net->workers);
    for (int k = 0; k < 2; k++)
        tape_release(net, &net->step[k]);
    tape_release(net, &net->search);
    gather_release(net);
    weights_release(&net->weights);
    for (int k = net->n_lanes; k-- > 0;)
        lane_close(net->lane[k]);
    free(net->lane_error);
    free(net->lane);
    for (int k = 0; k < net->n_programs; k++)
        program_release(&net->program[k]);
    free(net);
}

const char *net_platform(const struct net *net)
{
    return net->platform;
}

const struct graph *net_graph(const struct net *net)
{
    return net->graph;
}

struct each {
    struct net *net;
    int (*work)(struct lane *lane, void *context, struct error *err);
    void *context;
};

static void each_lane(void *context, int item)
{
    struct each *e = context;
    struct lane *lane = e->net->lane[item];
    struct error *err = &e->net->lane_error[item];

    err->code = 0;
    if (lane_count(lane) > 0 && e->work(lane, e->context, err) < 0)
        assert(err->code < 0);
}

int net_each_lane(struct net *net, int n,
                  int (*work)(struct lane *lane, void *context, struct error *err),
                  void *context, struct error *err)
{
    struct each e = { .net = net, .work = work, .context = context };

    assert(n >= 1 && n <= net->o.batch);
    for (int k = 0; k < net->n_lanes; k++)
        lane_share(net->lane[k], n, net->o.lanes, net->run == 1);
    workers_run(net->workers, net->n_lanes, each_lane, &e);
    for (int k = 0; k < net->n_lanes; k++) {
        if (net->lane_error[k].code < 0) {
            if (err != NULL)
                *err = net->lane_error[k];
            return net->lane_error[k].code;
        }
    }
    return 0;
}

/* Arrays of a whole batch; each lane finds its part by its first picture. */
struct batch {
    const struct net *net;
    const float *pixels;
    const int32_t *label;
    const struct net_draws *draws; /* in training; its draws may be NULL */
    const float *const *dy;        /* of the outputs */
    float *out, *loss;
    int op; /* of a tap */
};

static int take_logits(const struct batch *b, struct lane *lane, struct error *err)
{
    return lane_logits(
        lane, b->out + (size_t)lane_first(lane) * graph_logits(b->net->graph), err);
}

const struct draws *net_draws_at(const struct net_draws *d, int picture)
{
    return d != NULL && d->draws != NULL ? d->draws + picture : NULL;
}

static int forward(struct lane *lane, void *context, struct error *err)
{
    struct batch *b = context;
    size_t first = (size_t)lane_first(lane);
    struct lane_pass pass = { 0 };
    int rc;

    if (b->draws != NULL) {
        pass.moves = first == 0;
        pass.epoch = b->draws->epoch;
        pass.draws = net_draws_at(b->draws, lane_first(lane));
    }
    rc = lane_forward(lane, b->pixels + first * graph_picture(b->net->graph),
                      b->draws != NULL ? &pass : NULL, err);
    return rc == 0 && b->out != NULL ? take_logits(b, lane, err) : rc;
}

void net_run_program(struct net *net, int k)
{
    net->run = k;
    for (int i = 0; i < net->n_lanes; i++)
        lane_run(net->lane[i], k);
}

int net_evaluate(struct net *net, struct error *err)
{
    net_run_program(net, 0);
    return weights_fold(&net->weights, err);
}

int net_forward(struct net *net, const float *pixels, int n, float *logits,
                struct error *err)
{
    struct batch b = { .net = net, .pixels = pixels, .out = logits };
    int rc = net_evaluate(net, err);

    net->n = n;
    if (rc == 0)
        rc = net_each_lane(net, n, forward, &b, err);
    return rc < 0 ? rc : net_gather(net, net->n, logits, graph_logits(net->graph), err);
}

/* The operator of the evaluation program that computes this one of the graph. */
static int program_op(const struct net *net, int op)
{
    const struct program *p = &net->program[0];
    int i = 0;

    while (p->op[i].to <= (size_t)op)
        i++;
    return i;
}

int net_ends(const struct net *net, int op)
{
    return (int)net->program[0].op[program_op(net, op)].to - 1;
}

static int resume(struct lane *lane, void *context, struct error *err)
{
    struct batch *b = context;
    const struct nn_op_desc *d = &b->net->program[0].op[b->op].d;
    size_t size = (size_t)d->K * d->P * d->Q;
    int rc = lane_resume(lane, b->op, b->pixels + (size_t)lane_first(lane) * size, err);

    return rc < 0 ? rc : take_logits(b, lane, err);
}

int net_resume(struct net *net, int op, const float *values, int n, float *logits,
               struct error *err)
{
    struct batch b = {
        .net = net, .pixels = values, .out = logits, .op = program_op(net, op)
    };
    int rc = net_evaluate(net, err);

    assert(net_ends(net, op) == op);
    net->n = n;
    if (rc == 0)
        rc = net_each_lane(net, n, resume, &b, err);
    return rc < 0 ? rc : net_gather(net, net->n, logits, graph_logits(net->graph), err);
}

/* n pictures in training: work is what each lane does. */
static int in_training(struct net *net, struct batch *b, int n,
                       int (*work)(struct lane *lane, void *context, struct error *err),
                       struct error *err)
{
    static const struct net_draws none = { 0 };
    int rc;

    if (b->draws == NULL)
        b->draws = &none;
    assert(net->o.weight_gradient);
    assert(b->draws->draws != NULL || !graph_has(net->graph, GRAPH_DROPOUT));
    net_run_program(net, net->n_programs - 1);
    net->n = n;
    rc = net_each_lane(net, n, work, b, err);
    if (rc == 0 && net->run == 1) {
        weights_moved(&net->weights);
        rc = weights_share_running(&net->weights, err);
    }
    return rc < 0 ? rc : net_gather(net, net->n, b->out, graph_logits(net->graph), err);
}

int net_forward_training(struct net *net, const float *pixels, int n,
                         const struct net_draws *draws, float *logits, struct error *err)
{
    struct batch b = { .net = net, .pixels = pixels, .draws = draws, .out = logits };

    return in_training(net, &b, n, forward, err);
}

static int loss_of_lane(struct lane *lane, void *context, struct error *err)
{
    struct batch *b = context;

    int first = lane_first(lane), places = b->net->graph->places;

    return lane_loss(lane, b->label + (size_t)first * places, b->loss + first, err);
}

int net_loss(struct net *net, const int32_t *label, float *loss, struct error *err)
{
    struct batch b = { .net = net, .label = label, .loss = loss };
    int rc;

    assert(net->n > 0 && !net->o.in_turn);
    rc = net_each_lane(net, net->n, loss_of_lane, &b, err);
    return rc < 0 ? rc : net_gather(net, net->n, loss, 1, err);
}

static int tap_of_lane(struct lane *lane, void *context, struct error *err)
{
    struct batch *b = context;
    const struct nn_op_desc *d = &b->net->program[b->net->run].op[b->op].d;
    size_t n = (size_t)d->K * d->P * d->Q;

    return lane_tap(lane, b->op, b->out + (size_t)lane_first(lane) * n, err);
}

int net_tap(struct net *net, const char *tap, float *values, struct error *err)
{
    struct batch b = { .net = net, .out = values };
    const struct nn_op_desc *d;
    int rc;

    assert(net->n > 0 && !net->o.in_turn);
    b.op = program_tap(&net->program[net->run], net->graph, tap);
    if (b.op < 0)
        return error_set(err, E_INPUT, "network %s has no tap %s", net->graph->name, tap);
    d = &net->program[net->run].op[b.op].d;
    rc = net_each_lane(net, net->n, tap_of_lane, &b, err);
    return rc < 0 ? rc : net_gather(net, net->n, values, (size_t)d->K * d->P * d->Q, err);
}

static int backward_input(struct lane *lane, void *context, struct error *err)
{
    struct batch *b = context;

    return lane_backward_input(
        lane, b->out + (size_t)lane_first(lane) * graph_picture(b->net->graph), err);
}

int net_backward_input(struct net *net, float *gradient, struct error *err)
{
    struct batch b = { .net = net, .out = gradient };
    int rc;

    assert(net->o.input_gradient && net->n > 0 && net->run == 0);
    assert(net->graph->n_outputs == 0 && !net->o.in_turn);
    rc = net_each_lane(net, net->n, backward_input, &b, err);
    return rc < 0 ? rc
                  : net_gather(net, net->n, gradient, graph_picture(net->graph), err);
}

static int backward_outputs(struct lane *lane, void *context, struct error *err)
{
    struct batch *b = context;

    return lane_backward_outputs(
        lane, b->dy, b->out + (size_t)lane_first(lane) * graph_picture(b->net->graph),
        err);
}

int net_backward_outputs(struct net *net, const float *const *dy, float *gradient,
                         struct error *err)
{
    struct batch b = { .net = net, .dy = dy, .out = gradient };
    int rc;

    assert(net->o.input_gradient && net->n > 0 && net->run == 0);
    assert(net->graph->n_outputs > 0 && !net->o.in_turn);
    rc = net_each_lane(net, net->n, backward_outputs, &b, err);
    return rc < 0 ? rc
                  : net_gather(net, net->n, gradient, graph_picture(net->graph), err);
}

static int backward_weights(struct lane *lane, void *context, struct error *err)
{
    (void)context;
    return lane_backward_weights(lane, err);
}

int net_backward_weights(struct net *net, struct error *err)
{
    assert(net->o.weight_gradient && net->n > 0 && net->run == net->n_programs - 1);
    assert(!net->o.in_turn);
    return net_each_lane(net, net->n, backward_weights, NULL, err);
}

static int learn(struct lane *lane, void *context, struct error *err)
{
    int rc = forward(lane, context, err);

    if (rc == 0)
        rc = loss_of_lane(lane, context, err);
    return rc < 0 ? rc : lane_backward_weights(lane, err);
}

int net_learn(struct net *net, const float *pixels, const int32_t *label, int n,
              const struct net_draws *draws, float *logits, float *loss,
              struct error *err)
{
    struct batch b = { .net = net,
                       .pixels = pixels,
                       .label = label,
                       .draws = draws,
                       .out = logits,
                       .loss = loss };
    int rc = in_training(net, &b, n, learn, err);

    return rc < 0 ? rc : net_gather(net, n, loss, 1, err);
}

int net_set_parameters(struct net *net, const struct tensors *t, struct error *err)
{
    return weights_set(&net->weights, t, err);
}

int net_get_parameters(struct net *net, struct tensors *t, struct error *err)
{
    return weights_get(&net->weights, t, err);
}

int net_set_momentum(struct net *net, const struct tensors *t, struct error *err)
{
    assert(net->o.weight_gradient);
    return weights_set_momentum(&net->weights, t, err);
}

int net_get_momentum(struct net *net, struct tensors *t, struct error *err)
{
    assert(net->o.weight_gradient);
    return weights_get_momentum(&net->weights, t, err);
}

/* Lanes without a picture in the last batch have no gradient of it. */
int net_update(struct net *net, const struct sgd *sgd, struct error *err)
{
    int n = 0, rc;

    assert(net->o.weight_gradient && net->n > 0);
    while (n < net->n_lanes && lane_count(net->lane[n]) > 0)
        n++;
    rc = weights_set_rates(&net->weights, sgd, err);
    return rc < 0 ? rc : weights_update(&net->weights, sgd->clip > 0, n, err);
}
