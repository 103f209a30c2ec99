/*
 * kernel-tv - how rough the convolution kernels of a model are (learn/variation.h).
 *
 * in   model   weights (safetensors)
 * out  tv      TSV, a row for each layer (the convolutions up to a tap of the
 *              network) and a last one, `network`: layer, kernel (largest side), filters,
 *              channels (of the tap), mean_tv, tv_over_l1, isotropic, all_filters
 *
 * A layer's values are means over its convolutions, each a mean over its filters. Those
 * of the network are means over layers weighted by the layers' channels. all_filters is
 * the mean TV over all filters of the row, each counting once.
 */
#include "kit/stage.h"
#include "kit/tsv.h"
#include "learn/network.h"
#include "learn/variation.h"
#include "nn/tensors.h"

#include "larder/banned.h"

struct options {
    const char *model, *tv;
};

/* Sums over the convolutions of a layer, or over layers times their channels. */
struct row {
    long kernel, filters;
    double weight; /* what the three means were weighted with */
    struct kernel_variation sum;
    double all; /* TV of all filters together */
};

static void add_convolution(struct row *r, const struct tensor *w)
{
    struct kernel_variation v = variation_mean(w->value, w->dim);

    for (int i = 2; i < 4; i++)
        if (w->dim[i] > r->kernel)
            r->kernel = w->dim[i];
    r->filters += w->dim[0];
    r->weight += 1;
    r->sum.tv += v.tv;
    r->sum.tv_over_l1 += v.tv_over_l1;
    r->sum.isotropic += v.isotropic;
    r->all += v.tv * (double)w->dim[0];
}

static void add_layer(struct row *network, const struct row *layer, int channels)
{
    double share = channels / layer->weight;

    if (layer->kernel > network->kernel)
        network->kernel = layer->kernel;
    network->filters += layer->filters;
    network->weight += channels;
    network->sum.tv += layer->sum.tv * share;
    network->sum.tv_over_l1 += layer->sum.tv_over_l1 * share;
    network->sum.isotropic += layer->sum.isotropic * share;
    network->all += layer->all;
}

static void print_row(struct buf *text, const char *name, const struct row *r,
                      int channels)
{
    buf_printf(text, "%s\t%ld\t%ld\t%d\t%.6g\t%.6g\t%.6g\t%.6g\n", name, r->kernel,
               r->filters, channels, r->sum.tv / r->weight, r->sum.tv_over_l1 / r->weight,
               r->sum.isotropic / r->weight, r->all / (double)r->filters);
}

static void print_network(struct buf *text, const struct graph *g,
                          const struct tensors *t)
{
    struct row network = { 0 }, layer = { 0 };
    char name[GRAPH_PARAMETER];

    buf_adds(text, "layer\tkernel\tfilters\tchannels\tmean_tv\ttv_over_"
                   "l1\tisotropic\tall_filters\n");
    for (size_t i = 0; i < g->n_ops; i++) {
        const struct graph_op *op = &g->op[i];

        if (op->kind == GRAPH_CONV) {
            snprintf(name, sizeof name, "%s.weight", op->name);
            add_convolution(&layer, tensors_find(t, name));
        }
        if (op->tap[0] == '\0' || op->kind == GRAPH_CONV || layer.filters == 0)
            continue; /* nothing ends there, or what is tapped is no layer yet */
        print_row(text, op->tap, &layer, op->C);
        add_layer(&network, &layer, op->C);
        layer = (struct row){ 0 };
    }
    print_row(text, "network", &network, (int)network.weight);
}

static int kernel_tv(const void *options, struct error *err)
{
    const struct options *o = options;
    struct tensors t = { 0 };
    struct graph *g = NULL;
    struct buf text = { 0 };
    int rc;

    rc = tensors_read(&t, o->model, err);
    if (rc < 0)
        goto out;
    rc = network_of(&g, &t, err);
    if (rc < 0) {
        error_context(err, "%s", o->model);
        goto out;
    }
    print_network(&text, g, &t);
    rc = tsv_write(o->tv, &text, err);
out:
    buf_release(&text);
    graph_free(g);
    tensors_release(&t);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("total variation of the convolution kernels of a model"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_OUT("tv", &o.tv,
                  "TSV: layer kernel filters channels mean_tv tv_over_l1 isotropic "
                  "all_filters"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, kernel_tv, &o);
}
