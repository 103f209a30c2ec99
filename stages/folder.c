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
#include "image/classfolders.h"
#include "image/intake.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "larder/fs.h"

#include "larder/banned.h"

struct options {
    const char *pictures;
    struct intake_options intake;
};

static int add_picture(struct intake *in, const struct classfolders *tree,
                       const char *name, struct error *err)
{
    struct buf path = { 0 }, bytes = { 0 };
    int rc;

    buf_printf(&path, "%s/%s", tree->path, name);
    rc = fs_read(buf_str(&path), &bytes, err);
    if (rc == 0)
        rc = intake_add(in, name, classfolders_class(tree, name), -1, buf_str(&bytes),
                        bytes.len, err);
    buf_release(&bytes);
    buf_release(&path);
    return rc;
}

static int folder(const void *options, struct error *err)
{
    const struct options *o = options;
    struct classfolders tree = { 0 };
    struct intake in = { 0 };
    int rc;

    rc = classfolders_read(&tree, o->pictures, err);
    if (rc == 0)
        rc = intake_open(&in, &o->intake, (long)tree.file.n, tree.largest, err);
    for (long i = 0; rc == 0 && i < in.pictures; i++) {
        rc = add_picture(&in, &tree, tree.file.s[i], err);
        progress_step(i + 1, in.pictures, "picture");
    }
    if (rc == 0)
        rc = intake_commit(&in, (const char *const *)tree.class.s, tree.class.n, err);
    intake_close(&in);
    classfolders_release(&tree);
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
