/*
 * pair-filters - for each filter of one net, the most alike filter of another.
 *
 * in   s, r    two models with a kernel of the same shape (safetensors)
 * out  pairs   TSV: pair s_filter r_filter rho tv_s tv_r dtv place, by s's filters
 *
 * Alike is the highest Spearman correlation of the weights, sign kept; among equals the
 * lowest number. A filter of r may be chosen several times. tv is the total variation of
 * the raw weights (learn/variation.h), dtv = tv_s - tv_r. Filters count from 0. place is
 * that among the pairs of distinct filters of r, by the highest rho, from 1 (equal ones
 * by the number in s); 0 where another pair has that filter of r. This is the data of
 * Figures 2, A2 and A3 of the paper; the pictures are drawn by `filters`. chroma and rank
 * (kernel/bank.h) say how coloured and how diverse a bank is: means over its filters, and
 * the effective rank.
 */
#include <stdbool.h>

#include "kernel/kernel.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/variation.h"
#include "table/rank.h"

#include "larder/banned.h"

struct options {
    const char *s, *r, *pairs;
    const char *kernel;
};

/* A filter of s, and its like in r. */
struct pair {
    long s, r, place;
    double rho, tv_s, tv_r;
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

static double filter_tv(const struct kernel *k, long i)
{
    return variation_of(kernel_filter(k, i), k->channels, k->height, k->width).tv;
}

static struct pair *find_pairs(const struct kernel *s, const struct kernel *r)
{
    struct pair *pair = xcalloc((size_t)s->filters + 1, sizeof *pair);

    for (long i = 0; i < s->filters; i++) {
        struct pair *p = &pair[i];

        p->s = i;
        p->r = most_alike(kernel_filter(s, i), r, &p->rho);
        p->tv_s = filter_tv(s, i);
        p->tv_r = filter_tv(r, p->r);
    }
    return pair;
}

/* Is pair a, whose filter of r is the same, before pair b? */
static bool is_before(const struct pair *a, const struct pair *b)
{
    return a->rho != b->rho ? a->rho > b->rho : a->s < b->s;
}

/* The places: of each filter of r the best pair has one. */
static void place_pairs(struct pair *pair, long n)
{
    for (long i = 0; i < n; i++) {
        bool best = true;

        for (long j = 0; j < n; j++)
            best = best && (pair[j].r != pair[i].r || !is_before(&pair[j], &pair[i]));
        pair[i].place = best;
    }
    for (long i = 0; i < n; i++)
        for (long j = 0; pair[i].place > 0 && j < n; j++)
            pair[i].place += pair[j].place > 0 && is_before(&pair[j], &pair[i]);
}

static int write_pairs(const struct options *o, const struct kernel *s,
                       const struct kernel *r, struct error *err)
{
    struct pair *pair = find_pairs(s, r);
    struct buf text = { 0 };
    int rc;

    place_pairs(pair, s->filters);
    buf_adds(&text, "pair\ts_filter\tr_filter\trho\ttv_s\ttv_r\tdtv\tplace\n");
    for (long i = 0; i < s->filters; i++) {
        const struct pair *p = &pair[i];

        buf_printf(&text, "%ld\t%ld\t%ld\t%.6g\t%.6g\t%.6g\t%.6g\t%ld\n", i, p->s, p->r,
                   p->rho, p->tv_s, p->tv_r, p->tv_s - p->tv_r, p->place);
    }
    rc = tsv_write(o->pairs, &text, err);
    buf_release(&text);
    free(pair);
    return rc;
}

static int pair_filters(const void *options, struct error *err)
{
    const struct options *o = options;
    struct kernel s = { 0 }, r = { 0 };
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
    rc = write_pairs(o, &s, &r, err);
out:
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
