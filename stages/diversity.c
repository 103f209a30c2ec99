/*
 * diversity - for how many concepts a channel fires.
 *
 * in   iou        safetensors of `dissect`: a tensor a layer, channels x labels
 * out  diversity  TSV: layer n mean sd, by layer, last `network`: all channels
 *
 * A channel's score is the number of labels with which its IoU is at least `least`;
 * channels that meet none score 0. mean and sd (of the sample) are over the n channels.
 * Section 3.3.2 and Figure A10 of the paper.
 */
#include <math.h>
#include <string.h>

#include "kit/stage.h"
#include "kit/tsv.h"
#include "nn/tensors.h"

#include "larder/banned.h"

struct options {
    const char *iou, *diversity;
    double least;
};

struct sums {
    long n;
    double sum, squares;
};

static void add_channels(struct sums *s, const struct tensor *t, double least)
{
    for (long unit = 0; unit < t->dim[0]; unit++) {
        double score = 0;

        for (long label = 1; label < t->dim[1]; label++)
            score += t->value[unit * t->dim[1] + label] >= (float)least;
        s->n++;
        s->sum += score;
        s->squares += score * score;
    }
}

static void add_row(struct buf *to, const char *layer, const struct sums *s)
{
    double n = (double)s->n, mean = n > 0 ? s->sum / n : 0;
    double rest = s->squares - n * mean * mean;

    buf_printf(to, "%s\t%ld\t%.6g\t%.6g\n", layer, s->n, mean,
               n > 1 ? sqrt(fmax(rest, 0) / (n - 1)) : 0);
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct tensors iou = { 0 };
    struct sums all = { 0 };
    struct buf text = { 0 };
    int rc = tensors_read(&iou, o->iou, err);

    buf_adds(&text, "layer\tn\tmean\tsd\n");
    for (size_t i = 0; i < iou.n && rc == 0; i++) {
        const struct tensor *t = &iou.tensor[i];
        struct sums one = { 0 };

        if (t->n_dims != 2)
            rc = error_set(err, E_INPUT, "%s: %s is no matrix of channels and labels",
                           o->iou, t->name);
        else
            add_channels(&one, t, o->least);
        if (rc == 0) {
            add_row(&text, t->name, &one);
            all.n += one.n;
            all.sum += one.sum;
            all.squares += one.squares;
        }
    }
    add_row(&text, "network", &all);
    if (rc == 0)
        rc = tsv_write(o->diversity, &text, err);
    buf_release(&text);
    tensors_release(&iou);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .least = .01 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("for how many concepts a channel fires"),
        STAGE_IN("iou", &o.iou, "IoU of channels and labels (safetensors of dissect)"),
        STAGE_OUT("diversity", &o.diversity, "TSV: layer n mean sd"),
        STAGE_FLOAT("least", &o.least, 0, 1, "IoU from which a concept counts"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
