/*
 * match - S at the epoch whose clean accuracy is nearest to R's in the end.
 *
 * A young network leans on other cues than a trained one; S-matched tells what of the
 * difference between S and R is progress. The earliest epoch wins a tie.
 *
 * in   s-curve    curve of S, with clean accuracies
 *      s-epochs   the weights of S after each epoch
 *      r-curve    curve of R, with clean accuracies
 * out  model      the weights of that epoch
 *      match      TSV, one row: epoch, and the clean accuracies of S-matched, R and S
 */
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/fs.h"
#include "learn/curve.h"
#include "learn/epochs.h"

#include "larder/banned.h"

struct options {
    const char *s_curve, *s_epochs, *r_curve;
    const char *model, *match;
};

static int match(const void *options, struct error *err)
{
    const struct options *o = options;
    struct curve s = { 0 }, r = { 0 };
    const struct curve_row *best;
    struct buf text = { 0 }, path = { 0 };
    int rc;

    rc = curve_read(&s, o->s_curve, err);
    if (rc == 0)
        rc = curve_read(&r, o->r_curve, err);
    if (rc < 0)
        goto out;
    best = curve_nearest(&s, &r.row[r.n - 1]);
    buf_printf(&text, "epoch\tclean_matched\tclean_r\tclean_s\n%ld\t%.6g\t%.6g\t%.6g\n",
               best->epoch, curve_clean(best), curve_clean(&r.row[r.n - 1]),
               curve_clean(&s.row[s.n - 1]));
    epoch_path(&path, o->s_epochs, "epoch", best->epoch, ".safetensors");
    rc = fs_copy(buf_str(&path), o->model, 0644, err);
    if (rc == 0)
        rc = tsv_write(o->match, &text, err);
out:
    buf_release(&path);
    buf_release(&text);
    curve_release(&r);
    curve_release(&s);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("S at the epoch whose clean accuracy is nearest to R's"),
        STAGE_IN("s-curve", &o.s_curve, "curve of S"),
        STAGE_IN_TREE("s-epochs", &o.s_epochs, "the weights of S after each epoch"),
        STAGE_IN("r-curve", &o.r_curve, "curve of R"),
        STAGE_OUT("model", &o.model, "the weights of that epoch (safetensors)"),
        STAGE_OUT("match", &o.match, "TSV: epoch clean_matched clean_r clean_s"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, match, &o);
}
