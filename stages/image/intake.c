#include "image/intake.h"

#include "image/decode.h"
#include "image/resize.h"
#include "kit/progress.h"
#include "kit/tsv.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { LONGEST_NAME = 511 };

static bool keeps_files(const struct intake *in)
{
    return strcmp(in->o->keep, "file") == 0;
}

int intake_open(struct intake *in, const struct intake_options *o, long pictures,
                long long largest, struct error *err)
{
    long long each = 3LL * o->crop * o->crop;
    int rc;

    *in = (struct intake){ .o = o, .pictures = pictures };
    if (!keeps_files(in) && o->crop > o->side)
        return error_set(err, E_INPUT, "crop=%d is larger than side=%d", o->crop,
                         o->side);
    if (o->take > 0 && o->take < pictures)
        in->pictures = o->take;
    buf_adds(&in->skipped, "picture\treason\n");
    rc = shards_open(&in->out, o->set, o->shards, in->pictures,
                     (keeps_files(in) ? largest : each) + LONGEST_NAME, err);
    in->unfinished = rc == 0;
    return rc;
}

static int add_file(struct intake *in, const struct image *decoded, const void *bytes,
                    size_t n, struct error *err)
{
    struct image im = *decoded;

    im.file = bytes;
    im.file_bytes = n;
    return shards_add(&in->out, &im, err);
}

static int add_crop(struct intake *in, const struct image *decoded, struct error *err)
{
    struct image rgb = *decoded, im;
    int rc;

    if (decoded->channels != 3)
        image_rgb(&rgb, decoded);
    image_fit(&im, &rgb, in->o->side, in->o->crop);
    if (rgb.pixel != decoded->pixel)
        image_release(&rgb);
    rc = shards_add(&in->out, &im, err);
    image_release(&im);
    return rc;
}

static void count(struct intake *in, int label)
{
    while (in->n_counts <= (size_t)label) {
        in->count = xrealloc(in->count, (in->n_counts + 1) * sizeof *in->count);
        in->count[in->n_counts++] = 0;
    }
    in->count[label]++;
}

static int pass_over(struct intake *in, const char *name, struct error *err)
{
    if (strcmp(in->o->damaged, "skip") != 0 || err->code != E_INPUT)
        return error_context(err, "%s", name);
    buf_printf(&in->skipped, "%s\t%s\n", name, err->text);
    progress_note("skipped %s: %s", name, err->text);
    err->code = 0;
    return shards_add(&in->out, NULL, err);
}

int intake_add(struct intake *in, const char *name, int label, int texture,
               const void *bytes, size_t n, struct error *err)
{
    struct image decoded = { .name = name };
    int rc = image_decode(&decoded, bytes, n, err);

    if (rc < 0)
        return pass_over(in, name, err);
    decoded.label = label;
    decoded.texture = texture;
    rc = keeps_files(in) ? add_file(in, &decoded, bytes, n, err)
                         : add_crop(in, &decoded, err);
    image_release(&decoded);
    count(in, label);
    return rc;
}

static int write_classes(const struct intake *in, const char *const *name, size_t n,
                         struct error *err)
{
    struct buf text = { 0 };
    int rc;

    buf_adds(&text, "class\tname\tpictures\n");
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%zu\t%s\t%ld\n", i, name[i],
                   i < in->n_counts ? in->count[i] : 0);
    rc = tsv_write(in->o->classes, &text, err);
    buf_release(&text);
    return rc;
}

int intake_commit(struct intake *in, const char *const *class_name, size_t classes,
                  struct error *err)
{
    int rc = shards_commit(&in->out, err);

    if (rc == 0)
        rc = tsv_write(in->o->skipped, &in->skipped, err);
    if (rc == 0)
        rc = write_classes(in, class_name, classes, err);
    if (rc == 0)
        in->unfinished = false;
    return rc;
}

void intake_close(struct intake *in)
{
    shards_close(&in->out);
    if (in->unfinished)
        fs_remove_tree(in->o->set, NULL);
    buf_release(&in->skipped);
    free(in->count);
    *in = (struct intake){ 0 };
}
