/*
 * compose-broden - pictures of the mini world with exact labels, written as Broden is
 * published (dissect/broden.h; Bau et al. 2017).
 *
 * in   images     garments, 28 x 28 (IDX, gzip)
 *      labels     their classes (IDX, gzip)
 *      textures   patterns (.pat), named in the column `pattern`
 * out  broden     a folder: index.csv, label.csv, category.csv, c_CATEGORY.csv, images/
 *
 * In `compose` a garment and its texture go together; here shape, texture and what is
 * behind are drawn apart, so that channels for shapes and for textures can be told apart.
 * Picture i shows class i mod 10, the (first + i div 10)-th garment of it. Draws: stage
 * `compose`, item `broden/i`, streams as in docs/mini-world.md, and stream 4 for the
 * class of the texture.
 *
 * dissect/scene.h says what the labels are. The most frequent label has number 1; the
 * last has number 300, so that both bytes of a label are used.
 */
#include <stdlib.h>
#include <string.h>

#include "dissect/scene.h"
#include "image/png.h"
#include "image/wardrobe.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { CHOICE = 4, LAST_NUMBER = 300, NAME_SIZE = 64 };

struct options {
    const char *images, *labels, *textures, *broden;
    int count, first;
    uint64_t seed;
};

/* A label of a category. */
struct label {
    int category, k; /* its place there, from 1 */
    long frequency;  /* pictures that have it */
    double coverage; /* in whole pictures */
    int number;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct wardrobe wardrobe;
    struct world world;
    struct scene *scene; /* of each picture */
    struct label label[SCENE_CATEGORIES * SCENE_LABELS];
    int n_labels;
    struct buf text;
};

static int put(struct work *w, const char *name, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    fs_join(&path, w->o->broden, name);
    rc = fs_write(buf_str(&path), buf_str(&w->text), w->text.len, false, err);
    buf_release(&path);
    buf_reset(&w->text);
    return rc;
}

static int put_picture(const struct work *w, const char *name, const struct image *im,
                       struct error *err)
{
    struct buf path = { 0 };
    int rc;

    buf_printf(&path, "%s/images/%s", w->o->broden, name);
    rc = image_write_png(im, buf_str(&path), err);
    buf_release(&path);
    return rc;
}

static void name_picture(char name[NAME_SIZE], int i, const char *what, int plane)
{
    if (what == NULL)
        snprintf(name, NAME_SIZE, "mini/%06d.png", i);
    else if (plane == 0)
        snprintf(name, NAME_SIZE, "mini/%06d_%s.png", i, what);
    else
        snprintf(name, NAME_SIZE, "mini/%06d_%s_%d.png", i, what, plane + 1);
}

static int paint(struct work *w, int i, struct error *err)
{
    int shape = i % WORLD_CLASSES, texture;
    const uint8_t *garment =
        wardrobe_garment(&w->wardrobe, shape, w->o->first + i / WORLD_CLASSES, err);
    char item[NAME_SIZE], name[NAME_SIZE];
    struct image picture, mask;
    struct world_scene behind;
    struct draws draws;
    int rc;

    if (garment == NULL)
        return E_INPUT;
    snprintf(item, sizeof item, "broden/%d", i);
    draws_init(&draws, "compose", "", item, w->o->seed);
    texture = (int)draws_below(&draws, CHOICE, 0, WORLD_CLASSES);
    image_init(&picture, WORLD_SIDE, WORLD_SIDE, 3);
    image_init(&mask, WORLD_SIDE, WORLD_SIDE, 1);
    world_paint(&w->world, garment, texture, &draws, &picture, &mask);
    behind = world_scene(&w->world, &draws);
    scene_describe(&w->scene[i], &behind, shape, texture, &picture, &mask);
    name_picture(name, i, NULL, 0);
    rc = put_picture(w, name, &picture, err);
    image_release(&mask);
    image_release(&picture);
    return rc;
}

/* Labels. */

static struct label *label_of(struct work *w, int category, int k)
{
    for (int i = 0; i < w->n_labels; i++)
        if (w->label[i].category == category && w->label[i].k == k)
            return &w->label[i];
    return NULL;
}

