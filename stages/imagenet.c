/*
 * imagenet - the archives of ILSVRC2012 to image sets, without unpacking them.
 *
 * in   archive   ILSVRC2012_img_train.tar (a tar of one tar a class), or with a devkit
 *                ILSVRC2012_img_val.tar
 *      devkit    ILSVRC2012_devkit_t12.tar.gz: what the validation pictures show
 * out  set       every picture as RGB: the shorter side scaled to `side`, then the middle
 *                `crop` x `crop`; or as its file. Its name is its file's, without the
 *                ending (n01440764_10026), its label the place of its class among the
 *                sorted WordNet ids, 0 to 999
 *      classes   TSV: class, name (WordNet id), pictures
 *      skipped   TSV: picture, reason; with damaged=skip, else empty
 *
 * Of the tars only the headers are read first; then each file where it lies, in the order
 * of the names. docs/pictures.md has the numbers of the real archives.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "archive/devkit.h"
#include "archive/tarindex.h"
#include "image/intake.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct options {
    const char *archive, *devkit;
    int n_classes, pictures;
    struct intake_options intake;
};

/* A class: its WordNet id and, of a training archive, its files. */
struct class
{
    char wnid[WNID_LENGTH + 1];
    struct tarindex files;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    int fd;
    struct tarindex outer;
    struct devkit devkit;
    struct class *class;
    int classes;
    long files, done;
    long long largest; /* of the files, in bytes */
    struct intake in;
};

/* n01440764.tar */
static int name_class(struct class *c, const struct tarfile *f, struct error *err)
{
    if (strlen(f->name) != WNID_LENGTH + 4 || f->name[0] != 'n' ||
        strcmp(f->name + WNID_LENGTH, ".tar") != 0)
        return error_set(err, E_INPUT,
                         "%s in it: in the training archive each file is the tar of a "
                         "class, such as n01440764.tar (of another archive the devkit is "
                         "needed)",
                         f->name);
    memcpy(c->wnid, f->name, WNID_LENGTH);
    return 0;
}

static int index_training(struct work *w, struct error *err)
{
    int rc = 0;

    w->classes = (int)w->outer.n;
    w->class = xcalloc(w->outer.n + 1, sizeof *w->class);
    for (int i = 0; i < w->classes && rc == 0; i++) {
        const struct tarfile *f = &w->outer.file[i];
        rc = name_class(&w->class[i], f, err);
        if (rc == 0) {
            rc = tarindex_read(&w->class[i].files, w->fd, f->at, (long long)f->size, err);
            if (rc < 0)
                error_context(err, "%s", f->name);
        }
        w->files += (long)w->class[i].files.n;
    }
    return rc;
}

static int index_validation(struct work *w, struct error *err)
{
    int rc = devkit_read(&w->devkit, w->o->devkit, err);

    if (rc < 0)
        return rc;
    w->classes = w->devkit.classes;
    w->class = xcalloc((size_t)w->classes + 1, sizeof *w->class);
    for (int i = 0; i < w->classes; i++)
        memcpy(w->class[i].wnid, w->devkit.wnid[i], WNID_LENGTH);
    w->files = (long)w->outer.n;
    if (w->outer.n != w->devkit.pictures)
        return error_set(
            err, E_INPUT,
            "there are %zu pictures in it, the devkit tells the class of %zu", w->outer.n,
            w->devkit.pictures);
    return 0;
}

static int check_counts(const struct work *w, struct error *err)
{
    if (w->o->n_classes > 0 && w->classes != w->o->n_classes)
        return error_set(err, E_INPUT, "%d classes in place of classes-wanted=%d",
                         w->classes, w->o->n_classes);
    if (w->o->pictures > 0 && w->files != w->o->pictures)
        return error_set(err, E_INPUT, "%ld pictures in place of pictures=%d", w->files,
                         w->o->pictures);
    return 0;
}

