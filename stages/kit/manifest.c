#include "kit/manifest.h"

#include "larder/banned.h"

int manifest_read(struct manifest *m, const char *path, struct error *err)
{
    int rc = tsv_read(&m->tsv, path, err);

    if (rc < 0)
        return rc;
    m->path = tsv_column(&m->tsv, "path", err);
    if (m->path < 0) {
        tsv_release(&m->tsv);
        return E_INPUT;
    }
    return 0;
}

void manifest_release(struct manifest *m)
{
    tsv_release(&m->tsv);
}

size_t manifest_size(const struct manifest *m)
{
    return m->tsv.n_rows;
}

const char *manifest_path(const struct manifest *m, size_t item)
{
    return tsv_get(&m->tsv, item, m->path);
}

const char *manifest_axis(const struct manifest *m, size_t item, const char *axis)
{
    int column = tsv_find(&m->tsv, axis);

    return column < 0 ? NULL : tsv_get(&m->tsv, item, column);
}
