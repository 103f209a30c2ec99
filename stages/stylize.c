/*
 * stylize - the pictures of a set in the styles of others, by networks.
 *
 * in   set        image set, RGB, all of one size: the contents
 *      styles     image set, RGB, all of one size
 *      encoder    weights (import-weights arch=adain-encoder): with method=adain
 *      decoder    weights (import-weights arch=adain-decoder): with method=adain
 *      model      weights of VGG-19 or AlexNet: with method=gatys
 *      only       a list of lists of pictures (TSV: image): those that are in any of
 * them; there may be none in a part of a set out  stylized   the same pictures, stylized.
 * By adain they come out with sides that are multiples of 8 styled     TSV: image style
 * loss (of method=gatys, at the end)
 *
 * method=adain is how Stylized-ImageNet was made (transfer/adaptive.h), method=gatys the
 * optimisation that needs no decoder (transfer/gatys.h); there styles and contents have
 * one size. Values become bytes as each of the two originals does it: rounded (adain),
 * cut off (gatys).
 */
#include <string.h>

#include "image/decode.h"
#include "image/set.h"
#include "kit/lists.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/feed.h"
#include "nn/tensors.h"
#include "transfer/adaptive.h"
#include "transfer/choice.h"
#include "transfer/gatys.h"

#include "larder/banned.h"

struct options {
    const char *set, *styles, *encoder, *decoder, *model, *only;
    const char *stylized, *styled;
    const char *method, *choice, *round;
    int batch, lanes, take, evaluations;
    double alpha, style_weight;
    uint64_t seed;
};

struct size {
    int width, height, channels;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct imageset *set, *styles, *made;
    struct size of_set, of_styles, of_made;
    uint32_t *style; /* of each picture of the set */
    long *picture;   /* those that are wanted, n of them */
    long n;
    struct tensors weights[2];
    struct adaptive adaptive;
    struct gatys *gatys;
    float *content, *styles_of, *result; /* of a batch */
    double *loss;
    struct buf styled;
};

static bool by_adain(const struct work *w)
{
    return strcmp(w->o->method, "adain") == 0;
}

static int open_set(struct imageset **set, struct size *size, const char *path,
                    struct error *err)
{
    int rc = imageset_open_files(set, path, err);

    if (rc == 0)
        rc = imageset_shape(*set, &size->width, &size->height, &size->channels, err);
    if (rc == 0 && size->channels != 3)
        rc = error_set(err, E_INPUT, "its pictures are grey; styles are for RGB");
    return rc < 0 ? error_context(err, "%s", path) : 0;
}

/* The pictures that are wanted. */
static int choose_pictures(struct work *w, struct error *err)
{
    long most = imageset_size(w->set);
    struct map wanted = { 0 };
    struct image im;
    int rc = w->o->only != NULL ? lists_read(&wanted, w->o->only, err) : 0;

    if (w->o->take > 0 && w->o->take < most)
        most = w->o->take;
    w->picture = xcalloc((size_t)imageset_size(w->set) + 1, sizeof *w->picture);
    for (long i = 0; i < imageset_size(w->set) && w->n < most && rc == 0; i++) {
        rc = imageset_get(w->set, i, &im, err);
        if (rc == 0 && (w->o->only == NULL || map_get(&wanted, im.name) != NULL))
            w->picture[w->n++] = i;
    }
    map_release(&wanted);
    return rc;
}

static int choose(struct work *w, struct error *err)
{
    uint32_t n = (uint32_t)imageset_size(w->styles);
    char params[80];

    if (by_adain(w))
        snprintf(params, sizeof params, "alpha=%g,styles=%u", w->o->alpha, n);
    else
        snprintf(params, sizeof params, "method=gatys,styles=%u", n);
    return choose_styles(&w->style, w->set, w->o->choice, params, w->o->seed, n, err);
}

/* Networks. */

static int read_weights(struct work *w, int k, const char *path, const char *input,
                        struct error *err)
{
    if (path == NULL)
        return error_set(err, E_INPUT, "method=%s needs the input %s", w->o->method,
                         input);
    return tensors_read(&w->weights[k], path, err);
}

