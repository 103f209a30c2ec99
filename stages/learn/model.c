#include "learn/model.h"

#include "kit/stage.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/network.h"
#include "nn/tensors.h"

#include "larder/banned.h"

int model_open_weights(struct model *m, const char *path, const struct tensors *weights,
                       const struct model_use *use, struct error *err)
{
    struct net_options o = {
        .batch = use->batch,
        .lanes = use->lanes,
        .threads = stage_threads(),
        .input_gradient = use->input_gradient,
    };
    int rc;

    *m = (struct model){ 0 };
    rc = network_of(&m->graph, weights, err);
    if (rc < 0)
        return error_context(err, "%s", path);
    rc = net_open(&m->net, m->graph, &o, err);
    if (rc == 0)
        rc = net_set_parameters(m->net, weights, err);
    m->classes = m->graph->classes;
    m->logits = xcalloc((size_t)use->batch * (size_t)m->classes, sizeof *m->logits);
    m->p = xcalloc((size_t)m->classes, sizeof *m->p);
    return rc;
}

int model_open(struct model *m, const char *path, const struct model_use *use,
               struct error *err)
{
    struct tensors t = { 0 };
    int rc = tensors_read(&t, path, err);

    *m = (struct model){ 0 };
    if (rc == 0)
        rc = model_open_weights(m, path, &t, use, err);
    tensors_release(&t);
    return rc;
}

void model_close(struct model *m)
{
    net_close(m->net);
    graph_free(m->graph);
    free(m->logits);
    free(m->p);
    *m = (struct model){ 0 };
}

int model_open_with(struct model *m, const char *path, const struct model_use *use,
                    struct feed *f, const char *set, long take, struct error *err)
{
    int rc;

    rc = model_open(m, path, use, err);
    if (rc == 0)
        rc = feed_open(f, set, use->batch, take, err);
    if (rc == 0)
        rc = shape_check(set, f->set, m->graph, err);
    if (rc == 0)
        rc = labels_check(set, f->set, m->classes, err);
    return rc;
}

int model_forward(struct model *m, const struct feed *f, struct error *err)
{
    return net_forward(m->net, f->pixels, f->n, m->logits, err);
}

const double *model_probabilities(struct model *m, int k)
{
    softmax(m->logits + (size_t)k * (size_t)m->classes, m->classes, m->p);
    return m->p;
}
