/*
 * import-weights - a model from a file of weights that another program wrote.
 *
 * in   file    safetensors, or what PyTorch's torch.save() wrote (.pth, .pt, .pth.tar)
 *      names   TSV with the columns name and from: exactly these tensors are taken
 * out  model   the weights (safetensors, float32)
 *      taken   TSV, a tensor of the file a row: name (empty: left out), from, dtype and
 *              shape
 *
 * Nothing in the file is run. docs/weights.md has what is read, renamed and refused.
 */
#include "kit/stage.h"
#include "kit/tsv.h"
#include "nn/arch.h"
#include "weights/take.h"

#include "larder/banned.h"

struct options {
    const char *file, *names;
    const char *model, *taken;
    const char *arch, *size, *key, *prefix, *foreign;
    int classes;
    bool transform_input;
};

/* The names and shapes that the network has; none for any network. */
static int known_shapes(const struct options *o, struct graph **g, struct tensors *want,
                        struct error *err)
{
    int rc;

    if (strcmp(o->arch, "any") == 0)
        return 0;
    rc = net_arch(g, o->arch, o->size, o->classes, err);
    if (rc == 0 && !o->transform_input)
        rc = net_plain_input(*g, err);
    if (rc == 0)
        graph_tensors(*g, want);
    return rc;
}

static int write_all(const struct options *o, const struct take *t, struct named *f,
                     struct error *err)
{
    struct tensors model = { 0 };
    struct buf text = { 0 };
    int rc;

    rc = take_read(t, f, &model, err);
    if (rc < 0) {
        error_context(err, "%s", o->file);
        goto out;
    }
    model.plain_input = !o->transform_input;
    take_format(t, f, &text);
    rc = tensors_write(&model, o->model, err);
    if (rc == 0)
        rc = tsv_write(o->taken, &text, err);
out:
    buf_release(&text);
    tensors_release(&model);
    return rc;
}

static int import_weights(const void *options, struct error *err)
{
    const struct options *o = options;
    struct named_options how = { .key = o->key,
                                 .foreign = strcmp(o->foreign, "ignore") == 0 };
    struct take_options what = { .prefix = o->prefix };
    struct graph *g = NULL;
    struct tensors want = { 0 };
    struct tsv names = { 0 };
    struct named f = { 0 };
    struct take t = { 0 };
    int rc;

    rc = known_shapes(o, &g, &want, err);
    if (rc == 0 && o->names)
        rc = tsv_read(&names, o->names, err);
    if (rc == 0)
        rc = named_open(&f, o->file, &how, err);
    if (rc < 0)
        goto out;
    what.names = o->names ? &names : NULL;
    what.want = g ? &want : NULL;
    what.network = g ? g->name : NULL;
    rc = take_names(&t, &f, &what, err);
    if (rc < 0)
        error_context(err, "%s", o->file);
    else
        rc = write_all(o, &t, &f, err);
out:
    take_release(&t);
    named_close(&f);
    tsv_release(&names);
    tensors_release(&want);
    graph_free(g);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .arch = "any",
                         .size = "full",
                         .classes = 1000,
                         .transform_input = true,
                         .key = "",
                         .prefix = "auto",
                         .foreign = "refuse" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("a model from a file of weights that another program wrote"),
        STAGE_IN("file", &o.file, "safetensors, or what PyTorch saved (.pth, .pt)"),
        STAGE_MAY_IN("names", &o.names, "TSV: name from, for exactly these tensors"),
        STAGE_OUT("model", &o.model, "the weights (safetensors)"),
        STAGE_OUT("taken", &o.taken, "TSV: name from dtype shape"),
        STAGE_CHOICE("arch", &o.arch, "any|" ARCH_NAMES "|" ARCH_OTHERS,
                     "the network whose names and shapes it must have"),
        STAGE_CHOICE("size", &o.size, ARCH_SIZES, "of pictures: 32 x 32 or as published"),
        STAGE_INT("classes", &o.classes, 1, 1 << 20, "of the network"),
        STAGE_BOOL("transform-input", &o.transform_input,
                   "false: of a GoogLeNet that was trained without it"),
        STAGE_STRING(
            "key", &o.key,
            "the dictionary in the file, names joined by /; empty: the usual one"),
        STAGE_STRING("prefix", &o.prefix,
                     "what names begin with, stripped; auto: the usual ones"),
        STAGE_CHOICE("foreign", &o.foreign, "refuse|ignore",
                     "a pickle that names Python code which weights do not need"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, import_weights, &o);
}