static void count_scene(struct work *w, const struct scene *s)
{
    for (int c = 0; c < SCENE_CATEGORIES; c++)
        for (int k = 1; k <= scene_labels(c); k++) {
            const struct scene_planes *p = &s->of[c];
            long places = 0;

            for (int i = 0; i < p->n; i++)
                for (int at = 0; at < SCENE_PLACES; at++)
                    places += p->plane[i][at] == k;
            if (p->whole == k)
                places = SCENE_PLACES;
            if (places > 0) {
                label_of(w, c, k)->frequency++;
                label_of(w, c, k)->coverage += (double)places / SCENE_PLACES;
            }
        }
}

static int by_frequency(const void *pa, const void *pb)
{
    const struct label *a = pa, *b = pb;

    if (a->frequency != b->frequency)
        return a->frequency > b->frequency ? -1 : 1;
    if (a->category != b->category)
        return a->category - b->category;
    return a->k - b->k;
}

static void number_labels(struct work *w)
{
    for (int c = 0; c < SCENE_CATEGORIES; c++)
        for (int k = 1; k <= scene_labels(c); k++)
            w->label[w->n_labels++] = (struct label){ .category = c, .k = k };
    for (int i = 0; i < w->o->count; i++)
        count_scene(w, &w->scene[i]);
    qsort(w->label, (size_t)w->n_labels, sizeof *w->label, by_frequency);
    for (int i = 0; i < w->n_labels; i++)
        w->label[i].number = i + 1 < w->n_labels ? i + 1 : LAST_NUMBER;
}

static int write_labels(struct work *w, struct error *err)
{
    buf_adds(&w->text, "number,name,category,frequency,coverage,syns\n");
    for (int i = 0; i < w->n_labels; i++) {
        const struct label *l = &w->label[i];
        const char *name = scene_label(l->category, l->k);

        buf_printf(&w->text, "%d,%s,%s(%ld),%ld,%.6g,%s\n", l->number, name,
                   scene_category[l->category], l->frequency, l->frequency, l->coverage,
                   name);
    }
    return put(w, "label.csv", err);
}

/* The labels of a category, renumbered from 1. */
static int write_codes(struct work *w, int category, struct error *err)
{
    char name[NAME_SIZE];
    int code = 0;

    buf_adds(&w->text, "code,number,name,frequency,coverage\n");
    for (int i = 0; i < w->n_labels; i++)
        if (w->label[i].category == category)
            buf_printf(&w->text, "%d,%d,%s,%ld,%.6g\n", ++code, w->label[i].number,
                       scene_label(category, w->label[i].k), w->label[i].frequency,
                       w->label[i].coverage);
    snprintf(name, sizeof name, "c_%s.csv", scene_category[category]);
    return put(w, name, err);
}

static int write_categories(struct work *w, struct error *err)
{
    int rc = 0;

    for (int c = 0; c < SCENE_CATEGORIES && rc == 0; c++)
        rc = write_codes(w, c, err);
    buf_adds(&w->text, "name,first,last,count,frequency\n");
    for (int c = 0; c < SCENE_CATEGORIES; c++) {
        int first = 0, last = 0, count = 0;
        long frequency = 0;

        for (int i = 0; i < w->n_labels; i++)
            if (w->label[i].category == c) {
                first = count++ == 0 ? w->label[i].number : first;
                last = w->label[i].number;
                frequency += w->label[i].frequency;
            }
        buf_printf(&w->text, "%s,%d,%d,%d,%ld\n", scene_category[c], first, last, count,
                   frequency);
    }
    return rc < 0 ? rc : put(w, "category.csv", err);
}

/* Planes. */

static bool is_empty(const uint8_t *plane)
{
    for (int i = 0; i < SCENE_PLACES; i++)
        if (plane[i] != 0)
            return false;
    return true;
}

