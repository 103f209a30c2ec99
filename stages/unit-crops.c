/*
 * unit-crops - what channels see where they are most active: of each picture the part
 * that the middle of the map looks at. The paper, Figures 5 and A12 to A26.
 *
 * in   chosen  the channels (TSV of choose-units)
 *      tops    list of TSV of `top-images`, by the axis net
 *      set     the same pictures
 *      model   one of the networks: their geometry
 * out  shown   TSV: block net layer unit label iou rank image value x y side tv chroma
 *      crops   image set: the parts, as BLOCK/RANK
 *
 * x, y and side are the receptive field of the place (H/2, W/2) in pixels of the picture
 * (dissect/field.h); it may reach outside, and is grey there. Where it is as large as the
 * picture or larger, the whole picture stands in its place. tile: parts that are larger
 * are made so small. tv is the mean absolute difference of pixels side by side or one
 * above the other, chroma the mean difference of the largest and the least of red, green
 * and blue, both of the part as it was cut, values 0 to 1.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/chosen.h"
#include "dissect/field.h"
#include "image/decode.h"
#include "image/resize.h"
#include "image/set.h"
#include "kit/stage.h"
#include "larder/mem.h"
#include "learn/network.h"
#include "nn/graph.h"
#include "nn/tensors.h"
#include "table/records.h"

#include "larder/banned.h"

enum { GREY = 128 };

struct options {
    const char *chosen, *tops, *set, *model, *shown, *crops;
    int n, tile, side, crop;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct chosen chosen;
    struct records tops;
    struct imageset *set, *crops;
    struct graph *graph;
    struct buf text;
};

/* Where the part lies in a picture. */
struct part {
    int x, y, side;
};

static struct part part_of(const struct graph *g, const char *layer)
{
    const struct graph_op *op = graph_tap(g, layer);
    struct field f = field_of(g, layer);

    if (f.size == 0 || f.size >= g->H)
        return (struct part){ 0, 0, g->H };
    return (struct part){ f.start + op->W / 2 * f.jump, f.start + op->H / 2 * f.jump,
                          f.size };
}

/* *to is new. */
static void cut(struct image *to, const struct image *from, const struct part *p)
{
    image_init(to, p->side, p->side, 3);
    memset(to->pixel, GREY, image_bytes(to));
    for (int y = 0; y < p->side; y++)
        for (int x = 0; x < p->side; x++) {
            int sx = p->x + x, sy = p->y + y;

            if (sx >= 0 && sy >= 0 && sx < from->width && sy < from->height)
                memcpy(to->pixel + 3 * (y * p->side + x),
                       from->pixel + 3 * (sy * from->width + sx), 3);
        }
}

static double tv_of(const struct image *im)
{
    double sum = 0;
    long n = 0;

    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++)
            for (int k = 0; k < 3; k++) {
                const uint8_t *v = im->pixel + 3 * (y * im->width + x) + k;

                if (x + 1 < im->width) {
                    sum += abs(v[3] - v[0]);
                    n++;
                }
                if (y + 1 < im->height) {
                    sum += abs(v[3 * im->width] - v[0]);
                    n++;
                }
            }
    return n > 0 ? sum / 255 / (double)n : 0;
}

static double chroma_of(const struct image *im)
{
    double sum = 0;
    long n = (long)im->width * im->height;

    for (long i = 0; i < n; i++) {
        const uint8_t *v = im->pixel + 3 * i;
        int most = v[0] > v[1] ? v[0] : v[1], least = v[0] < v[1] ? v[0] : v[1];

        most = v[2] > most ? v[2] : most;
        least = v[2] < least ? v[2] : least;
        sum += most - least;
    }
    return sum / 255 / (double)n;
}

/* A picture of the set at the network's size; *to is new. */
static int load(struct work *w, const char *name, struct image *to, struct error *err)
{
    long at = imageset_find(w->set, name);
    struct image im, rgb;
    int rc;

    if (at < 0)
        return error_set(err, E_INPUT, "%s has no picture %s", w->o->set, name);
    rc = imageset_get(w->set, at, &im, err);
    if (rc == 0)
        rc = image_load_rgb(&rgb, &im, err);
    if (rc < 0)
        return rc;
    if (im.file != NULL)
        image_fit(to, &rgb, w->o->side, w->o->crop);
    else
        image_rgb(to, &rgb);
    image_release(&rgb);
    return 0;
}

static int add_crop(struct work *w, const struct chosen_unit *u, const struct part *p,
                    const char *rank, const char *image, const char *value,
                    struct error *err)
{
    struct image whole, part, small = { 0 }, *kept = &part;
    struct buf name = { 0 };
    int rc = load(w, image, &whole, err);

