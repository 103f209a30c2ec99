/*
 * pick - chooses pictures to show, each in all of several versions.
 *
 * in   sets      list of image sets: the versions
 *      lists     list of lists of pictures (intersect); may be left out
 *      classes   TSV that names classes, for choose=classes
 * out  picked    TSV: row, image, label, lists (in how many it stands), rule, of (among
 *                how many)
 *      set       these pictures, of the first set
 *      pictures  image set: each as VERSION/NAME, of every set
 *
 * A version is called by the set's value on `axis`. Only pictures that all sets have can
 * be chosen, and one that stands in more lists comes before the others. Between equal
 * ones, choose=first takes the order of names; else it is a permutation, drawn for the
 * stage `pick` and, of choose=classes, the name of the class.
 */
#include "image/set.h"
#include "kit/draws.h"
#include "kit/manifest.h"
#include "kit/stage.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "table/names.h"

#include "larder/banned.h"

struct options {
    const char *sets, *lists, *classes, *picked, *set, *pictures;
    const char *axis, *plain, *choose, *picture, *column, *rows;
    int count;
    uint64_t seed;
};

struct candidate {
    const char *name; /* borrowed from the first set */
    int32_t label;
    long lists;
};

/* A picture to show; row is borrowed, or NULL: its number. */
struct pick {
    const char *row;
    struct candidate picture;
    size_t of;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct manifest sets, lists;
    struct imageset **set;
    struct tsv classes;
    int class, column; /* of classes */
    struct names rows;
    struct candidate *candidate;
    size_t n_candidates;
    struct pick *pick;
    size_t n;
};

static const char *version(const struct work *w, size_t set)
{
    const char *value = manifest_axis(&w->sets, set, w->o->axis);

    return value != NULL && value[0] != '\0' ? value : w->o->plain;
}

static int check_versions(const struct work *w, struct error *err)
{
    for (size_t i = 0; i < manifest_size(&w->sets); i++) {
        const char *v = version(w, i);

        if (v[0] == '\0')
            return error_set(err, E_INPUT,
                             "%s has no value on the axis %s, and plain is empty",
                             manifest_path(&w->sets, i), w->o->axis);
        for (size_t k = 0; k < i; k++)
            if (strcmp(version(w, k), v) == 0)
                return error_set(err, E_INPUT, "two sets are called %s by the axis %s", v,
                                 w->o->axis);
    }
    return 0;
}

static int open_sets(struct work *w, struct error *err)
{
    int rc = manifest_read(&w->sets, w->o->sets, err);

    if (rc == 0 && manifest_size(&w->sets) == 0)
        rc = error_set(err, E_INPUT, "%s names no set", w->o->sets);
    if (rc == 0)
        rc = check_versions(w, err);
    w->set = xcalloc(manifest_size(&w->sets) + 1, sizeof *w->set);
    for (size_t i = 0; i < manifest_size(&w->sets) && rc == 0; i++)
        rc = imageset_open(&w->set[i], manifest_path(&w->sets, i), err);
    return rc;
}

/* The first set that lacks a picture, or -1. */
static long lacking(const struct work *w, const char *name)
{
    for (size_t i = 0; i < manifest_size(&w->sets); i++)
        if (imageset_find(w->set[i], name) < 0)
            return (long)i;
    return -1;
}

static int find_candidates(struct work *w, struct error *err)
{
    long n = imageset_size(w->set[0]);
    int rc = 0;

    w->candidate = xcalloc((size_t)n + 1, sizeof *w->candidate);
    for (long i = 0; i < n && rc == 0; i++) {
        struct image im;

        rc = imageset_get(w->set[0], i, &im, err);
        if (rc == 0 && lacking(w, im.name) < 0)
            w->candidate[w->n_candidates++] = (struct candidate){ im.name, im.label, 0 };
    }
    if (rc == 0 && w->n_candidates == 0)
        rc = error_set(err, E_INPUT, "there is no picture that all of %s have",
                       w->o->sets);
    return rc;
}

static int by_name(const void *name, const void *candidate)
{
    return strcmp(name, ((const struct candidate *)candidate)->name);
}

/* A candidate or NULL. */
static struct candidate *find_candidate(const struct work *w, const char *name)
{
    return bsearch(name, w->candidate, w->n_candidates, sizeof *w->candidate, by_name);
}

static int count_list(struct work *w, const char *path, struct error *err)
{
    struct tsv t;
    int column, rc = tsv_read(&t, path, err);

    if (rc < 0)
        return rc;
    column = tsv_column(&t, "image", err);
    for (size_t row = 0; column >= 0 && row < t.n_rows; row++) {
        struct candidate *c = find_candidate(w, tsv_get(&t, row, column));

        if (c != NULL)
            c->lists++;
    }
    tsv_release(&t);
    return column < 0 ? column : 0;
}

