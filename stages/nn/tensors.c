#include "nn/tensors.h"

#include <assert.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "nn/safetensors.h"

struct tensor *tensors_add(struct tensors *t, const char *name, int n_dims,
                           const long *dim)
{
    struct tensor *x;

    assert(n_dims >= 0 && n_dims <= TENSOR_DIMS);
    GROW(t->tensor, t->n + 1, t->cap);
    x = &t->tensor[t->n++];
    *x = (struct tensor){ .name = xstrdup(name), .n_dims = n_dims, .n = 1 };
    for (int i = 0; i < n_dims; i++) {
        x->dim[i] = dim[i];
        x->n *= (size_t)dim[i];
    }
    x->value = xcalloc(x->n > 0 ? x->n : 1, sizeof *x->value);
    return x;
}

const struct tensor *tensors_find(const struct tensors *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->tensor[i].name, name) == 0)
            return &t->tensor[i];
    return NULL;
}

void tensors_release(struct tensors *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->tensor[i].name);
        free(t->tensor[i].value);
    }
    free(t->tensor);
    *t = (struct tensors){ 0 };
}

int tensors_read(struct tensors *t, const char *path, struct error *err)
{
    struct buf file = { 0 };
    int rc;

    rc = fs_read(path, &file, err);
    if (rc < 0)
        goto out;
    rc = safetensors_parse(t, file.s, file.len, err);
    if (rc < 0)
        error_context(err, "%s", path);
out:
    buf_release(&file);
    return rc;
}

int tensors_write(const struct tensors *t, const char *path, struct error *err)
{
    struct buf file = { 0 };
    int rc;

    rc = safetensors_format(t, &file, err);
    if (rc == 0)
        rc = fs_write(path, file.s, file.len, false, err);
    buf_release(&file);
    return rc;
}