    if (rc < 0)
        return rc;
    cut(&part, &whole, p);
    buf_printf(&w->text, "%s\t%s\t%s\t%ld\t%s\t%s\t", u->block, u->net, u->layer, u->unit,
               u->label, u->iou);
    buf_printf(&w->text, "%s\t%s\t%s\t%d\t%d\t%d\t%.6g\t%.6g\n", rank, image, value, p->x,
               p->y, p->side, tv_of(&part), chroma_of(&part));
    if (w->o->tile > 0 && p->side > w->o->tile) {
        image_resize(&small, &part, w->o->tile, w->o->tile);
        kept = &small;
    }
    chosen_name(u, &name);
    buf_printf(&name, "/%s%s", strlen(rank) < 2 ? "0" : "", rank);
    kept->name = buf_str(&name);
    kept->label = kept->texture = -1;
    rc = imageset_append(w->crops, kept, err);
    buf_release(&name);
    image_release(&small);
    image_release(&part);
    image_release(&whole);
    return rc;
}

static int add_unit(struct work *w, const struct chosen_unit *u, struct error *err)
{
    static const char *const names[] = { "layer", "unit", "rank", "image", "value" };
    const struct tsv *t = records_with(&w->tops, "net", u->net);
    struct part p;
    int column[5], rc = 0;

    if (t == NULL || graph_tap(w->graph, u->layer) == NULL)
        return error_set(err, E_INPUT, "%s has no record of %s, %s", w->o->tops, u->net,
                         u->layer);
    p = part_of(w->graph, u->layer);
    for (int i = 0; i < 5 && rc >= 0; i++)
        rc = column[i] = tsv_column(t, names[i], err);
    for (size_t row = 0; row < t->n_rows && rc >= 0; row++) {
        long unit, rank;

        if (strcmp(tsv_get(t, row, column[0]), u->layer) != 0)
            continue;
        rc = tsv_long(t, row, column[1], &unit, err);
        if (rc >= 0)
            rc = tsv_long(t, row, column[2], &rank, err);
        if (rc >= 0 && unit == u->unit && rank <= w->o->n)
            rc = add_crop(w, u, &p, tsv_get(t, row, column[2]),
                          tsv_get(t, row, column[3]), tsv_get(t, row, column[4]), err);
    }
    return rc < 0 ? rc : 0;
}

static int open_work(struct work *w, struct error *err)
{
    struct tensors weights = { 0 };
    long long bytes;
    int rc = chosen_read(&w->chosen, w->o->chosen, err);

    if (rc == 0)
        rc = records_read(&w->tops, w->o->tops, err);
    if (rc == 0)
        rc = imageset_open_files(&w->set, w->o->set, err);
    if (rc == 0)
        rc = tensors_read(&weights, w->o->model, err);
    if (rc == 0)
        rc = network_of(&w->graph, &weights, err);
    tensors_release(&weights);
    if (rc < 0)
        return rc;
    bytes = 3LL * w->graph->H * w->graph->W + 16;
    return imageset_create(&w->crops, w->o->crops,
                           bytes * (long long)w->chosen.n * w->o->n, err);
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    buf_adds(&w.text, "block\tnet\tlayer\tunit\tlabel\tiou\trank\timage\tvalue\t"
                      "x\ty\tside\ttv\tchroma\n");
    for (size_t i = 0; i < w.chosen.n && rc == 0; i++)
        if (w.chosen.unit[i].unit >= 0)
            rc = add_unit(&w, &w.chosen.unit[i], err);
    if (rc == 0)
        rc = tsv_write(w.o->shown, &w.text, err);
    if (rc == 0)
        rc = imageset_commit(w.crops, err);
    imageset_close(w.crops);
    imageset_close(w.set);
    graph_free(w.graph);
    buf_release(&w.text);
    records_release(&w.tops);
    chosen_release(&w.chosen);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .n = 49, .side = 256, .crop = 224 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("what channels see where they are most active"),
        STAGE_IN("chosen", &o.chosen, "channels (TSV of choose-units)"),
        STAGE_IN_LIST("tops", &o.tops, "TSV of top-images, by net"),
        STAGE_IN_SET("set", &o.set, "the pictures"),
        STAGE_IN("model", &o.model, "one of the networks (safetensors)"),
        STAGE_OUT("shown", &o.shown,
                  "TSV: block … label iou rank image value x y side tv chroma"),
        STAGE_OUT_SET("crops", &o.crops, "the parts"),
        STAGE_INT("n", &o.n, 1, 99, "pictures a channel"),
        STAGE_INT("tile", &o.tile, 0, 4096, "larger parts are made so small; 0: none"),
        STAGE_INT("side", &o.side, 1, 65535,
                  "of pictures kept as files: the shorter side after scaling"),
        STAGE_INT("crop", &o.crop, 1, 4096, "the side of the middle that is kept"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