static int count_lists(struct work *w, struct error *err)
{
    int rc = 0;

    if (w->o->lists == NULL)
        return 0;
    rc = manifest_read(&w->lists, w->o->lists, err);
    for (size_t i = 0; rc == 0 && i < manifest_size(&w->lists); i++)
        rc = count_list(w, manifest_path(&w->lists, i), err);
    return rc;
}

static void add_pick(struct work *w, const char *row, const struct candidate *c,
                     size_t of)
{
    w->pick = xrealloc(w->pick, (w->n + 1) * sizeof *w->pick);
    w->pick[w->n++] = (struct pick){ row, *c, of };
}

/* Picks `count` of n candidates; item: what is drawn for, NULL: nothing is drawn. */
static void pick_some(struct work *w, const char *row, const struct candidate *from,
                      size_t n, size_t count, const char *item)
{
    uint32_t *order = xcalloc(n + 1, sizeof *order);
    long most = w->o->lists != NULL ? (long)manifest_size(&w->lists) : 0;
    struct draws d;

    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    if (item != NULL) {
        draws_init(&d, "pick", "", item, w->o->seed);
        draws_permutation(&d, order, (uint32_t)n);
    }
    for (long lists = most; lists >= 0 && count > 0; lists--)
        for (size_t i = 0; i < n && count > 0; i++)
            if (from[order[i]].lists == lists) {
                add_pick(w, row, &from[order[i]], n);
                count--;
            }
    free(order);
}

static int pick_named(struct work *w, struct error *err)
{
    const char *name = w->o->picture;
    const struct candidate *c = find_candidate(w, name);

    if (c == NULL)
        return error_set(err, E_INPUT, "the set %s has no picture %s",
                         version(w, (size_t)lacking(w, name)), name);
    add_pick(w, NULL, c, 1);
    return 0;
}

static int read_classes(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    int rc;

    if (o->classes == NULL)
        return error_set(err, E_INPUT, "choose=classes needs the input classes");
    rc = tsv_read(&w->classes, o->classes, err);
    if (rc == 0)
        rc = w->class = tsv_column(&w->classes, "class", err);
    if (rc >= 0)
        rc = w->column = tsv_column(&w->classes, o->column, err);
    return rc < 0 ? rc : names_list(&w->rows, o->rows, "rows", err);
}

/* Whether a class of the table has that name; *found then tells if it has that number. */
static int is_class(const struct work *w, const char *name, int32_t label, bool *found,
                    struct error *err)
{
    bool known = false;

    *found = false;
    for (size_t row = 0; row < w->classes.n_rows; row++) {
        long number;

        if (strcmp(tsv_get(&w->classes, row, w->column), name) != 0)
            continue;
        known = true;
        if (tsv_long(&w->classes, row, w->class, &number, err) < 0)
            return E_INPUT;
        *found = *found || number == label;
    }
    return known;
}

static int pick_class(struct work *w, const char *name, struct error *err)
{
    struct candidate *of_class = xcalloc(w->n_candidates + 1, sizeof *of_class);
    size_t n = 0;
    int rc = 1;

    for (size_t i = 0; i < w->n_candidates && rc > 0; i++) {
        bool found;

        rc = is_class(w, name, w->candidate[i].label, &found, err);
        if (found)
            of_class[n++] = w->candidate[i];
    }
    if (rc == 0)
        rc = error_set(err, E_INPUT, "rows: %s has no %s \"%s\"", w->o->classes,
                       w->o->column, name);
    if (rc > 0)
        pick_some(w, name, of_class, n, 1, name);
    free(of_class);
    return rc < 0 ? rc : 0;
}

/* Each name of the table once, in its order, or those of rows. */
static int pick_classes(struct work *w, struct error *err)
{
    const struct tsv *t = &w->classes;
    int rc = read_classes(w, err);

    for (size_t i = 0; i < w->rows.n && rc == 0; i++)
        rc = pick_class(w, w->rows.word[i], err);
    for (size_t row = 0; w->rows.n == 0 && row < t->n_rows && rc == 0; row++) {
        const char *name = tsv_get(t, row, w->column);
        size_t before = 0;

        while (strcmp(tsv_get(t, before, w->column), name) != 0)
            before++;
        if (before == row)
            rc = pick_class(w, name, err);
    }
    if (rc == 0 && w->n == 0)
        rc = error_set(err, E_INPUT, "no picture that all sets have is of these classes");
    return rc;
}

static int choose(struct work *w, struct error *err)
{
    const struct options *o = w->o;
    bool drawn = strcmp(o->choose, "drawn") == 0;

    if (o->picture[0] != '\0')
        return pick_named(w, err);
    if (strcmp(o->choose, "classes") == 0)
        return pick_classes(w, err);
    if ((size_t)o->count > w->n_candidates)
        return error_set(err, E_INPUT, "all sets have %zu pictures, fewer than count=%d",
                         w->n_candidates, o->count);
    pick_some(w, NULL, w->candidate, w->n_candidates, (size_t)o->count,
              drawn ? "" : NULL);
    return 0;
}

