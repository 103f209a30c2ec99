#include "nn/tape.h"

#include "larder/banned.h"
#include "nn/inside.h"

static struct nn_device *device(const struct net *net)
{
    return lane_device(net->lane[0]);
}

static bool same_shape(const struct tape_shape *a, const struct tape_shape *b)
{
    return a->attacked == b->attacked && a->clamped == b->clamped &&
           a->clips == b->clips && a->keep_best == b->keep_best &&
           a->look_last == b->look_last && a->attack_steps == b->attack_steps;
}

static int record(struct net *net, struct taped *t,
                  int (*compute)(void *context, struct error *err), void *context,
                  struct error *err)
{
    int rc = net->b->record(device(net), err);

    if (rc < 0)
        return rc;
    rc = compute(context, err);
    if (rc == 0)
        return net->b->stop(device(net), &t->tape, err);
    net->b->stop(device(net), NULL, NULL);
    return rc;
}

int tape_run(struct net *net, struct taped *t, const struct tape_shape *shape,
             int (*compute)(void *context, struct error *err), void *context,
             struct error *err)
{
    int rc = 0;

    if (net->b->record == NULL)
        return compute(context, err);
    if (!same_shape(&t->shape, shape))
        tape_release(net, t);
    t->shape = *shape;
    if (t->made++ == 0)
        return compute(context, err);
    if (t->tape == NULL)
        rc = record(net, t, compute, context, err);
    return rc < 0 ? rc : net->b->play(device(net), t->tape, err);
}

void tape_release(struct net *net, struct taped *t)
{
    if (t->tape != NULL)
        net->b->erase(device(net), t->tape);
    *t = (struct taped){ 0 };
}
