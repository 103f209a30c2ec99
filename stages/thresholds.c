/*
 * thresholds - above which activation a channel counts as highly active: about one in two
 * hundred of its activations over a Broden folder is (Bau et al. 2017, section 3.1).
 *
 * in   model       weights (safetensors)
 *      broden      a folder as Broden is published (dissect/broden.h)
 * out  thresholds  TSV: layer unit threshold max positions
 *
 * The threshold is exact (dissect/threshold.h). Units count from 0; layers are those taps
 * of the network that are maps, or those named.
 */
#include "dissect/maps.h"
#include "dissect/threshold.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct options {
    struct maps_options maps;
    const char *thresholds;
};

/* One run; all-zero is empty. */
struct work {
    struct maps maps;
    struct threshold **of; /* of each layer, its channels */
    bool second;           /* the second pass */
    const struct maps_batch *batch;
};

/* All pictures of the batch, for one channel. */
static void add_unit(void *context, int unit)
{
    struct work *w = context;
    const struct maps_batch *b = w->batch;
    struct threshold *t = &w->of[b->index][unit];
    int n = b->n * b->layer->H * b->layer->W;

    if (w->second)
        threshold_refine(t, b->values + unit, n, b->layer->C);
    else
        threshold_count(t, b->values + unit, n, b->layer->C);
}

static int add_batch(void *context, const struct maps_batch *b, struct error *err)
{
    struct work *w = context;

    (void)err;
    w->batch = b;
    workers_run(w->maps.workers, b->layer->C, add_unit, w);
    return 0;
}

static int measure(struct work *w, struct error *err)
{
    const struct layers *l = &w->maps.layers;
    long size = broden_size(&w->maps.broden);
    struct maps_pass pass = {
        .add = add_batch, .context = w, .total = 2 * size, .done = 0
    };
    int rc;

    w->of = xcalloc(l->n + 1, sizeof *w->of);
    for (size_t i = 0; i < l->n; i++) {
        w->of[i] = xcalloc((size_t)l->layer[i].C, sizeof **w->of);
        for (int c = 0; c < l->layer[i].C; c++)
            threshold_open(&w->of[i][c]);
    }
    rc = maps_each(&w->maps, &pass, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < l->n; i++)
        for (int c = 0; c < l->layer[i].C; c++)
            threshold_turn(&w->of[i][c]);
    w->second = true;
    pass.done = size;
    return maps_each(&w->maps, &pass, err);
}

static int write_table(const struct work *w, const char *path, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    buf_adds(&text, "layer\tunit\tthreshold\tmax\tpositions\n");
    for (size_t i = 0; i < w->maps.layers.n; i++)
        for (int c = 0; c < w->maps.layers.layer[i].C; c++) {
            const struct threshold *t = &w->of[i][c];

            buf_printf(&text, "%s\t%d\t", w->maps.layers.layer[i].tap, c);
            buf_add_double(&text, threshold_value(t));
            buf_addc(&text, '\t');
            buf_add_double(&text, (double)t->most);
            buf_printf(&text, "\t%llu\n", (unsigned long long)t->n);
        }
    rc = tsv_write(path, &text, err);
    buf_release(&text);
    return rc;
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->of != NULL && i < w->maps.layers.n; i++) {
        for (int c = 0; c < w->maps.layers.layer[i].C; c++)
            threshold_close(&w->of[i][c]);
        free(w->of[i]);
    }
    free(w->of);
    maps_close(&w->maps);
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct work w = { 0 };
    int rc = maps_open(&w.maps, &o->maps, err);

    if (rc == 0)
        rc = measure(&w, err);
    if (rc == 0)
        rc = write_table(&w, o->thresholds, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .maps = { .layers = "", .pixels = "net", .batch = 32, .lanes = 1 },
    };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the activation that one in two hundred of a channel exceeds"),
        STAGE_IN("model", &o.maps.model, "weights (safetensors)"),
        STAGE_IN_TREE("broden", &o.maps.broden,
                      "pictures with labels, as Broden has them"),
        STAGE_OUT("thresholds", &o.thresholds, "TSV: layer unit threshold max positions"),
        STAGE_STRING("layers", &o.maps.layers, "names joined by commas; empty: all"),
        STAGE_CHOICE("pixels", &o.maps.pixels, MAPS_PIXELS,
                     "normalised as the network's, as NetDissect's, or both"),
        STAGE_INT("batch", &o.maps.batch, 1, 65536,
                  "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.maps.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
