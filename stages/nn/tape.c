#include "nn/tape.h"

#include <errno.h>
#include <stdio.h>

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

/* Slower, and the same: better than nothing, where a library's call cannot be recorded.
 */
static void give_up(struct net *net, struct taped *t, const struct error *why)
{
    fprintf(stderr,
            "%s: what is repeated cannot be recorded, and is called each time: %s\n",
            program_invocation_short_name, why->text);
    t->calls = true;
    weights_stale(&net->weights); /* what was to be computed was not */
}

int tape_run(struct net *net, struct taped *t, const struct tape_shape *shape,
             int (*compute)(void *context, struct error *err), void *context,
             struct error *err)
{
    struct error why = { 0 };
    int rc = 0;

    if (net->b->record == NULL)
        return compute(context, err);
    if (!same_shape(&t->shape, shape))
        tape_release(net, t);
    t->shape = *shape;
    if (t->made++ == 0)
        return compute(context, err);
    if (t->tape == NULL && !t->calls)
        rc = record(net, t, compute, context, &why);
    if (rc == E_AGAIN) /* it is not the recording that fails */
        return error_set(err, rc, "%s", why.text);
    if (rc < 0)
        give_up(net, t, &why);
    return t->tape == NULL ? compute(context, err)
                           : net->b->play(device(net), t->tape, err);
}

void tape_release(struct net *net, struct taped *t)
{
    if (t->tape != NULL)
        net->b->erase(device(net), t->tape);
    *t = (struct taped){ 0 };
}
