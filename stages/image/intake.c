#include "image/intake.h"

#include "image/decode.h"
#include "image/resize.h"
#include "kit/progress.h"
#include "kit/tsv.h"
#include "larder/fs.h"

#include "larder/banned.h"

enum { LONGEST_NAME = 511 };

int intake_open(struct intake *in, const struct intake_options *o, const char *path,
                long pictures, struct error *err)
{
    *in = (struct intake){ .o = *o };
    if (o->crop > o->side)
        return error_set(err, E_INPUT, "crop=%d is larger than side=%d", o->crop,
                         o->side);
    buf_adds(&in->skipped, "picture\treason\n");
    in->path = path;
    return shards_open(&in->out, path, o->shards, pictures,
                       3LL * o->crop * o->crop + LONGEST_NAME, err);
}

static int read_picture(const struct intake *in, const char *name, int label,
                        const void *bytes, size_t n, struct image *im, struct error *err)
{
    struct image raw = { .name = name }, rgb;
    int rc = image_decode(&raw, bytes, n, err);

    if (rc < 0)
        return rc;
    raw.label = label;
    image_rgb(&rgb, &raw);
    image_fit(im, &rgb, in->o.side, in->o.crop);
    image_release(&rgb);
    image_release(&raw);
    return 0;
}

static int pass_over(struct intake *in, const char *name, struct error *err)
{
    if (!in->o.skip || err->code != E_INPUT)
        return error_context(err, "%s", name);
    buf_printf(&in->skipped, "%s\t%s\n", name, err->text);
    progress_note("skipped %s: %s", name, err->text);
    err->code = 0;
    return shards_add(&in->out, NULL, err);
}

int intake_add(struct intake *in, const char *name, int label, const void *bytes,
               size_t n, struct error *err)
{
    struct image im = { 0 };
    int rc = read_picture(in, name, label, bytes, n, &im, err);

    if (rc < 0)
        return pass_over(in, name, err);
    rc = shards_add(&in->out, &im, err);
    image_release(&im);
    return rc < 0 ? rc : 1;
}

int intake_commit(struct intake *in, const char *skipped, struct error *err)
{
    int rc = shards_commit(&in->out, err);

    if (rc == 0)
        rc = tsv_write(skipped, &in->skipped, err);
    if (rc == 0)
        in->path = NULL;
    return rc;
}

void intake_close(struct intake *in)
{
    shards_close(&in->out);
    if (in->path != NULL)
        fs_remove_tree(in->path, NULL);
    buf_release(&in->skipped);
    *in = (struct intake){ 0 };
}
