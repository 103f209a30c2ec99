/*
 * folder - a tree of pictures in class folders to an image set.
 *
 * in   pictures  a folder of folders: each is a class, and what lies in it, at any depth,
 *                are its pictures (JPEG or PNG, told by their bytes)
 * out  set       every picture as RGB: the shorter side scaled to `side`, then the middle
 *                `crop` x `crop` (torchvision's Resize and CenterCrop); or as its file.
 *                Its name is its path in the tree, its label the place of its class among
 *                the sorted names
 *      classes   TSV: class, name, pictures
 *      skipped   TSV: picture, reason; with damaged=skip, else empty
 *
 * Names that begin with a dot are passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "image/intake.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct options {
    const char *pictures;
    struct intake_options intake;
};

/* All-zero is empty. */
struct names {
    char **name;
    size_t n, cap;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct names class, file; /* file: paths in the tree, sorted */
    long long largest;        /* of the files, in bytes */
    struct intake in;
};

static void names_release(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->name[i]);
    free(l->name);
}

static void names_add(struct names *l, const char *name)
{
    GROW(l->name, l->n + 1, l->cap);
    l->name[l->n++] = xstrdup(name);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted. */
static int list_folder(struct names *l, const char *path, struct error *err)
{
    DIR *d = opendir(path);
    struct dirent *e;

    if (d == NULL)
        return error_system(err, "cannot read the folder %s", path);
    while (errno = 0, (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            names_add(l, e->d_name);
    if (errno != 0) {
        closedir(d);
        return error_system(err, "cannot read the folder %s", path);
    }
    closedir(d);
    if (l->n > 0)
        qsort(l->name, l->n, sizeof *l->name, by_bytes);
    return 0;
}

/* Adds the files below a folder of the tree. */
static int walk(struct work *w, const char *folder, struct error *err)
{
    struct buf path = { 0 }, name = { 0 };
    struct names here = { 0 };
    struct fs_state st;
    int rc;

    buf_printf(&path, "%s/%s", w->o->pictures, folder);
    rc = list_folder(&here, buf_str(&path), err);
    for (size_t i = 0; i < here.n && rc == 0; i++) {
        buf_reset(&name);
        buf_printf(&name, "%s/%s", folder, here.name[i]);
        buf_reset(&path);
        buf_printf(&path, "%s/%s", w->o->pictures, buf_str(&name));
        if (fs_is_dir(buf_str(&path))) {
            rc = walk(w, buf_str(&name), err);
            continue;
        }
        names_add(&w->file, buf_str(&name));
        rc = fs_stat(buf_str(&path), &st, err);
        if (rc == FS_ABSENT)
            rc = 0; /* a link to nothing: told when it is read */
        else if (rc == FS_FOUND && (long long)st.size > w->largest)
            w->largest = (long long)st.size;
    }
    names_release(&here);
    buf_release(&path);
    buf_release(&name);
    return rc;
}

static int find_pictures(struct work *w, struct error *err)
{
    struct buf path = { 0 };
    int rc = list_folder(&w->class, w->o->pictures, err);

    for (size_t i = 0; i < w->class.n && rc == 0; i++) {
        buf_reset(&path);
        buf_printf(&path, "%s/%s", w->o->pictures, w->class.name[i]);
        if (fs_is_dir(buf_str(&path)))
            rc = walk(w, w->class.name[i], err);
        else
            rc = error_set(err, E_INPUT,
                           "%s is no folder: pictures lie in folders, one a class",
                           buf_str(&path));
    }
    buf_release(&path);
    if (rc == 0 && w->file.n == 0)
        rc = error_set(err, E_INPUT, "%s: there is no picture in it", w->o->pictures);
    if (rc == 0)
        qsort(w->file.name, w->file.n, sizeof *w->file.name, by_bytes);
    return rc;
}

/* The class of a path in the tree. Files are sorted by path and not by class ("a-b/1" is
 * before "a/1"), so it is looked up. */
static int class_of(const struct work *w, const char *path)
{
    char *name = xstrndup(path, strcspn(path, "/"));
    char **found =
        bsearch(&name, w->class.name, w->class.n, sizeof *w->class.name, by_bytes);

    free(name);
    return (int)(found - w->class.name);
}

static int add_picture(struct work *w, const char *name, struct error *err)
{
    struct buf path = { 0 }, bytes = { 0 };
    int rc;

    buf_printf(&path, "%s/%s", w->o->pictures, name);
    rc = fs_read(buf_str(&path), &bytes, err);
    if (rc == 0)
        rc = intake_add(&w->in, name, class_of(w, name), buf_str(&bytes), bytes.len, err);
    buf_release(&bytes);
    buf_release(&path);
    return rc;
}

static int folder(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc;

    rc = find_pictures(&w, err);
    if (rc == 0)
        rc = intake_open(&w.in, &w.o->intake, (long)w.file.n, w.largest, err);
    for (long i = 0; rc == 0 && i < w.in.pictures; i++) {
        rc = add_picture(&w, w.file.name[i], err);
        progress_step(i + 1, w.in.pictures, "picture");
    }
    if (rc == 0)
        rc = intake_commit(&w.in, (const char *const *)w.class.name, w.class.n, err);
    intake_close(&w.in);
    names_release(&w.class);
    names_release(&w.file);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .intake = INTAKE_DEFAULTS };
    const struct stage_arg args[] = {
        STAGE_ABOUT("a tree of pictures in class folders to an image set"),
        STAGE_IN_TREE("pictures", &o.pictures,
                      "a folder a class, with JPEG or PNG files"),
        INTAKE_ARGS(o.intake),
        STAGE_END,
    };
    return stage_main(argc, argv, args, folder, &o);
}
