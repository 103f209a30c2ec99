#include "image/versions.h"

#include <string.h>

#include "image/resize.h"

#include "larder/banned.h"

int versions_open(struct versions *v, const char *picked, const char *pictures,
                  struct error *err)
{
    int rc = tsv_read(&v->picked, picked, err);

    if (rc == 0 && ((v->row = tsv_column(&v->picked, "row", err)) < 0 ||
                    (v->image = tsv_column(&v->picked, "image", err)) < 0))
        rc = E_INPUT;
    if (rc == 0)
        rc = imageset_open(&v->set, pictures, err);
    if (rc == 0 && v->picked.n_rows == 0)
        rc = error_set(err, E_INPUT, "%s names no picture", picked);
    v->n = v->picked.n_rows;
    return rc;
}

void versions_close(struct versions *v)
{
    imageset_close(v->set);
    tsv_release(&v->picked);
}

const char *versions_row(const struct versions *v, size_t i)
{
    return tsv_get(&v->picked, i, v->row);
}

const char *versions_image(const struct versions *v, size_t i)
{
    return tsv_get(&v->picked, i, v->image);
}

/* The place of VERSION/NAME in the set, or -1. */
static long find(const struct versions *v, const char *version, size_t i)
{
    struct buf name = { 0 };
    long at;

    buf_printf(&name, "%s/%s", version, versions_image(v, i));
    at = imageset_find(v->set, buf_str(&name));
    buf_release(&name);
    return at;
}

bool versions_has(const struct versions *v, const char *version)
{
    return find(v, version, 0) >= 0;
}

int versions_rgb(const struct versions *v, const char *version, size_t i,
                 struct image *rgb, struct error *err)
{
    long at = find(v, version, i);
    struct image im;
    int rc;

    if (at < 0)
        return error_set(err, E_INPUT, "there is no picture %s/%s", version,
                         versions_image(v, i));
    rc = imageset_get(v->set, at, &im, err);
    if (rc == 0)
        image_rgb(rgb, &im);
    return rc;
}

int versions_check(const struct versions *v, const char *const *name, size_t n,
                   const char *option, struct error *err)
{
    for (long at = 0; at < imageset_size(v->set); at++) {
        struct image im;
        size_t k = 0;
        int rc = imageset_get(v->set, at, &im, err);
        const char *slash = rc == 0 ? strchr(im.name, '/') : NULL;
        size_t length = slash != NULL ? (size_t)(slash - im.name) : 0;

        if (rc < 0)
            return rc;
        while (k < n &&
               (strlen(name[k]) != length || strncmp(name[k], im.name, length) != 0))
            k++;
        if (k == n)
            return error_set(err, E_INPUT,
                             "%s does not name %.*s, of which there are "
                             "pictures",
                             option, (int)length, im.name);
    }
    return 0;
}
