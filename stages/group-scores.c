/*
 * group-scores - what channels of each kind are needed for: the mean of their Shape and
 * Texture scores, by the category of their concept. Figure 4b of the paper.
 *
 * in   units   list of TSV of `dissect`, by the axis net
 *      scores  list of TSV of `ablate`, by the axis net
 * out  groups  TSV: group net n mean_shape mean_texture
 *
 * The group All has every channel that was ablated; the others those whose best label is
 * of a category, however small its IoU is.
 */
#include <string.h>

#include "kit/stage.h"
#include "larder/map.h"
#include "table/names.h"
#include "table/records.h"

#include "larder/banned.h"

struct options {
    const char *units, *scores, *groups, *names;
};

struct sums {
    long n;
    double shape, texture;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct records units, scores;
    struct names names; /* category=Group */
    struct buf text;
};

/* The units of a net: "LAYER\tUNIT" -> category. */
static int read_categories(const struct record *r, struct map *category,
                           struct error *err)
{
    const struct tsv *t = &r->tsv;
    int layer = tsv_column(t, "layer", err), unit = tsv_column(t, "unit", err);
    int column = tsv_column(t, "category", err);

    if (layer < 0 || unit < 0 || column < 0)
        return E_INPUT;
    for (size_t row = 0; row < t->n_rows; row++) {
        struct buf name = { 0 };

        buf_printf(&name, "%s\t%s", tsv_get(t, row, layer), tsv_get(t, row, unit));
        map_set(category, buf_str(&name), (void *)tsv_get(t, row, column));
        buf_release(&name);
    }
    return 0;
}

/* group NULL: all. */
static int add_group(const struct tsv *t, const struct map *category, const char *group,
                     struct sums *s, struct error *err)
{
    int layer = tsv_column(t, "layer", err), unit = tsv_column(t, "unit", err);
    int shape = tsv_column(t, "shape", err), texture = tsv_column(t, "texture", err);

    if (layer < 0 || unit < 0 || shape < 0 || texture < 0)
        return E_INPUT;
    for (size_t row = 0; row < t->n_rows; row++) {
        struct buf name = { 0 };
        const char *own;
        double x, y;

        buf_printf(&name, "%s\t%s", tsv_get(t, row, layer), tsv_get(t, row, unit));
        own = map_get(category, buf_str(&name));
        buf_release(&name);
        if (own == NULL)
            return error_set(err, E_INPUT, "%s:%zu: this channel was not dissected",
                             t->path, tsv_line(t, row));
        if (tsv_double(t, row, shape, &x, err) < 0 ||
            tsv_double(t, row, texture, &y, err) < 0)
            return E_INPUT;
        if (group != NULL && strcmp(own, group) != 0)
            continue;
        s->n++;
        s->shape += x;
        s->texture += y;
    }
    return 0;
}

/* A mean of nothing is empty. */
static void add_row(struct buf *to, const char *group, const char *net,
                    const struct sums *s)
{
    buf_printf(to, "%s\t%s\t%ld", group, net, s->n);
    if (s->n > 0)
        buf_printf(to, "\t%.6g\t%.6g\n", s->shape / (double)s->n,
                   s->texture / (double)s->n);
    else
        buf_adds(to, "\t\t\n");
}

static int add_net(struct work *w, size_t record, struct error *err)
{
    const char *net = manifest_axis(&w->scores.manifest, record, "net");
    struct map category = { 0 };
    int rc = 0;

    for (size_t i = 0; i < w->units.n && rc == 0; i++)
        if (strcmp(manifest_axis(&w->units.manifest, i, "net"), net) == 0)
            rc = read_categories(&w->units.record[i], &category, err);
    for (size_t g = 0; g <= w->names.n && rc == 0; g++) {
        struct sums s = { 0 };

        rc = add_group(&w->scores.record[record].tsv, &category,
                       g == 0 ? NULL : w->names.word[g - 1], &s, err);
        if (rc == 0)
            add_row(&w->text, g == 0 ? "All" : w->names.printed[g - 1], net, &s);
    }
    map_release(&category);
    return rc;
}

static int has_net(const struct records *r, const char *list, struct error *err)
{
    for (size_t i = 0; i < r->n; i++)
        if (manifest_axis(&r->manifest, i, "net") == NULL)
            return error_set(err, E_INPUT, "%s has no axis net", list);
    return 0;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = names_map(&w.names, w.o->names, "names", err);

    if (rc == 0)
        rc = records_read(&w.units, w.o->units, err);
    if (rc == 0)
        rc = records_read(&w.scores, w.o->scores, err);
    if (rc == 0)
        rc = has_net(&w.units, w.o->units, err);
    if (rc == 0)
        rc = has_net(&w.scores, w.o->scores, err);
    buf_adds(&w.text, "group\tnet\tn\tmean_shape\tmean_texture\n");
    for (size_t i = 0; i < w.scores.n && rc == 0; i++)
        rc = add_net(&w, i, err);
    if (rc == 0)
        rc = tsv_write(w.o->groups, &w.text, err);
    buf_release(&w.text);
    records_release(&w.units);
    records_release(&w.scores);
    names_release(&w.names);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .names = "object=Object,color=Color,texture=Texture" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("what channels of each kind are needed for"),
        STAGE_IN_LIST("units", &o.units, "channels with their concepts, by net"),
        STAGE_IN_LIST("scores", &o.scores, "what channels are needed for, by net"),
        STAGE_OUT("groups", &o.groups, "TSV: group net n mean_shape mean_texture"),
        STAGE_STRING("names", &o.names, "groups of categories: category=Name,…"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
