/*
 * export-weights - a model as a file that PyTorch loads.
 *
 * in   model     weights (safetensors)
 *      names     TSV with the columns name and from, as import-weights reads it: each
 *                tensor `name` is written as `from`
 * out  weights   safetensors with PyTorch's layouts, which it says of itself
 *
 * The values keep their bits.
 */
#include "kit/stage.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "nn/safetensors.h"
#include "weights/rename.h"

#include "larder/banned.h"

struct options {
    const char *model, *names;
    const char *weights;
    const char *prefix;
};

static int export_weights(const void *options, struct error *err)
{
    const struct options *o = options;
    struct tensors t = { 0 };
    struct buf file = { 0 };
    int rc;

    rc = tensors_read(&t, o->model, err);
    if (rc == 0 && o->names)
        rc = rename_by_table(&t, o->names, err);
    if (rc < 0)
        goto out;
    rename_with_prefix(&t, o->prefix);
    rc = safetensors_format_as(&t, "pt", &file, err);
    if (rc == 0)
        rc = fs_write(o->weights, file.s, file.len, false, err);
out:
    buf_release(&file);
    tensors_release(&t);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .prefix = "" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("a model as a file that PyTorch loads"),
        STAGE_IN("model", &o.model, "weights (safetensors)"),
        STAGE_MAY_IN("names", &o.names, "TSV: name from, for each tensor of the model"),
        STAGE_OUT("weights", &o.weights,
                  "the same values with PyTorch's mark (safetensors)"),
        STAGE_STRING("prefix", &o.prefix, "what every name is to begin with"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, export_weights, &o);
}
