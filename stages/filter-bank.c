/*
 * filter-bank - how coloured and how diverse the filters of two nets are.
 *
 * in   s, r     two models (safetensors)
 * out  filters  TSV: net filter least most tv chroma, of each filter of both
 *      bank     TSV: net filters tv chroma rank, of the filters of a net together
 *
 * least and most are the range that a picture of the filter is stretched over, tv the
 * total variation of its raw weights (learn/variation.h), chroma how coloured it is
 * (kernel/bank.h). Of a bank tv and chroma are means, rank is the effective rank. The
 * data of Figure A3 of the paper, and of its remark on Figure 2 that filters of R are
 * less diverse and less coloured.
 */
#include "kernel/bank.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "learn/variation.h"

#include "larder/banned.h"

struct options {
    const char *s, *r, *filters, *bank;
    const char *kernel;
};

static double filter_tv(const struct kernel *k, long i)
{
    return variation_of(kernel_filter(k, i), k->channels, k->height, k->width).tv;
}

static void add_filters(struct buf *to, const char *net, const struct kernel *k)
{
    for (long i = 0; i < k->filters; i++) {
        const float *w = kernel_filter(k, i);
        float least = w[0], most = w[0];

        for (long j = 1; j < k->size; j++) {
            least = w[j] < least ? w[j] : least;
            most = w[j] > most ? w[j] : most;
        }
        buf_printf(to, "%s\t%ld\t%.6g\t%.6g\t%.6g\t%.6g\n", net, i, (double)least,
                   (double)most, filter_tv(k, i), bank_chroma(k, i));
    }
}

static void add_bank(struct buf *to, const char *net, const struct kernel *k)
{
    double tv = 0, chroma = 0;

    for (long i = 0; i < k->filters; i++) {
        tv += filter_tv(k, i) / (double)k->filters;
        chroma += bank_chroma(k, i) / (double)k->filters;
    }
    buf_printf(to, "%s\t%ld\t%.6g\t%.6g\t%.6g\n", net, k->filters, tv, chroma,
               bank_rank(k));
}

static int add_net(const struct options *o, const char *net, const char *model,
                   struct buf *filters, struct buf *bank, struct error *err)
{
    struct kernel k = { 0 };
    int rc = kernel_read(&k, model, o->kernel, err);

    if (rc == 0) {
        add_filters(filters, net, &k);
        add_bank(bank, net, &k);
    }
    kernel_release(&k);
    return rc;
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct buf filters = { 0 }, bank = { 0 };
    int rc;

    buf_adds(&filters, "net\tfilter\tleast\tmost\ttv\tchroma\n");
    buf_adds(&bank, "net\tfilters\ttv\tchroma\trank\n");
    rc = add_net(o, "S", o->s, &filters, &bank, err);
    if (rc == 0)
        rc = add_net(o, "R", o->r, &filters, &bank, err);
    if (rc == 0)
        rc = tsv_write(o->filters, &filters, err);
    if (rc == 0)
        rc = tsv_write(o->bank, &bank, err);
    buf_release(&filters);
    buf_release(&bank);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .kernel = "features.0.weight" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("How coloured and how diverse the filters of two nets are"),
        STAGE_IN("s", &o.s, "a model (safetensors)"),
        STAGE_IN("r", &o.r, "the other (safetensors)"),
        STAGE_OUT("filters", &o.filters, "each filter of both (TSV)"),
        STAGE_OUT("bank", &o.bank, "the filters of each net together (TSV)"),
        STAGE_STRING("kernel", &o.kernel, "the parameter that holds the filters"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
