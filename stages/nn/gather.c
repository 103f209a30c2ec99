#include "nn/gather.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/inside.h"
#include "nn/ranks.h"

static struct nn_device *device(const struct net *net)
{
    return lane_device(net->lane[0]);
}

static void release_device(struct net *net)
{
    struct exchange *x = &net->exchange;

    if (x->mine != NULL)
        net->b->free(device(net), x->mine, x->n * sizeof(float));
    if (x->all != NULL)
        net->b->free(device(net), x->all, x->n * net->o.ranks->n * sizeof(float));
    x->mine = x->all = NULL;
    x->n = 0;
}

void gather_release(struct net *net)
{
    release_device(net);
    free(net->exchange.host);
}

static int make_room(struct net *net, size_t n, struct error *err)
{
    struct exchange *x = &net->exchange;
    size_t ranks = (size_t)net->o.ranks->n;
    int rc;

    if (n <= x->n)
        return 0;
    release_device(net);
    x->n = n;
    x->host = xrealloc(x->host, n * ranks * sizeof *x->host);
    rc = net->b->alloc(device(net), n * sizeof(float), &x->mine, err);
    return rc < 0 ? rc
                  : net->b->alloc(device(net), n * ranks * sizeof(float), &x->all, err);
}

/* What lane k of each rank has goes to its place in the array. */
static void spread(const struct net *net, int n, int k, float *array, size_t each)
{
    const struct exchange *x = &net->exchange;
    size_t room = (size_t)(net->o.batch / net->o.lanes) * each;

    for (int rank = 0; rank < net->o.ranks->n; rank++) {
        struct lane_part p = lane_part(net->lane[k], rank * net->n_lanes + k, n,
                                       net->o.lanes, net->run == 1);

        memcpy(array + (size_t)p.first * each, x->host + (size_t)rank * room,
               (size_t)p.count * each * sizeof *array);
    }
}

static int gather_lane(struct net *net, int n, int k, float *array, size_t each,
                       struct error *err)
{
    struct exchange *x = &net->exchange;
    size_t room = (size_t)(net->o.batch / net->o.lanes) * each;
    struct lane *lane = net->lane[k];
    int rc = net->b->upload(device(net), x->mine, array + lane_first(lane) * each,
                            (size_t)lane_count(lane) * each * sizeof *array, err);

    if (rc == 0)
        rc = net->b->gather(device(net), x->all, x->mine, room, err);
    if (rc == 0)
        rc = net->b->download(device(net), x->host, x->all,
                              room * (size_t)net->o.ranks->n * sizeof *x->host, err);
    if (rc == 0)
        spread(net, n, k, array, each);
    return rc;
}

int net_gather(struct net *net, int n, float *array, size_t each, struct error *err)
{
    int rc;

    if (net->o.ranks == NULL || net->o.ranks->n == 1 || array == NULL)
        return 0;
    rc = make_room(net, (size_t)(net->o.batch / net->o.lanes) * each, err);
    for (int k = 0; k < net->n_lanes && rc == 0; k++)
        rc = gather_lane(net, n, k, array, each, err);
    return rc;
}
