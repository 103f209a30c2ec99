/*
 * pair-filters - for each filter of one net, the most alike filter of another.
 *
 * in   s, r    two models with a kernel of the same shape (safetensors)
 * out  pairs   TSV: pair s_filter r_filter rho tv_s tv_r dtv, in the order of s's filters
 *
 * Alike is the highest Spearman correlation of the weights, sign kept; among equals the
 * lowest number. A filter of r may be chosen several times. tv is the total variation of
 * the raw weights (learn/variation.h), dtv = tv_s - tv_r. Filters count from 0. This is
 * the data of Figures 2 and A2 of the paper; the picture is drawn by `filters`.
 */
#include "kernel/kernel.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "learn/variation.h"
#include "table/rank.h"

#include "larder/banned.h"

struct options {
    const char *s, *r, *pairs;
    const char *kernel;
};

/* The filter of r that is most like this one; *rho is how much. */
static long most_alike(const float *filter, const struct kernel *r, double *rho)
{
    long best = 0;

    *rho = -2;
    for (long i = 0; i < r->filters; i++) {
        double now = rank_spearman(filter, kernel_filter(r, i), (size_t)r->size);

        if (now > *rho) {
            *rho = now;
            best = i;
        }
    }
    return best;
}

static void write_pairs(const struct kernel *s, const struct kernel *r, struct buf *text)
{
    buf_adds(text, "pair\ts_filter\tr_filter\trho\ttv_s\ttv_r\tdtv\n");
    for (long i = 0; i < s->filters; i++) {
        const float *fs = kernel_filter(s, i), *fr;
        double rho, tv_s, tv_r;
        long best = most_alike(fs, r, &rho);

        fr = kernel_filter(r, best);
        tv_s = variation_of(fs, s->channels, s->height, s->width).tv;
        tv_r = variation_of(fr, r->channels, r->height, r->width).tv;
        buf_printf(text, "%ld\t%ld\t%ld\t%.6g\t%.6g\t%.6g\t%.6g\n", i, i, best, rho, tv_s,
                   tv_r, tv_s - tv_r);
    }
}

static int pair_filters(const void *options, struct error *err)
{
    const struct options *o = options;
    struct kernel s = { 0 }, r = { 0 };
    struct buf text = { 0 };
    int rc;

    rc = kernel_read(&s, o->s, o->kernel, err);
    if (rc < 0)
        goto out;
    rc = kernel_read(&r, o->r, o->kernel, err);
    if (rc < 0)
        goto out;
    if (s.channels != r.channels || s.height != r.height || s.width != r.width) {
        rc = error_set(err, E_INPUT,
                       "%s: filters of %ld x %ld x %ld in %s, of %ld x %ld x %ld in %s",
                       o->kernel, s.channels, s.height, s.width, o->s, r.channels,
                       r.height, r.width, o->r);
        goto out;
    }
    write_pairs(&s, &r, &text);
    rc = tsv_write(o->pairs, &text, err);
out:
    buf_release(&text);
    kernel_release(&r);
    kernel_release(&s);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .kernel = "features.0.weight" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("Finds for each filter of one net the most alike filter of another"),
        STAGE_IN("s", &o.s, "model whose filters are looked up (safetensors)"),
        STAGE_IN("r", &o.r, "model among whose filters is searched (safetensors)"),
        STAGE_OUT("pairs", &o.pairs, "the pairs (TSV)"),
        STAGE_STRING("kernel", &o.kernel, "the parameter that holds the filters"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, pair_filters, &o);
}
