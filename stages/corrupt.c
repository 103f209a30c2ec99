/*
 * corrupt - the pictures of a set distorted as ImageNet-C distorts them.
 *
 * in   set        image set, RGB, square of 224, 64 or 32 pixels
 *      frost      a folder of pictures of frost, for type=frost: the first five by name
 * out  corrupted  the same pictures, distorted (distort/corrupt.h), and then saved as the
 *                 original saves them: as JPEG of quality 85 and read again, but at 32
 *                 pixels as they are
 */
#include <string.h>

#include "distort/corrupt.h"
#include "image/decode.h"
#include "image/remake.h"
#include "image/saved.h"
#include "kit/stage.h"
#include "larder/fs.h"

#include "larder/banned.h"

enum { SAVED_QUALITY = 85 };

struct options {
    const char *set, *frost, *corrupted;
    const char *type, *save;
    int severity, take;
    uint64_t seed;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct image frost[CORRUPT_FROSTS];
};

static int read_frosts(struct work *w, struct error *err)
{
    char **name = NULL;
    size_t n = 0;
    int rc;

    if (strcmp(w->o->type, "frost") != 0)
        return 0;
    if (w->o->frost == NULL)
        return error_set(err, E_INPUT, "type=frost needs the input frost");
    rc = fs_list(w->o->frost, &name, &n, err);
    if (rc == 0 && n < CORRUPT_FROSTS)
        rc = error_set(err, E_INPUT, "%s has %zu pictures; frost needs %d", w->o->frost,
                       n, CORRUPT_FROSTS);
    for (int i = 0; i < CORRUPT_FROSTS && rc == 0; i++)
        if ((rc = image_read_rgb(&w->frost[i], w->o->frost, name[i], err)) < 0)
            error_context(err, "%s", w->o->frost);
    free(name);
    return rc;
}

static int make(void *context, const struct image *from, struct image *to,
                struct error *err)
{
    const struct work *w = context;
    const struct saving saving = { w->o->save, SAVED_QUALITY, true };
    const struct corruption c = { .type = w->o->type,
                                  .severity = w->o->severity,
                                  .frost = w->frost[0].pixel ? w->frost : NULL };
    struct draws d;
    int rc;

    corrupt_draws(&d, &c, from->name, w->o->seed);
    rc = corrupt(to, from, &c, &d, err);
    return rc < 0 ? rc : saved_replace(to, &saving, err);
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    const struct remake sets = { .from = w.o->set,
                                 .to = w.o->corrupted,
                                 .take = w.o->take };
    int rc = read_frosts(&w, err);

    if (rc == 0)
        rc = remake_set(&sets, make, &w, err);
    for (int i = 0; i < CORRUPT_FROSTS; i++)
        image_release(&w.frost[i]);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .type = "gaussian_noise", .save = "auto", .severity = 1 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("the pictures of a set distorted as ImageNet-C distorts them"),
        STAGE_IN_SET("set", &o.set, "pictures, RGB, of 224, 64 or 32 pixels"),
        STAGE_MAY_IN_TREE("frost", &o.frost, "pictures of frost, for type=frost"),
        STAGE_OUT_SET("corrupted", &o.corrupted, "the same pictures, distorted"),
        STAGE_CHOICE("type", &o.type, CORRUPT_TYPES, "of distortion"),
        STAGE_INT("severity", &o.severity, 1, CORRUPT_SEVERITIES, "how strong"),
        STAGE_CHOICE(
            "save", &o.save, SAVED_CHOICES,
            "through JPEG of quality 85; auto: but at 32 pixels, as the original"),
        STAGE_INT("take", &o.take, 0, 1 << 30, "only the first pictures; 0: all"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
