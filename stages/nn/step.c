#include "nn/step.h"

#include <assert.h>

#include "larder/banned.h"
#include "nn/inside.h"

/* ---- what a lane does -------------------------------------------------------------- */

struct making {
    struct net *net;
    const struct net_batch *batch;
    const struct net_step *step;
    struct lane_step how;
    float *out;
};

static struct lane_step how(const struct making *m, const struct lane *lane)
{
    struct lane_step s = m->how;

    s.moves = lane_first(lane) == 0;
    return s;
}

static int put(struct lane *lane, void *context, struct error *err)
{
    const struct making *m = context;
    const struct net_batch *b = m->batch;
    size_t first = (size_t)lane_first(lane), places = (size_t)m->net->graph->places;
    const struct draws *draws = net_draws_at(b->draws, lane_first(lane));

    return lane_put(
        lane, m->net->waits,
        &(struct lane_batch){ .pixels = b->pixels + first * graph_picture(m->net->graph),
                              .label = b->label + first * places,
                              .draws = draws,
                              .epoch = draws != NULL ? b->draws->epoch : 0 },
        err);
}

static int take(struct lane *lane, void *context, struct error *err)
{
    const struct making *m = context;
    int rc = lane_take(lane, m->net->waits, &m->how, err);

    return rc < 0 || !m->how.attacked ? rc : attack_reach(lane, m->step->attack, err);
}

static int attack(struct lane *lane, void *context, struct error *err)
{
    const struct making *m = context;

    return attack_at(lane, m->net->graph, m->step->attack, err);
}

static int learn(struct lane *lane, void *context, struct error *err)
{
    const struct making *m = context;
    struct lane_step s = how(m, lane);
    float *loss;
    int rc = lane_forward_training_at(lane, &s, err);

    if (rc == 0)
        rc = lane_loss_at(lane, &loss, err);
    return rc < 0 ? rc : lane_backward_weights(lane, err);
}

static int get_loss(struct lane *lane, void *context, struct error *err)
{
    const struct making *m = context;

    return lane_losses(lane, m->out + lane_first(lane), err);
}

static int get_logits(struct lane *lane, void *context, struct error *err)
{
    const struct making *m = context;
    size_t each = graph_logits(m->net->graph);

    return lane_logits(lane, m->out + (size_t)lane_first(lane) * each, err);
}

static int each(struct making *m,
                int (*work)(struct lane *lane, void *context, struct error *err),
                struct error *err)
{
    return net_each_lane(m->net, m->net->o.batch, work, m, err);
}

/* ---- a step ------------------------------------------------------------------------ */

/* Nothing but calls that compute or copy in the device's memory, the same each time. */
static int compute(void *context, struct error *err)
{
    struct making *m = context;
    struct net *net = m->net;
    int rc = 0;

    if (m->how.attacked) {
        rc = net_evaluate(net, err);
        if (rc == 0)
            rc = each(m, attack, err);
    }
    net_run_program(net, net->n_programs - 1);
    if (rc == 0)
        rc = each(m, learn, err);
    if (rc == 0 && net->run == 1)
        rc = weights_share_running(&net->weights, err);
    return rc < 0
               ? rc
               : weights_update(&net->weights, m->step->sgd->clip > 0, net->n_lanes, err);
}

static struct tape_shape shape_of(const struct net_step *s, bool attacked)
{
    return (struct tape_shape){ .attacked = attacked,
                                .clamped = s->clamped,
                                .clips = s->sgd->clip > 0,
                                .keep_best = attacked && s->attack->keep_best,
                                .attack_steps = attacked ? s->attack->steps : 0 };
}

int net_put(struct net *net, const struct net_batch *b, struct error *err)
{
    struct making m = { .net = net, .batch = b };

    assert(net->o.weight_gradient);
    assert(net_draws_at(b->draws, 0) != NULL || !graph_has(net->graph, GRAPH_DROPOUT));
    net->waits = 1 - net->waits;
    return each(&m, put, err);
}

int net_train(struct net *net, const struct net_step *s, struct error *err)
{
    struct making m = {
        .net = net,
        .step = s,
        .how = { .attacked = s->attack != NULL, .clamped = s->clamped },
    };
    struct tape_shape shape = shape_of(s, m.how.attacked);
    int rc;

    assert(net->o.weight_gradient && (s->attack == NULL || s->attack->start == NULL));
    net->n = net->o.batch;
    weights_stale(&net->weights);
    rc = weights_set_rates(&net->weights, s->sgd, err);
    if (rc == 0)
        rc = each(&m, take, err);
    if (rc == 0)
        rc = tape_run(net, &net->step[m.how.attacked], &shape, compute, &m, err);
    net_run_program(net, net->n_programs - 1);
    if (rc == 0 && net->run == 1)
        weights_moved(&net->weights);
    weights_stale(&net->weights);
    return rc;
}

int net_trained(struct net *net, float *loss, float *logits, struct error *err)
{
    struct making m = { .net = net, .out = loss };
    int rc = each(&m, get_loss, err);

    m.out = logits;
    if (rc == 0)
        rc = each(&m, get_logits, err);
    if (rc == 0)
        rc = net_gather(net, net->n, loss, 1, err);
    return rc < 0 ? rc : net_gather(net, net->n, logits, graph_logits(net->graph), err);
}