static int write_plane(struct work *w, int i, int category, int plane, struct error *err)
{
    const uint8_t *from = w->scene[i].of[category].plane[plane];
    char name[NAME_SIZE];
    struct image im;
    int rc;

    image_init(&im, SCENE_SIDE, SCENE_SIDE, 3);
    for (int at = 0; at < SCENE_PLACES; at++) {
        int number = from[at] != 0 ? label_of(w, category, from[at])->number : 0;

        im.pixel[3 * at] = (uint8_t)(number % 256);
        im.pixel[3 * at + 1] = (uint8_t)(number / 256);
    }
    name_picture(name, i, scene_category[category], plane);
    rc = put_picture(w, name, &im, err);
    image_release(&im);
    return rc;
}

/* One cell of index.csv, and the files that it names. */
static int add_cell(struct work *w, int i, int category, struct error *err)
{
    const struct scene_planes *p = &w->scene[i].of[category];
    const char *between = "";
    int rc = 0;

    buf_addc(&w->text, ',');
    if (p->whole != 0)
        buf_printf(&w->text, "%d", label_of(w, category, p->whole)->number);
    for (int k = 0; k < p->n && rc == 0; k++) {
        char name[NAME_SIZE];

        if (is_empty(p->plane[k]))
            continue;
        name_picture(name, i, scene_category[category], k);
        buf_printf(&w->text, "%s%s", between, name);
        between = ";";
        rc = write_plane(w, i, category, k, err);
    }
    return rc;
}

static int write_index(struct work *w, struct error *err)
{
    int rc = 0;

    buf_adds(&w->text, "image,split,ih,iw,sh,sw");
    for (int c = 0; c < SCENE_CATEGORIES; c++)
        buf_printf(&w->text, ",%s", scene_category[c]);
    buf_adds(&w->text, "\n");
    for (int i = 0; i < w->o->count && rc == 0; i++) {
        char name[NAME_SIZE];

        name_picture(name, i, NULL, 0);
        buf_printf(&w->text, "%s,%s,%d,%d,%d,%d", name, i % 10 < 7 ? "train" : "val",
                   WORLD_SIDE, WORLD_SIDE, SCENE_SIDE, SCENE_SIDE);
        for (int c = 0; c < SCENE_CATEGORIES && rc == 0; c++)
            rc = add_cell(w, i, c, err);
        buf_adds(&w->text, "\n");
        progress_step(w->o->count + i + 1, 2 * w->o->count, "picture");
    }
    return rc < 0 ? rc : put(w, "index.csv", err);
}

static int open_work(struct work *w, struct error *err)
{
    struct manifest textures = { 0 };
    struct buf folder = { 0 };
    int rc = wardrobe_open(&w->wardrobe, w->o->images, w->o->labels, err);

    if (rc == 0)
        rc = manifest_read(&textures, w->o->textures, err);
    if (rc == 0)
        rc = world_open(&w->world, &world_defaults, &textures, err);
    manifest_release(&textures);
    fs_join(&folder, w->o->broden, "images/mini");
    if (rc == 0)
        rc = fs_mkdirs(buf_str(&folder), err);
    buf_release(&folder);
    w->scene = xcalloc((size_t)w->o->count, sizeof *w->scene);
    return rc;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_work(&w, err);

    for (int i = 0; i < w.o->count && rc == 0; i++) {
        rc = paint(&w, i, err);
        progress_step(i + 1, 2 * w.o->count, "picture");
    }
    if (rc == 0) {
        number_labels(&w);
        rc = write_index(&w, err);
    }
    if (rc == 0)
        rc = write_labels(&w, err);
    if (rc == 0)
        rc = write_categories(&w, err);
    buf_release(&w.text);
    free(w.scene);
    world_close(&w.world);
    wardrobe_close(&w.wardrobe);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .count = 1500, .first = 200 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("pictures of the mini world with exact labels, as Broden has them"),
        STAGE_IN("images", &o.images, "garments, 28 x 28 (IDX, gzip)"),
        STAGE_IN("labels", &o.labels, "their classes (IDX, gzip)"),
        STAGE_IN_LIST("textures", &o.textures, "patterns (.pat), by the axis `pattern`"),
        STAGE_OUT_TREE("broden", &o.broden, "index.csv, label.csv, …, images/"),
        STAGE_INT("count", &o.count, 1, 8000, "how many pictures"),
        STAGE_INT("first", &o.first, 0, 1000, "the first garment of each class"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