static int add(struct work *w, const struct tarfile *f, int class, struct error *err)
{
    struct buf bytes = { 0 }, name = { 0 };
    const char *dot = strrchr(f->name, '.');
    int rc = tarfile_read(f, w->fd, &bytes, err);

    buf_add(&name, f->name, dot != NULL ? (size_t)(dot - f->name) : strlen(f->name));
    if (rc == 0)
        rc = intake_add(&w->in, buf_str(&name), class, -1, buf_str(&bytes), bytes.len,
                        err);
    progress_step(++w->done, w->in.pictures, "picture");
    buf_release(&name);
    buf_release(&bytes);
    return rc;
}

static int add_all(struct work *w, struct error *err)
{
    long n = w->in.pictures;
    int rc = 0;

    for (size_t i = 0; w->o->devkit && w->done < n && rc == 0; i++)
        rc = add(w, &w->outer.file[i], w->devkit.label[i], err);
    for (int k = 0; !w->o->devkit && k < w->classes && rc == 0; k++)
        for (size_t i = 0; i < w->class[k].files.n && w->done < n && rc == 0; i++)
            rc = add(w, &w->class[k].files.file[i], k, err);
    return rc;
}

static int commit(struct work *w, struct error *err)
{
    const char **name = xcalloc((size_t)w->classes + 1, sizeof *name);
    int rc;

    for (int k = 0; k < w->classes; k++)
        name[k] = w->class[k].wnid;
    rc = intake_commit(&w->in, name, (size_t)w->classes, err);
    free(name);
    return rc;
}

static void find_largest_of(struct work *w, const struct tarindex *t)
{
    for (size_t i = 0; i < t->n; i++)
        if ((long long)t->file[i].size > w->largest)
            w->largest = (long long)t->file[i].size;
}

static void find_largest(struct work *w)
{
    if (w->o->devkit)
        find_largest_of(w, &w->outer);
    for (int k = 0; !w->o->devkit && k < w->classes; k++)
        find_largest_of(w, &w->class[k].files);
}

static int open_archive(struct work *w, struct error *err)
{
    int rc;

    w->fd = open(w->o->archive, O_RDONLY | O_CLOEXEC);
    if (w->fd < 0)
        return error_system(err, "cannot open %s", w->o->archive);
    rc = tarindex_read(&w->outer, w->fd, 0, -1, err);
    if (rc == 0)
        rc = w->o->devkit ? index_validation(w, err) : index_training(w, err);
    if (rc == 0)
        rc = check_counts(w, err);
    if (rc == 0)
        find_largest(w);
    return rc < 0 ? error_context(err, "%s", w->o->archive) : 0;
}

static void close_work(struct work *w)
{
    intake_close(&w->in);
    for (int i = 0; i < w->classes; i++)
        tarindex_release(&w->class[i].files);
    free(w->class);
    devkit_release(&w->devkit);
    tarindex_release(&w->outer);
    if (w->fd >= 0)
        close(w->fd);
}

static int imagenet(const void *options, struct error *err)
{
    struct work w = { .o = options, .fd = -1 };
    int rc;

    rc = open_archive(&w, err);
    if (rc == 0)
        rc = intake_open(&w.in, &w.o->intake, w.files, w.largest, err);
    if (rc == 0)
        rc = add_all(&w, err);
    if (rc == 0)
        rc = commit(&w, err);
    close_work(&w);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .n_classes = 1000, .intake = INTAKE_DEFAULTS };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the archives of ILSVRC2012 to image sets, without unpacking them"),
        STAGE_IN("archive", &o.archive, "ILSVRC2012_img_train.tar or _img_val.tar"),
        STAGE_MAY_IN("devkit", &o.devkit,
                     "ILSVRC2012_devkit_t12.tar.gz; for _img_val.tar, and only there"),
        INTAKE_ARGS(o.intake),
        STAGE_INT("classes-wanted", &o.n_classes, 0, 100000,
                  "another number is an error; 0: any"),
        STAGE_INT("pictures", &o.pictures, 0, 1 << 30,
                  "another number is an error; 0: any"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, imagenet, &o);
}
