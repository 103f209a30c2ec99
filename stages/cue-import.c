/*
 * cue-import - a published folder of cue-conflict pictures to an image set.
 *
 * in   pictures  a folder for each class of shapes, with files SHAPEi-TEXTUREj.png
 *                (cat1-elephant2.png), as rgeirhos/texture-vs-shape publishes them in
 *                stimuli/style-transfer-preprocessed-512
 * out  set       every picture whose cues disagree, as RGB, scaled and cut as `folder`
 *                does. Its name is that of its file without the ending, its label the
 *                place of its shape, its texture that of its texture, among the sorted
 *                names of the classes
 *      classes   TSV: class, name, pictures
 *      skipped   TSV: picture, reason; with damaged=skip, else empty
 */
#include <ctype.h>
#include <string.h>

#include "image/classfolders.h"
#include "image/intake.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct options {
    const char *pictures;
    int files;
    struct intake_options intake;
};

/* One file: its name in the set, its path in the tree, its two classes. */
struct stimulus {
    char *name;
    const char *file;
    int shape, texture;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct classfolders tree;
    struct stimulus *stimulus;
    size_t n;
    struct intake in;
};

static bool is_number(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return n > 0;
}

/* The one class of which text, n bytes, is the name and a number; -1 for none or two. */
static int class_of(const struct classfolders *tree, const char *text, size_t n)
{
    int found = -1;

    for (size_t i = 0; i < tree->class.n; i++) {
        const char *class = tree->class.s[i];
        size_t length = strlen(class);

        if (length >= n || memcmp(text, class, length) != 0 ||
            !is_number(text + length, n - length))
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

/* Cuts "cat/cat1-elephant2.png" at each dash until both sides are classes: a class may
 * have a dash in its name. */
static int read_name(const struct work *w, const char *file, struct stimulus *s,
                     struct error *err)
{
    const struct classfolders *tree = &w->tree;
    const char *name = strrchr(file, '/') + 1;
    size_t n = strcspn(name, ".");

    *s = (struct stimulus){ .file = file, .shape = -1, .texture = -1 };
    for (size_t i = 0; i < n && s->texture < 0; i++) {
        if (name[i] != '-')
            continue;
        s->shape = class_of(tree, name, i);
        s->texture = s->shape < 0 ? -1 : class_of(tree, name + i + 1, n - i - 1);
    }
    if (s->texture < 0)
        return error_set(err, E_INPUT,
                         "%s/%s: its name must be SHAPEi-TEXTUREj.png, with classes that "
                         "are folders there and numbers",
                         tree->path, file);
    if (s->shape != classfolders_class(tree, file))
        return error_set(err, E_INPUT, "%s/%s: the shape in its name is another class",
                         tree->path, file);
    s->name = xstrndup(name, n);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct stimulus *)a)->name, ((const struct stimulus *)b)->name);
}

/* Those whose cues disagree, in the order of their names. */
static int read_names(struct work *w, struct error *err)
{
    int rc = 0;

    w->stimulus = xcalloc(w->tree.file.n, sizeof *w->stimulus);
    for (size_t i = 0; i < w->tree.file.n && rc == 0; i++) {
        struct stimulus *s = &w->stimulus[w->n];

        rc = read_name(w, w->tree.file.s[i], s, err);
        if (rc == 0 && s->shape == s->texture)
            free(s->name);
        else if (rc == 0)
            w->n++;
    }
    if (rc == 0 && w->n == 0)
        rc = error_set(err, E_INPUT, "%s: the cues of no picture disagree", w->tree.path);
    if (rc < 0)
        return rc;
    qsort(w->stimulus, w->n, sizeof *w->stimulus, by_name);
    return 0;
}

static int check_count(const struct work *w, struct error *err)
{
    if (w->o->files == 0 || (size_t)w->o->files == w->tree.file.n)
        return 0;
    return error_set(err, E_INPUT, "%s: %zu files in place of files=%d", w->tree.path,
                     w->tree.file.n, w->o->files);
}

static int add_picture(struct work *w, const struct stimulus *s, struct error *err)
{
    struct buf path = { 0 }, bytes = { 0 };
    int rc;

    buf_printf(&path, "%s/%s", w->tree.path, s->file);
    rc = fs_read(buf_str(&path), &bytes, err);
    if (rc == 0)
        rc = intake_add(&w->in, s->name, s->shape, s->texture, buf_str(&bytes), bytes.len,
                        err);
    buf_release(&bytes);
    buf_release(&path);
    return rc;
}

static int cue_import(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc;

    rc = classfolders_read(&w.tree, w.o->pictures, err);
    if (rc == 0)
        rc = check_count(&w, err);
    if (rc == 0)
        rc = read_names(&w, err);
    if (rc == 0)
        rc = intake_open(&w.in, &w.o->intake, (long)w.n, w.tree.largest, err);
    for (long i = 0; rc == 0 && i < w.in.pictures; i++) {
        rc = add_picture(&w, &w.stimulus[i], err);
        progress_step(i + 1, w.in.pictures, "picture");
    }
    if (rc == 0)
        rc = intake_commit(&w.in, (const char *const *)w.tree.class.s, w.tree.class.n,
                           err);
    intake_close(&w.in);
    for (size_t i = 0; i < w.n; i++)
        free(w.stimulus[i].name);
    free(w.stimulus);
    classfolders_release(&w.tree);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .intake = INTAKE_DEFAULTS };
    const struct stage_arg args[] = {
        STAGE_ABOUT("a published folder of cue-conflict pictures to an image set"),
        STAGE_IN_TREE("pictures", &o.pictures, "folders of shapes, SHAPEi-TEXTUREj.png"),
        STAGE_INT("files", &o.files, 0, 1 << 30, "another number is an error; 0: any"),
        INTAKE_ARGS(o.intake),
        STAGE_END,
    };
    return stage_main(argc, argv, args, cue_import, &o);
}
