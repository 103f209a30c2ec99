#include "nn/attack.h"

#include <assert.h>

#include "larder/banned.h"
#include "nn/inside.h"

/* What all lanes share. */
struct attack_on {
    struct net *net;
    int n;
    const struct attack *a;
    const float *pixels;
    const int32_t *label;
    float *adversarial, *loss; /* loss: NULL, or n */
};

/* Of one lane, in the memory of its device. */
struct search {
    struct lane *lane;
    const struct nn_backend *b;
    struct nn_device *dev;
    struct lane_attack at;
    float *loss; /* of the last look */
    int n;
    size_t size; /* values of a picture */
};

/* A forward pass of the iterate x, which may leave 0..1 only before the first step: it is
 * clamped on its way into the network, where `best` is not in use yet. */
static int look(struct search *s, bool first, struct error *err)
{
    const float *x = s->at.x;
    int rc = 0;

    if (first) {
        rc = s->b->clamp(s->dev, s->at.best, x, s->n * s->size, err);
        x = s->at.best;
    }
    if (rc == 0)
        rc = lane_forward_at(s->lane, x, err);
    return rc < 0 ? rc : lane_loss_at(s->lane, &s->loss, err);
}

/* Those pictures whose loss beats their best; the first time, all. */
static int keep(struct search *s, bool first, struct error *err)
{
    return s->b->keep(s->dev,
                      &(struct nn_keep){ .best = s->at.best,
                                         .best_loss = s->at.best_loss,
                                         .x = s->at.x,
                                         .loss = s->loss,
                                         .n = s->n,
                                         .size = s->size,
                                         .all = first },
                      err);
}

static int move(struct search *s, struct error *err)
{
    struct nn_ascent step = {
        .x = s->at.x, .x0 = s->at.x0, .n = s->n, .size = s->size, .reach = s->at.reach
    };
    int rc = lane_backward_input_at(s->lane, &step.g, err);

    return rc < 0 ? rc : s->b->ascend(s->dev, &step, err);
}

static int climb(struct search *s, const struct attack *a, bool look_last,
                 struct error *err)
{
    int rc = 0;

    for (int t = 0; t < a->steps && rc == 0; t++) {
        rc = look(s, t == 0, err);
        if (rc == 0 && a->keep_best)
            rc = keep(s, t == 0, err);
        if (rc == 0)
            rc = move(s, err);
    }
    if (rc == 0 && look_last)
        rc = look(s, a->steps == 0, err);
    return rc < 0 ? rc : keep(s, !a->keep_best || a->steps == 0, err);
}

int attack_reach(struct lane *lane, const struct attack *a, struct error *err)
{
    struct nn_reach reach = { .step = a->step, .radius = a->radius };

    return lane_backend(lane)->upload(lane_device(lane), lane_attack(lane).reach, &reach,
                                      sizeof reach, err);
}

/* The lane's share of the pictures, where it begins, how far it goes, and the labels. */
static int begin(struct search *s, const struct attack_on *on, struct error *err)
{
    size_t first = (size_t)lane_first(s->lane), bytes = s->n * s->size * sizeof(float);
    int rc = s->b->upload(s->dev, s->at.x0, on->pixels + first * s->size, bytes, err);

    if (rc == 0 && on->a->start != NULL)
        rc = s->b->upload(s->dev, s->at.x, on->a->start + first * s->size, bytes, err);
    else if (rc == 0)
        rc = s->b->copy(s->dev, s->at.x, s->at.x0, bytes, err);
    if (rc == 0)
        rc = attack_reach(s->lane, on->a, err);
    return rc < 0
               ? rc
               : lane_set_labels(s->lane,
                                 on->label + first * (size_t)net_graph(on->net)->places,
                                 err);
}

static struct search search_of(struct lane *lane, const struct graph *graph)
{
    return (struct search){ .lane = lane,
                            .b = lane_backend(lane),
                            .dev = lane_device(lane),
                            .at = lane_attack(lane),
                            .loss = lane_attack(lane).best_loss, /* of no look yet */
                            .n = lane_count(lane),
                            .size = graph_picture(graph) };
}

int attack_at(struct lane *lane, const struct graph *graph, const struct attack *a,
              struct error *err)
{
    struct search s = search_of(lane, graph);

    return climb(&s, a, a->keep_best, err);
}

static bool looks_last(const struct attack_on *on)
{
    return on->a->keep_best || on->loss != NULL;
}

static int begin_lane(struct lane *lane, void *context, struct error *err)
{
    const struct attack_on *on = context;
    struct search s = search_of(lane, net_graph(on->net));

    return begin(&s, on, err);
}

static int climb_lane(struct lane *lane, void *context, struct error *err)
{
    const struct attack_on *on = context;
    struct search s = search_of(lane, net_graph(on->net));

    return climb(&s, on->a, looks_last(on), err);
}

static int end_lane(struct lane *lane, void *context, struct error *err)
{
    const struct attack_on *on = context;
    struct search s = search_of(lane, net_graph(on->net));
    size_t first = (size_t)lane_first(lane);
    int rc = s.b->download(s.dev, on->adversarial + first * s.size, s.at.best,
                           s.n * s.size * sizeof(float), err);

    return rc < 0 || on->loss == NULL
               ? rc
               : s.b->download(s.dev, on->loss + first, s.at.best_loss,
                               s.n * sizeof(float), err);
}

static int climb_all(void *context, struct error *err)
{
    struct attack_on *on = context;

    return net_each_lane(on->net, on->n, climb_lane, on, err);
}

/* Whole batches are searched alike each time. */
static int search(struct attack_on *on, struct error *err)
{
    struct tape_shape shape = { .attacked = true,
                                .keep_best = on->a->keep_best,
                                .look_last = looks_last(on),
                                .attack_steps = on->a->steps };

    if (on->n < on->net->o.batch)
        return climb_all(on, err);
    return tape_run(on->net, &on->net->search, &shape, climb_all, on, err);
}

int attack_l2(struct net *net, const struct attack *a, const float *pixels,
              const int32_t *label, int n, float *adversarial, float *loss,
              struct error *err)
{
    struct attack_on on = { .net = net,
                            .n = n,
                            .a = a,
                            .pixels = pixels,
                            .label = label,
                            .adversarial = adversarial,
                            .loss = loss };
    size_t size = graph_picture(net_graph(net));
    int rc;

    assert(pixels != adversarial);
    if (a->steps < 0 || !(a->radius >= 0) || !(a->step >= 0))
        return error_set(err, E_INPUT, "an attack of %d steps of %g, radius %g", a->steps,
                         a->step, a->radius);
    rc = net_evaluate(net, err);
    if (rc == 0)
        rc = net_each_lane(net, n, begin_lane, &on, err);
    if (rc == 0)
        rc = search(&on, err);
    if (rc == 0)
        rc = net_each_lane(net, n, end_lane, &on, err);
    if (rc == 0)
        rc = net_gather(net, n, adversarial, size, err);
    return rc < 0 ? rc : net_gather(net, n, loss, 1, err);
}
