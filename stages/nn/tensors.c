#include "nn/tensors.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "nn/safetensors.h"

struct tensor *tensors_add_view(struct tensors *t, const char *name, int n_dims,
                                const long *dim, void *value)
{
    struct tensor *x;

    assert(n_dims >= 0 && n_dims <= TENSOR_DIMS);
    GROW(t->tensor, t->n + 1, t->cap);
    x = &t->tensor[t->n++];
    *x = (struct tensor){
        .name = xstrdup(name), .n_dims = n_dims, .n = 1, .borrowed = true, .value = value
    };
    for (int i = 0; i < n_dims; i++) {
        x->dim[i] = dim[i];
        x->n *= (size_t)dim[i];
    }
    return x;
}

struct tensor *tensors_add(struct tensors *t, const char *name, int n_dims,
                           const long *dim)
{
    struct tensor *x = tensors_add_view(t, name, n_dims, dim, NULL);

    x->borrowed = false;
    x->value = xcalloc(x->n > 0 ? x->n : 1, sizeof *x->value);
    mem_large(x->value, x->n * sizeof *x->value);
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
        if (!t->tensor[i].borrowed)
            free(t->tensor[i].value);
    }
    free(t->tensor);
    if (t->map != NULL)
        munmap(t->map, t->n_map);
    *t = (struct tensors){ 0 };
}

static int map_file(struct tensors *t, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    struct stat st = { 0 };
    void *map = NULL;

    if (fd < 0 || fstat(fd, &st) < 0)
        rc = error_system(err, "cannot read %s", path);
    if (rc == 0 && st.st_size > 0)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        rc = error_system(err, "cannot read %s", path);
    else if (map != NULL) {
        t->map = map;
        t->n_map = (size_t)st.st_size;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

int tensors_read(struct tensors *t, const char *path, struct error *err)
{
    char empty = 0;
    int rc = map_file(t, path, err);

    if (rc < 0)
        return rc;
    rc = safetensors_view(t, t->map != NULL ? t->map : &empty, t->n_map, err);
    if (rc < 0)
        error_context(err, "%s", path);
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
