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
    int room; /* MiB */
};

/* Channels of a layer that are added to together. */
enum { TOGETHER = 16 };

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct maps maps;
    struct result {
        double threshold;
        float most;
    } * *result;           /* of each layer, its channels */
    size_t first, end;     /* layers of this pass */
    struct threshold **of; /* of each of them, its channels */
    const struct maps_batch *batch;
};

static uint64_t positions(const struct work *w, size_t layer)
{
    const struct layer *l = &w->maps.layers.layer[layer];

    return (uint64_t)broden_size(&w->maps.broden) * (uint64_t)l->H * (uint64_t)l->W;
}

/* All pictures of the batch, for some channels. */
static void add_units(void *context, int item)
{
    struct work *w = context;
    const struct maps_batch *b = w->batch;
    int C = b->layer->C, unit = item * TOGETHER;

    threshold_add(&w->of[b->index][unit], C - unit < TOGETHER ? C - unit : TOGETHER,
                  b->values + unit, b->n * b->layer->H * b->layer->W, C);
}

static int add_batch(void *context, const struct maps_batch *b, struct error *err)
{
    struct work *w = context;

    (void)err;
    w->batch = b;
    if (b->index >= w->first && b->index < w->end)
        workers_run(w->maps.workers, (b->layer->C + TOGETHER - 1) / TOGETHER, add_units,
                    w);
    return 0;
}

static size_t room_of(const struct work *w, size_t layer)
{
    return (size_t)w->maps.layers.layer[layer].C * threshold_room(positions(w, layer));
}

/* As many layers as there is room for, one at least; the others wait for another pass
 * over the pictures. */
static size_t end_of_pass(const struct work *w, size_t first)
{
    size_t used = room_of(w, first), room = (size_t)w->o->room << 20, i = first + 1;

    for (; i < w->maps.layers.n && used + room_of(w, i) <= room; i++)
        used += room_of(w, i);
    return i;
}

static void open_pass(struct work *w)
{
    for (size_t i = w->first; i < w->end; i++) {
        w->of[i] = xcalloc((size_t)w->maps.layers.layer[i].C, sizeof **w->of);
        for (int c = 0; c < w->maps.layers.layer[i].C; c++)
            threshold_open(&w->of[i][c], positions(w, i));
    }
}

static void close_pass(struct work *w)
{
    for (size_t i = w->first; i < w->end; i++) {
        for (int c = 0; c < w->maps.layers.layer[i].C; c++) {
            struct result *r = &w->result[i][c];

            r->threshold = threshold_value(&w->of[i][c], &r->most);
            threshold_close(&w->of[i][c]);
        }
        free(w->of[i]);
    }
    w->first = w->end;
}

static int measure(struct work *w, struct error *err)
{
    const struct layers *l = &w->maps.layers;
    long size = broden_size(&w->maps.broden);
    struct maps_pass pass = { .add = add_batch, .context = w };
    int rc = 0;

    w->result = xcalloc(l->n + 1, sizeof *w->result);
    w->of = xcalloc(l->n + 1, sizeof *w->of);
    for (size_t i = 0; i < l->n; i++)
        w->result[i] = xcalloc((size_t)l->layer[i].C, sizeof **w->result);
    for (size_t i = 0; i < l->n; i = end_of_pass(w, i))
        pass.total += size;
    while (w->first < l->n && rc == 0) {
        w->end = end_of_pass(w, w->first);
        open_pass(w);
        rc = maps_each(&w->maps, &pass, err);
        close_pass(w);
        pass.done += size;
    }
    return rc;
}

static int write_table(const struct work *w, const char *path, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    buf_adds(&text, "layer\tunit\tthreshold\tmax\tpositions\n");
    for (size_t i = 0; i < w->maps.layers.n; i++)
        for (int c = 0; c < w->maps.layers.layer[i].C; c++) {
            const struct result *r = &w->result[i][c];

            buf_printf(&text, "%s\t%d\t", w->maps.layers.layer[i].tap, c);
            buf_add_double(&text, r->threshold);
            buf_addc(&text, '\t');
            buf_add_double(&text, (double)r->most);
            buf_printf(&text, "\t%llu\n", (unsigned long long)positions(w, i));
        }
    rc = tsv_write(path, &text, err);
    buf_release(&text);
    return rc;
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->result != NULL && i < w->maps.layers.n; i++)
        free(w->result[i]);
    free(w->result);
    free(w->of);
    maps_close(&w->maps);
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct work w = { .o = o };
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
        .room = 2048,
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
        STAGE_INT(
            "room", &o.room, 0, 1 << 20,
            "MiB for the largest values; with less the pictures are read more often"),
        STAGE_INT("lanes", &o.maps.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