static int write_picked(const struct work *w, struct error *err)
{
    const char *rule = w->o->picture[0] != '\0' ? "named" : w->o->choose;
    struct buf text = { 0 };
    int rc;

    buf_adds(&text, "row\timage\tlabel\tlists\trule\tof\n");
    for (size_t i = 0; i < w->n; i++) {
        const struct pick *p = &w->pick[i];

        if (p->row != NULL)
            buf_adds(&text, p->row);
        else
            buf_printf(&text, "%zu", i + 1);
        buf_printf(&text, "\t%s\t%d\t%ld\t%s\t%zu\n", p->picture.name,
                   (int)p->picture.label, p->picture.lists, rule, p->of);
    }
    rc = tsv_write(w->o->picked, &text, err);
    buf_release(&text);
    return rc;
}

static int by_word(const void *a, const void *b)
{
    return strcmp(((const struct image *)a)->name, ((const struct image *)b)->name);
}

/* Writes n pictures, in any order, as a set. */
static int write_set(const char *path, struct image *im, size_t n, struct error *err)
{
    struct imageset *to = NULL;
    long long payload = 0;
    int rc;

    qsort(im, n, sizeof *im, by_word);
    for (size_t i = 0; i < n; i++)
        payload += (long long)(image_bytes(&im[i]) + strlen(im[i].name));
    rc = imageset_create(&to, path, payload, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = imageset_append(to, &im[i], err);
    if (rc == 0)
        rc = imageset_commit(to, err);
    imageset_close(to);
    return rc;
}

static int get_picture(const struct work *w, size_t set, size_t pick, struct image *im,
                       struct error *err)
{
    const char *name = w->pick[pick].picture.name;

    return imageset_get(w->set[set], imageset_find(w->set[set], name), im, err);
}

static int write_pictures(const struct work *w, struct error *err)
{
    size_t n_sets = manifest_size(&w->sets);
    struct image *im = xcalloc(n_sets * w->n + 1, sizeof *im);
    struct buf *name = xcalloc(n_sets * w->n + 1, sizeof *name);
    int rc = 0;

    for (size_t i = 0; i < w->n && rc == 0; i++)
        rc = get_picture(w, 0, i, &im[i], err);
    if (rc == 0)
        rc = write_set(w->o->set, im, w->n, err);
    for (size_t i = 0; i < n_sets * w->n && rc == 0; i++) {
        rc = get_picture(w, i / w->n, i % w->n, &im[i], err);
        buf_printf(&name[i], "%s/%s", version(w, i / w->n), im[i].name);
        im[i].name = buf_str(&name[i]);
    }
    if (rc == 0)
        rc = write_set(w->o->pictures, im, n_sets * w->n, err);
    for (size_t i = 0; i < n_sets * w->n; i++)
        buf_release(&name[i]);
    free(name);
    free(im);
    return rc;
}

static void close_work(struct work *w)
{
    for (size_t i = 0; w->set != NULL && i < manifest_size(&w->sets); i++)
        imageset_close(w->set[i]);
    free(w->set);
    free(w->candidate);
    free(w->pick);
    names_release(&w->rows);
    tsv_release(&w->classes);
    manifest_release(&w->lists);
    manifest_release(&w->sets);
}

static int pick(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = open_sets(&w, err);

    if (rc == 0)
        rc = find_candidates(&w, err);
    if (rc == 0)
        rc = count_lists(&w, err);
    if (rc == 0)
        rc = choose(&w, err);
    if (rc == 0)
        rc = write_pictures(&w, err);
    if (rc == 0)
        rc = write_picked(&w, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .axis = "stage",
                         .plain = "",
                         .choose = "first",
                         .picture = "",
                         .column = "name",
                         .rows = "",
                         .count = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("chooses pictures to show, each in all of several versions"),
        STAGE_IN_LIST("sets", &o.sets, "the versions"),
        STAGE_MAY_IN_LIST("lists", &o.lists, "lists of pictures to choose from first"),
        STAGE_MAY_IN("classes", &o.classes, "TSV: class, and a column of names"),
        STAGE_OUT("picked", &o.picked, "TSV: row image label lists rule of"),
        STAGE_OUT_SET("set", &o.set, "these pictures, of the first set"),
        STAGE_OUT_SET("pictures", &o.pictures, "of every set, as VERSION/NAME"),
        STAGE_STRING("axis", &o.axis, "whose value on it a version is called by"),
        STAGE_STRING("plain", &o.plain, "what to call a set without one"),
        STAGE_CHOICE("choose", &o.choose, "first|drawn|classes",
                     "by name, at random, or at random one of each class"),
        STAGE_STRING("picture", &o.picture, "this one; empty: as choose says"),
        STAGE_INT("count", &o.count, 1, 10000, "how many; not of classes"),
        STAGE_STRING("column", &o.column, "of classes: their names"),
        STAGE_STRING("rows", &o.rows, "names of classes, joined by commas; empty: all"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, pick, &o);
}
