#include "nn/attack.h"

#include <assert.h>
#include <string.h>

#include "larder/banned.h"
#include "nn/lane.h"

/* What all lanes share. */
struct attack_on {
    const struct net *net;
    const struct attack *a;
    const float *pixels;
    const int32_t *label;
    float *adversarial, *loss; /* loss: NULL, or n */
};

/* Of one lane: pictures in the memory of its device, losses in the host's. */
struct search {
    struct lane *lane;
    const struct nn_backend *b;
    struct nn_device *dev;
    struct lane_attack at;
    int n;
    size_t size; /* values of a picture */
    const int32_t *label;
    float *loss, *best_loss;
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
    return rc < 0 ? rc : lane_loss(s->lane, s->label, s->loss, err);
}

/* Keeps those pictures whose loss beats their best; the first time, all. */
static int keep(struct search *s, bool first, struct error *err)
{
    int rc = 0;

    for (int i = 0; i < s->n && rc == 0; i++) {
        if (!first && !(s->loss[i] > s->best_loss[i]))
            continue;
        s->best_loss[i] = s->loss[i];
        rc = s->b->copy(s->dev, s->at.best + i * s->size, s->at.x + i * s->size,
                        s->size * sizeof *s->at.x, err);
    }
    return rc;
}

static int move(struct search *s, const struct attack *a, struct error *err)
{
    struct nn_ascent step = { .x = s->at.x,
                              .x0 = s->at.x0,
                              .n = s->n,
                              .size = s->size,
                              .step = a->step,
                              .radius = a->radius };
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
            rc = move(s, a, err);
    }
    if (rc == 0 && look_last)
        rc = look(s, a->steps == 0, err);
    return rc < 0 ? rc : keep(s, !a->keep_best || a->steps == 0, err);
}

static int attack_lane(struct lane *lane, void *context, struct error *err)
{
    const struct attack_on *on = context;
    const struct graph *graph = net_graph(on->net);
    struct search s = { .lane = lane,
                        .b = lane_backend(lane),
                        .dev = lane_device(lane),
                        .at = lane_attack(lane),
                        .n = lane_count(lane),
                        .size = (size_t)graph->H * graph->W * graph->C,
                        .label = on->label + lane_first(lane),
                        .loss = lane_losses(lane) };
    size_t first = (size_t)lane_first(lane), bytes = s.n * s.size * sizeof(float);
    int rc;

    s.best_loss = s.loss + s.n;
    rc = s.b->upload(s.dev, s.at.x0, on->pixels + first * s.size, bytes, err);
    if (rc == 0 && on->a->start != NULL)
        rc = s.b->upload(s.dev, s.at.x, on->a->start + first * s.size, bytes, err);
    else if (rc == 0)
        rc = s.b->copy(s.dev, s.at.x, s.at.x0, bytes, err);
    if (rc == 0)
        rc = climb(&s, on->a, on->a->keep_best || on->loss != NULL, err);
    if (rc == 0)
        rc =
            s.b->download(s.dev, on->adversarial + first * s.size, s.at.best, bytes, err);
    if (rc == 0 && on->loss != NULL)
        memcpy(on->loss + first, s.best_loss, s.n * sizeof *s.best_loss);
    return rc;
}

int attack_l2(struct net *net, const struct attack *a, const float *pixels,
              const int32_t *label, int n, float *adversarial, float *loss,
              struct error *err)
{
    struct attack_on on = { .net = net,
                            .a = a,
                            .pixels = pixels,
                            .label = label,
                            .adversarial = adversarial,
                            .loss = loss };

    int rc;

    assert(pixels != adversarial);
    if (a->steps < 0 || !(a->radius >= 0) || !(a->step >= 0))
        return error_set(err, E_INPUT, "an attack of %d steps of %g, radius %g", a->steps,
                         a->step, a->radius);
    rc = net_evaluate(net, err);
    return rc < 0 ? rc : net_each_lane(net, n, attack_lane, &on, err);
}