static int open_adain(struct work *w, struct error *err)
{
    struct adaptive_use use = { .encoder = &w->weights[0],
                                .decoder = &w->weights[1],
                                .width = w->of_set.width,
                                .height = w->of_set.height,
                                .style_width = w->of_styles.width,
                                .style_height = w->of_styles.height,
                                .batch = w->o->batch,
                                .lanes = w->o->lanes,
                                .threads = stage_threads(),
                                .alpha = w->o->alpha };
    int rc = read_weights(w, 0, w->o->encoder, "encoder", err);

    if (rc == 0)
        rc = read_weights(w, 1, w->o->decoder, "decoder", err);
    if (rc == 0)
        rc = adaptive_open(&w->adaptive, &use, err);
    w->of_made = (struct size){ w->adaptive.width, w->adaptive.height, 3 };
    return rc;
}

static int open_gatys(struct work *w, struct error *err)
{
    struct gatys_use use = { .weights = &w->weights[0],
                             .width = w->of_set.width,
                             .height = w->of_set.height,
                             .batch = w->o->batch,
                             .lanes = w->o->lanes,
                             .threads = stage_threads(),
                             .evaluations = w->o->evaluations,
                             .style_weight = w->o->style_weight,
                             .lbfgs = lbfgs_defaults };
    int rc = read_weights(w, 0, w->o->model, "model", err);

    if (rc < 0)
        return rc;
    if (w->of_styles.width != use.width || w->of_styles.height != use.height)
        return error_set(err, E_INPUT,
                         "%s: styles of %d x %d; by method=gatys they have the size of "
                         "the pictures, %d x %d",
                         w->o->styles, w->of_styles.width, w->of_styles.height, use.width,
                         use.height);
    w->of_made = w->of_set;
    return gatys_open(&w->gatys, &use, err);
}

static size_t values(const struct size *s)
{
    return (size_t)s->width * s->height * s->channels;
}

static int open_all(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc = open_set(&w->set, &w->of_set, o->set, err);

    if (rc == 0)
        rc = open_set(&w->styles, &w->of_styles, o->styles, err);
    if (rc == 0)
        rc = choose(w, err);
    if (rc == 0)
        rc = choose_pictures(w, err);
    if (rc == 0)
        rc = by_adain(w) ? open_adain(w, err) : open_gatys(w, err);
    if (rc < 0)
        return rc;
    w->content = xcalloc((size_t)o->batch * values(&w->of_set), sizeof(float));
    w->styles_of = xcalloc((size_t)o->batch * values(&w->of_styles), sizeof(float));
    w->result = xcalloc((size_t)o->batch * values(&w->of_made), sizeof(float));
    w->loss = xcalloc((size_t)o->batch, sizeof *w->loss);
    buf_adds(&w->styled, "image\tstyle\tloss\n");
    return imageset_create(&w->made, o->stylized,
                           w->n * (long long)(values(&w->of_made) + 511), err);
}

static void close_all(struct work *w)
{
    imageset_close(w->made);
    imageset_close(w->styles);
    imageset_close(w->set);
    adaptive_close(&w->adaptive);
    gatys_close(w->gatys);
    for (int i = 0; i < 2; i++)
        tensors_release(&w->weights[i]);
    free(w->style);
    free(w->picture);
    free(w->content);
    free(w->styles_of);
    free(w->result);
    free(w->loss);
    buf_release(&w->styled);
}

/* The work. */

static int load(struct imageset *set, long i, float *to, struct error *err)
{
    struct image im, rgb = { 0 };
    int rc = imageset_get(set, i, &im, err);

    if (rc == 0)
        rc = image_load_rgb(&rgb, &im, err);
    if (rc == 0)
        image_to_floats(&rgb, to);
    image_release(&rgb);
    return rc;
}

static uint8_t to_byte(float v, float more)
{
    v = v * 255 + more;
    return (uint8_t)(v > 255 ? 255 : v > 0 ? v : 0);
}

static int keep(struct work *w, long i, const float *pixels, double loss,
                struct error *err)
{
    bool nearest = strcmp(w->o->round, "nearest") == 0 ||
                   (strcmp(w->o->round, "auto") == 0 && by_adain(w));
    struct image from, style, to;
    int rc = imageset_get(w->set, i, &from, err);

