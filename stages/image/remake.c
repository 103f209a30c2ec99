#include "image/remake.h"

#include <malloc.h>
#include <string.h>

#include "image/set.h"
#include "kit/progress.h"

#include "larder/banned.h"

/* The memory of a picture is for the next one, and not given back to the system, which
 * would clear it page by page. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 25);
    mallopt(M_TRIM_THRESHOLD, 1 << 28);
#endif
}

static int open_sets(struct imageset **source, struct imageset **made,
                     const struct remake *r, struct error *err)
{
    long long payload = 0;
    struct image im;
    int rc = r->files ? imageset_open_files(source, r->from, err)
                      : imageset_open(source, r->from, err);

    for (long i = 0; rc == 0 && i < imageset_size(*source); i++) {
        rc = imageset_get(*source, i, &im, err);
        payload += r->each > 0 ? r->each : (long long)image_bytes(&im);
        payload += (long long)strlen(im.name);
    }
    return rc < 0 ? rc : imageset_create(made, r->to, payload, err);
}

static int remake_one(const struct image *im, struct imageset *made, remake_picture *make,
                      void *context, struct error *err)
{
    struct image out = { 0 };
    int rc = make(context, im, &out, err);

    if (rc == 0) {
        out.name = im->name;
        out.label = im->label;
        out.texture = im->texture;
        rc = imageset_append(made, &out, err);
    }
    image_release(&out);
    return rc;
}

int remake_set(const struct remake *r, remake_picture *make, void *context,
               struct error *err)
{
    struct imageset *source = NULL, *made = NULL;
    struct image im;
    long n;
    int rc;

    keep_memory();
    rc = open_sets(&source, &made, r, err);
    n = rc == 0 ? imageset_size(source) : 0;
    if (r->take > 0 && r->take < n)
        n = r->take;
    for (long i = 0; i < n && rc == 0; i++) {
        rc = imageset_get(source, i, &im, err);
        if (rc == 0)
            rc = remake_one(&im, made, make, context, err);
        progress_step(i + 1, n, "picture");
    }
    if (rc == 0)
        rc = imageset_commit(made, err);
    imageset_close(made);
    imageset_close(source);
    return rc;
}
