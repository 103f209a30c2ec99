/*
 * misread - the pictures whose answer changes when a channel is set to 0, for channels
 * that a figure shows. The paper, Figures 5 and A20 to A26.
 *
 * in   chosen   the channels (TSV of choose-units)
 *      changed  list of TSV of `ablate`, by the axis net
 *      set      the cue-conflict pictures
 * out  misread  TSV: block net layer unit list rank image old new drop
 *      pictures image set: the first `n` of each list, as BLOCK/LIST/RANK
 *
 * list is shape or texture: by which cue the picture was answered. The pictures whose
 * answer lost most come first, equal ones by name. A list is as long as the score.
 */
#include <stdlib.h>
#include <string.h>

#include "dissect/chosen.h"
#include "image/set.h"
#include "kit/stage.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "table/records.h"

#include "larder/banned.h"

enum { LAYER, UNIT, IMAGE, CUE, OLD, NEW, DROP, COLUMNS };

struct options {
    const char *chosen, *changed, *set, *misread, *pictures;
    int n;
};

struct misread {
    const char *image, *old, *new, *drop_text;
    double drop;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct chosen chosen;
    struct records changed;
    struct imageset *set, *pictures;
    struct buf text;
};

static int by_drop(const void *pa, const void *pb)
{
    const struct misread *a = pa, *b = pb;

    if (a->drop != b->drop)
        return a->drop > b->drop ? -1 : 1;
    return strcmp(a->image, b->image);
}

/* Those of one unit and cue, sorted; *list is new. */
static int find_misread(const struct tsv *t, const struct chosen_unit *u, const char *cue,
                        struct misread **list, size_t *n, struct error *err)
{
    static const char *const names[COLUMNS] = { "layer", "unit", "image", "cue",
                                                "old",   "new",  "drop" };
    int column[COLUMNS], rc = 0;

    *n = 0;
    *list = xcalloc(t->n_rows + 1, sizeof **list);
    for (int i = 0; i < COLUMNS && rc >= 0; i++)
        rc = column[i] = tsv_column(t, names[i], err);
    for (size_t row = 0; row < t->n_rows && rc >= 0; row++) {
        struct misread m = { tsv_get(t, row, column[IMAGE]), tsv_get(t, row, column[OLD]),
                             tsv_get(t, row, column[NEW]), tsv_get(t, row, column[DROP]),
                             0 };
        long unit;

        if (strcmp(tsv_get(t, row, column[LAYER]), u->layer) != 0 ||
            strcmp(tsv_get(t, row, column[CUE]), cue) != 0)
            continue;
        rc = tsv_long(t, row, column[UNIT], &unit, err);
        if (rc >= 0)
            rc = tsv_double(t, row, column[DROP], &m.drop, err);
        if (rc >= 0 && unit == u->unit)
            (*list)[(*n)++] = m;
    }
    qsort(*list, *n, sizeof **list, by_drop);
    return rc < 0 ? rc : 0;
}

static int add_picture(struct work *w, const struct chosen_unit *u, const char *cue,
                       size_t rank, const char *image, struct error *err)
{
    long at = imageset_find(w->set, image);
    struct buf name = { 0 };
    struct image im;
    int rc;

    if (at < 0)
        return error_set(err, E_INPUT, "%s has no picture %s", w->o->set, image);
    rc = imageset_get(w->set, at, &im, err);
    chosen_name(u, &name);
    buf_printf(&name, "/%s/%04zu", cue, rank);
    im.name = buf_str(&name);
    if (rc == 0)
        rc = imageset_append(w->pictures, &im, err);
    buf_release(&name);
    return rc;
}

static int add_list(struct work *w, const struct chosen_unit *u, const char *cue,
                    struct error *err)
{
    const struct tsv *t = records_with(&w->changed, "net", u->net);
    struct misread *list = NULL;
    size_t n = 0;
    int rc;

    if (t == NULL)
        return error_set(err, E_INPUT, "%s has no record of the network %s",
                         w->o->changed, u->net);
    rc = find_misread(t, u, cue, &list, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_printf(&w->text, "%s\t%s\t%s\t%ld\t%s\t%zu\t%s\t%s\t%s\t%s\n", u->block,
                   u->net, u->layer, u->unit, cue, i + 1, list[i].image, list[i].old,
                   list[i].new, list[i].drop_text);
        if (i < (size_t)w->o->n)
            rc = add_picture(w, u, cue, i + 1, list[i].image, err);
    }
    free(list);
    return rc;
}

static int open_work(struct work *w, struct error *err)
{
    int width, height, channels, rc = chosen_read(&w->chosen, w->o->chosen, err);
    long long bytes;

    if (rc == 0)
        rc = records_read(&w->changed, w->o->changed, err);
    if (rc == 0)
        rc = imageset_open(&w->set, w->o->set, err);
    if (rc == 0)
        rc = imageset_shape(w->set, &width, &height, &channels, err);
    if (rc < 0)
        return rc;
    bytes = (long long)width * height * channels + 96;
    return imageset_create(&w->pictures, w->o->pictures,
                           bytes * (long long)w->chosen.n * 2 * w->o->n, err);
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    buf_adds(&w.text, "block\tnet\tlayer\tunit\tlist\trank\timage\told\tnew\tdrop\n");
    for (size_t i = 0; i < w.chosen.n && rc == 0; i++) {
        if (w.chosen.unit[i].unit < 0)
            continue;
        rc = add_list(&w, &w.chosen.unit[i], "shape", err);
        if (rc == 0)
            rc = add_list(&w, &w.chosen.unit[i], "texture", err);
    }
    if (rc == 0)
        rc = tsv_write(w.o->misread, &w.text, err);
    if (rc == 0)
        rc = imageset_commit(w.pictures, err);
    imageset_close(w.pictures);
    imageset_close(w.set);
    buf_release(&w.text);
    records_release(&w.changed);
    chosen_release(&w.chosen);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .n = 24 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the pictures whose answer changes without a channel"),
        STAGE_IN("chosen", &o.chosen, "channels (TSV of choose-units)"),
        STAGE_IN_LIST("changed", &o.changed, "TSV of ablate, by net"),
        STAGE_IN_SET("set", &o.set, "the cue-conflict pictures"),
        STAGE_OUT("misread", &o.misread, "TSV: block … list rank image old new drop"),
        STAGE_OUT_SET("pictures", &o.pictures, "the first of each list"),
        STAGE_INT("n", &o.n, 1, 1000, "pictures of each list that are kept"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
