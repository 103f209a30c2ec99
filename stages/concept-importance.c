/*
 * concept-importance - how much a network needs the channels of each concept: what share
 * of pictures it gets wrong when all of them are 0. The paper, Figure A11.
 *
 * in   model       weights (safetensors)
 *      units       TSV of `dissect`
 *      set         pictures with classes
 *      only        a list of lists of pictures (TSV: image): those that are in any
 * out  importance  TSV: category concept units n wrong drop, the largest drop first
 *
 * Of each concept of `categories` that is the best label of a channel, all its channels
 * in every layer are set to 0 at once, by their weights; drop is the share of the n
 * pictures, in percent, that are then answered wrong (anguyen8/shape-bias, utils.py,
 * find_accuracy, and ablation.py). Pictures of ImageNet-CL are all answered right by the
 * whole network.
 */
#include <stdlib.h>
#include <string.h>

#include "dissect/silence.h"
#include "kit/lists.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/mem.h"
#include "learn/answer.h"
#include "learn/model.h"
#include "table/names.h"

#include "larder/banned.h"

struct options {
    const char *model, *units, *set, *only, *importance, *categories;
    int batch, lanes, take;
};

struct concept {
    const char *category, *label;
    long units, wrong;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct model model;
    struct imageset *set;
    struct map only;
    struct tsv units;
    int column[4]; /* layer, unit, category, label */
    struct names categories;
    struct concept *concept;
    size_t n;
    float *pixels; /* of all pictures that count */
    int32_t *label;
    long pictures;
};

static size_t picture_values(const struct work *w)
{
    const struct graph *g = w->model.graph;

    return (size_t)g->C * (size_t)g->H * (size_t)g->W;
}

static void find_concepts(struct work *w)
{
    w->concept = xcalloc(w->units.n_rows + 1, sizeof *w->concept);
    for (size_t row = 0; row < w->units.n_rows; row++) {
        const char *category = tsv_get(&w->units, row, w->column[2]);
        const char *label = tsv_get(&w->units, row, w->column[3]);
        size_t i = 0;

        if (names_find(&w->categories, category) < 0)
            continue;
        while (i < w->n && (strcmp(w->concept[i].label, label) != 0 ||
                            strcmp(w->concept[i].category, category) != 0))
            i++;
        w->concept[i].category = category;
        w->concept[i].label = label;
        w->concept[i].units++;
        w->n += i == w->n;
    }
}

static int read_pictures(struct work *w, struct error *err)
{
    long all = imageset_size(w->set), most = w->o->take > 0 ? w->o->take : all;
    int rc = 0;

    w->pixels = xcalloc((size_t)(all < most ? all : most) * picture_values(w) + 1,
                        sizeof *w->pixels);
    w->label = xcalloc((size_t)all + 1, sizeof *w->label);
    for (long i = 0; i < all && w->pictures < most && rc == 0; i++) {
        struct image im;

        rc = imageset_get(w->set, i, &im, err);
        if (rc < 0 || (w->o->only && map_get(&w->only, im.name) == NULL))
            continue;
        image_to_floats(&im, w->pixels + (size_t)w->pictures * picture_values(w));
        w->label[w->pictures++] = im.label;
    }
    if (rc == 0 && w->pictures == 0)
        rc = error_set(err, E_INPUT, "%s has none of the pictures that %s names",
                       w->o->set, w->o->only ? w->o->only : "it");
    return rc;
}

static int open_work(struct work *w, struct error *err)
{
    static const char *const names[4] = { "layer", "unit", "category", "label" };
    const struct options *o = w->o;
    const struct model_use use = { .batch = o->batch, .lanes = o->lanes };
    int rc = names_list(&w->categories, o->categories, "categories", err);

    if (rc == 0)
        rc = model_open(&w->model, o->model, &use, err);
    if (rc == 0)
        rc = imageset_open(&w->set, o->set, err);
    if (rc == 0)
        rc = shape_check(o->set, w->set, w->model.graph, err);
    if (rc == 0)
        rc = labels_check(o->set, w->set, w->model.classes, err);
    if (rc == 0 && o->only)
        rc = lists_read(&w->only, o->only, err);
    if (rc == 0)
        rc = tsv_read(&w->units, o->units, err);
    for (int i = 0; i < 4 && rc >= 0; i++)
        rc = w->column[i] = tsv_column(&w->units, names[i], err);
    if (rc < 0)
        return rc;
    find_concepts(w);
    return read_pictures(w, err);
}