    if (rc == 0)
        rc = imageset_get(w->styles, w->style[i], &style, err);
    if (rc < 0)
        return rc;
    image_init(&to, w->of_made.width, w->of_made.height, 3);
    to.name = from.name;
    to.label = from.label;
    to.texture = from.texture;
    for (size_t k = 0; k < values(&w->of_made); k++)
        to.pixel[k] = to_byte(pixels[k], nearest ? .5f : 0);
    rc = imageset_append(w->made, &to, err);
    buf_printf(&w->styled, "%s\t%s\t", from.name, style.name);
    if (by_adain(w))
        buf_adds(&w->styled, "\n");
    else
        buf_printf(&w->styled, "%.6g\n", loss);
    image_release(&to);
    return rc;
}

static int make_batch(struct work *w, long first, int n, struct error *err)
{
    size_t own = values(&w->of_set), theirs = values(&w->of_styles);
    int rc = 0;

    for (int k = 0; k < n && rc == 0; k++) {
        long i = w->picture[first + k];
        rc = load(w->set, i, w->content + k * own, err);
        if (rc == 0)
            rc = load(w->styles, w->style[i], w->styles_of + k * theirs, err);
    }
    if (rc == 0)
        rc = by_adain(w)
                 ? adaptive_run(&w->adaptive, w->content, w->styles_of, n, w->result, err)
                 : gatys_run(w->gatys, w->content, w->styles_of, n, w->result, w->loss,
                             err);
    for (int k = 0; k < n && rc == 0; k++)
        rc = keep(w, w->picture[first + k], w->result + k * values(&w->of_made),
                  w->loss[k], err);
    return rc;
}

static int stylize(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_all(&w, err);

    for (long i = 0; i < w.n && rc == 0; i += w.o->batch) {
        int n = w.n - i < w.o->batch ? (int)(w.n - i) : w.o->batch;

        rc = make_batch(&w, i, n, err);
        progress_step(i + n, w.n, "picture");
    }
    if (rc == 0)
        rc = imageset_commit(w.made, err);
    if (rc == 0)
        rc = tsv_write(w.o->styled, &w.styled, err);
    close_all(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .method = "adain",
                         .choice = "picture",
                         .round = "auto",
                         .batch = 8,
                         .lanes = 8,
                         .alpha = 1,
                         .evaluations = 520,
                         .style_weight = 1000 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the pictures of a set in the styles of others, by networks"),
        STAGE_IN_SET("set", &o.set, "pictures, RGB, of one size"),
        STAGE_IN_SET("styles", &o.styles, "pictures, RGB, of one size"),
        STAGE_MAY_IN("encoder", &o.encoder, "method=adain: the start of VGG-19"),
        STAGE_MAY_IN("decoder", &o.decoder, "method=adain: what paints its features"),
        STAGE_MAY_IN("model", &o.model, "method=gatys: VGG-19, or an AlexNet"),
        STAGE_MAY_IN_LIST("only", &o.only, "lists of pictures (TSV: image): only these"),
        STAGE_OUT_SET("stylized", &o.stylized, "the same pictures, stylized"),
        STAGE_OUT("styled", &o.styled, "TSV: image style loss"),
        STAGE_CHOICE("method", &o.method, "adain|gatys",
                     "statistics of features, or an optimisation"),
        STAGE_CHOICE("choice", &o.choice, CHOICES,
                     "of the style: drawn for each picture, or as Stylized-ImageNet's"),
        STAGE_CHOICE("round", &o.round, "auto|nearest|trunc",
                     "to bytes; auto: as the original of the method"),
        STAGE_FLOAT("alpha", &o.alpha, 0, 1, "method=adain: how much of the style"),
        STAGE_FLOAT("style-weight", &o.style_weight, 0, 1e12,
                    "method=gatys: of the style's loss; the content's has 1"),
        STAGE_INT("evaluations", &o.evaluations, 1, 1000000,
                  "method=gatys: of the loss, for each picture"),
        STAGE_INT("batch", &o.batch, 1, 4096, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, stylize, &o);
}
