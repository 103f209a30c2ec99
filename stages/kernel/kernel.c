#include "kernel/kernel.h"

#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

static int no_such_parameter(const struct tensors *t, const char *path, const char *name,
                             struct error *err)
{
    const char **all = xcalloc(t->n + 1, sizeof *all), *near;

    for (size_t i = 0; i < t->n; i++)
        all[i] = t->tensor[i].name;
    near = nearest_name(name, all, t->n);
    error_set(err, E_INPUT, "%s: no parameter \"%s\"%s%s%s", path, name,
              near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
              near != NULL ? "\"?" : "");
    free(all);
    return E_INPUT;
}

int kernel_read(struct kernel *k, const char *path, const char *name, struct error *err)
{
    int rc;

    *k = (struct kernel){ 0 };
    rc = tensors_read(&k->model, path, err);
    if (rc < 0)
        goto out;
    k->tensor = tensors_find(&k->model, name);
    if (k->tensor == NULL) {
        rc = no_such_parameter(&k->model, path, name, err);
        goto out;
    }
    if (k->tensor->n_dims != 4 || k->tensor->n == 0) {
        rc = error_set(err, E_INPUT,
                       "%s: parameter \"%s\" is no kernel: filters x channels x height x "
                       "width are needed",
                       path, name);
        goto out;
    }
    k->filters = k->tensor->dim[0];
    k->channels = k->tensor->dim[1];
    k->height = k->tensor->dim[2];
    k->width = k->tensor->dim[3];
    k->size = k->channels * k->height * k->width;
out:
    if (rc < 0)
        kernel_release(k);
    return rc;
}

void kernel_release(struct kernel *k)
{
    tensors_release(&k->model);
    *k = (struct kernel){ 0 };
}

const float *kernel_filter(const struct kernel *k, long i)
{
    return k->tensor->value + i * k->size;
}