/* All channels of a concept at 0. */
static int silence_concept(struct work *w, const struct concept *c, struct error *err)
{
    struct tensors weights = { 0 };
    int rc = tensors_read(&weights, w->o->model, err);

    for (size_t row = 0; row < w->units.n_rows && rc == 0; row++) {
        long unit;

        if (strcmp(tsv_get(&w->units, row, w->column[2]), c->category) != 0 ||
            strcmp(tsv_get(&w->units, row, w->column[3]), c->label) != 0)
            continue;
        rc = tsv_long(&w->units, row, w->column[1], &unit, err);
        if (rc == 0)
            rc = silence_unit(&weights, w->model.graph,
                              tsv_get(&w->units, row, w->column[0]), unit, err);
    }
    if (rc == 0)
        rc = net_set_parameters(w->model.net, &weights, err);
    tensors_release(&weights);
    return rc;
}

static int count_wrong(struct work *w, struct concept *c, struct error *err)
{
    int rc = silence_concept(w, c, err);

    for (long i = 0; i < w->pictures && rc == 0; i += w->o->batch) {
        int n = w->pictures - i < w->o->batch ? (int)(w->pictures - i) : w->o->batch;

        rc = net_forward(w->model.net, w->pixels + (size_t)i * picture_values(w), n,
                         w->model.logits, err);
        for (int k = 0; k < n && rc == 0; k++)
            c->wrong +=
                largest_logit(w->model.logits + (size_t)k * (size_t)w->model.classes,
                              w->model.classes) != w->label[i + k];
    }
    return rc;
}

static int by_drop(const void *pa, const void *pb)
{
    const struct concept *a = pa, *b = pb;
    int order;

    if (a->wrong != b->wrong)
        return a->wrong > b->wrong ? -1 : 1;
    order = strcmp(a->category, b->category);
    return order != 0 ? order : strcmp(a->label, b->label);
}

static int write_table(struct work *w, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    qsort(w->concept, w->n, sizeof *w->concept, by_drop);
    buf_adds(&text, "category\tconcept\tunits\tn\twrong\tdrop\n");
    for (size_t i = 0; i < w->n; i++) {
        const struct concept *c = &w->concept[i];

        buf_printf(&text, "%s\t%s\t%ld\t%ld\t%ld\t%.6g\n", c->category, c->label,
                   c->units, w->pictures, c->wrong,
                   100. * (double)c->wrong / (double)w->pictures);
    }
    rc = tsv_write(w->o->importance, &text, err);
    buf_release(&text);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    for (size_t i = 0; i < w.n && rc == 0; i++) {
        rc = count_wrong(&w, &w.concept[i], err);
        progress_step((long)i + 1, (long)w.n, "concept");
    }
    if (rc == 0)
        rc = write_table(&w, err);
    free(w.concept);
    free(w.pixels);
    free(w.label);
    names_release(&w.categories);
    tsv_release(&w.units);
    map_release(&w.only);
    imageset_close(w.set);
    model_close(&w.model);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .categories = "texture,color", .batch = 64, .lanes = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("how much a network needs the channels of each concept"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_IN("units", &o.units, "channels with their concepts (TSV of dissect)"),
        STAGE_IN_SET("set", &o.set, "pictures with classes"),
        STAGE_MAY_IN_LIST("only", &o.only, "lists of pictures (TSV: image): only these"),
        STAGE_OUT("importance", &o.importance,
                  "TSV: category concept units n wrong drop"),
        STAGE_STRING("categories", &o.categories, "whose concepts: a,b"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_INT("batch", &o.batch, 1, 65536, "pictures at once, a multiple of lanes"),
        STAGE_INT("lanes", &o.lanes, 1, 1024, "parts of a batch computed apart"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
