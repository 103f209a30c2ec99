/*
 * cifar - the binary archive of CIFAR-10 to an image set.
 *
 * in   archive  cifar-10-binary.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html)
 * out  set      its pictures, 32 x 32 RGB, called SPLIT-NNNNNN in the archive's order
 *      classes  TSV: class, name, pictures
 *
 * A picture is there a byte with its class, then 1024 values of red, of green and of
 * blue.
 */
#include <string.h>

#include "archive/members.h"
#include "image/set.h"
#include "kit/progress.h"
#include "kit/stage.h"
#include "kit/tsv.h"

#include "larder/banned.h"

enum {
    SIDE = 32,
    PLANE = SIDE * SIDE,
    RECORD = 1 + 3 * PLANE,
    CLASSES = 10,
    BATCHES = 5,
    LARGEST = 64 << 20, /* bytes of a file in the archive */
    NAME_SIZE = 32,
};

struct options {
    const char *archive, *set, *classes;
    const char *split;
    int pictures;
};

/* Files of the archive: the names of the classes, then the batches of a split. */
struct files {
    const char *name[1 + BATCHES];
    struct buf bytes[1 + BATCHES];
    size_t n;
};

static void name_files(struct files *f, bool train)
{
    static const char *const batch[BATCHES] = { "data_batch_1.bin", "data_batch_2.bin",
                                                "data_batch_3.bin", "data_batch_4.bin",
                                                "data_batch_5.bin" };

    f->name[f->n++] = "batches.meta.txt";
    for (int i = 0; train && i < BATCHES; i++)
        f->name[f->n++] = batch[i];
    if (!train)
        f->name[f->n++] = "test_batch.bin";
}

static int check_files(const struct files *f, const struct options *o, long *pictures,
                       struct error *err)
{
    *pictures = 0;
    for (size_t i = 1; i < f->n; i++) {
        if (f->bytes[i].len % RECORD != 0)
            return error_set(err, E_INPUT,
                             "%s in it: %zu bytes are no whole number of pictures of %d",
                             f->name[i], f->bytes[i].len, RECORD);
        *pictures += (long)(f->bytes[i].len / RECORD);
    }
    if (o->pictures > 0 && *pictures != o->pictures)
        return error_set(err, E_INPUT, "%ld pictures in place of pictures=%d", *pictures,
                         o->pictures);
    return 0;
}

static int add_picture(const struct options *o, const uint8_t *record, long i,
                       struct imageset *set, struct error *err)
{
    char name[NAME_SIZE];
    struct image im;
    int rc;

    if (record[0] >= CLASSES)
        return error_set(err, E_INPUT, "picture %ld in it has class %d; 0 to %d exist", i,
                         record[0], CLASSES - 1);
    snprintf(name, sizeof name, "%s-%06ld", o->split, i);
    image_init(&im, SIDE, SIDE, 3);
    im.name = name;
    im.label = record[0];
    for (int k = 0; k < PLANE; k++)
        for (int c = 0; c < 3; c++)
            im.pixel[3 * k + c] = record[1 + c * PLANE + k];
    rc = imageset_append(set, &im, err);
    image_release(&im);
    return rc;
}

static int add_all(const struct options *o, const struct files *f, long pictures,
                   long *count, struct error *err)
{
    struct imageset *set = NULL;
    long n = 0;
    int rc =
        imageset_create(&set, o->set, pictures * (long long)(RECORD + NAME_SIZE), err);

    for (size_t i = 1; i < f->n; i++)
        for (size_t at = 0; at < f->bytes[i].len && rc == 0; at += RECORD) {
            const uint8_t *record = (const uint8_t *)f->bytes[i].s + at;

            rc = add_picture(o, record, n, set, err);
            if (rc == 0)
                count[record[0]]++;
            progress_step(++n, pictures, "picture");
        }
    if (rc == 0)
        rc = imageset_commit(set, err);
    imageset_close(set);
    return rc;
}

/* One name a line; empty lines do not count. */
static int write_classes(const struct options *o, const struct buf *names,
                         const long *count, struct error *err)
{
    const char *line = buf_str(names);
    struct buf text = { 0 };
    int n = 0, rc;

    buf_adds(&text, "class\tname\tpictures\n");
    while (*line != '\0') {
        size_t length = strcspn(line, "\r\n");

        if (length > 0 && n < CLASSES)
            buf_printf(&text, "%d\t%.*s\t%ld\n", n, (int)length, line, count[n]);
        n += length > 0;
        line += length + strspn(line + length, "\r\n");
    }
    if (n == CLASSES)
        rc = tsv_write(o->classes, &text, err);
    else
        rc = error_set(err, E_INPUT, "batches.meta.txt in it names %d classes, not %d", n,
                       CLASSES);
    buf_release(&text);
    return rc;
}

static int cifar(const void *options, struct error *err)
{
    const struct options *o = options;
    struct files f = { 0 };
    long pictures = 0, count[CLASSES] = { 0 };
    int rc;

    name_files(&f, strcmp(o->split, "train") == 0);
    rc = members_read(o->archive, f.name, f.n, LARGEST, f.bytes, err);
    if (rc == 0)
        rc = check_files(&f, o, &pictures, err);
    if (rc == 0)
        rc = add_all(o, &f, pictures, count, err);
    if (rc == 0)
        rc = write_classes(o, &f.bytes[0], count, err);
    for (size_t i = 0; i < f.n; i++)
        buf_release(&f.bytes[i]);
    return rc < 0 ? error_context(err, "%s", o->archive) : 0;
}

int main(int argc, char **argv)
{
    struct options o = { .split = "train" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the binary archive of CIFAR-10 to an image set"),
        STAGE_IN("archive", &o.archive, "cifar-10-binary.tar.gz"),
        STAGE_OUT_SET("set", &o.set, "the pictures, 32 x 32 RGB"),
        STAGE_OUT("classes", &o.classes, "TSV: class name pictures"),
        STAGE_CHOICE("split", &o.split, "train|test", "which pictures"),
        STAGE_INT("pictures", &o.pictures, 0, 1 << 30,
                  "another number is an error; 0: any"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, cifar, &o);
}
