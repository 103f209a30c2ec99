#include "kit/lists.h"

#include "kit/manifest.h"

#include "larder/banned.h"

static int read_list(struct map *names, const char *path, struct error *err)
{
    struct tsv t = { 0 };
    int rc = tsv_read(&t, path, err), image = rc < 0 ? rc : tsv_column(&t, "image", err);

    for (size_t i = 0; image >= 0 && i < t.n_rows; i++)
        map_set(names, tsv_get(&t, i, image), names);
    tsv_release(&t);
    return image < 0 ? image : 0;
}

int lists_read(struct map *names, const char *lists, struct error *err)
{
    struct manifest m = { 0 };
    int rc = manifest_read(&m, lists, err);

    for (size_t i = 0; rc == 0 && i < manifest_size(&m); i++)
        rc = read_list(names, manifest_path(&m, i), err);
    manifest_release(&m);
    return rc;
}
