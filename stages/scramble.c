/*
 * scramble - the pictures of a set, each cut into p x p patches that are laid out anew.
 *
 * in   set        image set
 * out  scrambled  the same pictures, scrambled (distort/scramble.h), and then saved as
 * the authors' sample was: as JPEG of quality 75 and read again, but at 32 pixels as they
 * are
 */
#include <string.h>

#include "distort/scramble.h"
#include "image/remake.h"
#include "image/saved.h"
#include "kit/stage.h"

#include "larder/banned.h"

enum { SAVED_QUALITY = 75 };

struct options {
    const char *set, *scrambled, *save, *order;
    int p;
    uint64_t seed;
};

static int make(void *context, const struct image *from, struct image *to,
                struct error *err)
{
    const struct options *o = context;
    const struct saving saving = { o->save, SAVED_QUALITY, false };
    uint32_t order[SCRAMBLE_MOST * SCRAMBLE_MOST];
    struct draws d;
    char params[16];
    int rc;

    snprintf(params, sizeof params, "p=%d", o->p);
    draws_init(&d, "scrambled", params, from->name, o->seed);
    if (strcmp(o->order, "released") == 0)
        scramble_released(o->p, order);
    else
        scramble_order(&d, o->p, order);
    rc = scramble(to, from, o->p, order, err);
    return rc < 0 ? rc : saved_replace(to, &saving, err);
}

static int run(const void *options, struct error *err)
{
    struct options o = *(const struct options *)options;

    return remake_set(&(struct remake){ .from = o.set, .to = o.scrambled }, make, &o,
                      err);
}

int main(int argc, char **argv)
{
    struct options o = { .p = 2, .save = "auto", .order = "each" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("pictures cut into p x p patches that are laid out anew"),
        STAGE_IN_SET("set", &o.set, "pictures"),
        STAGE_OUT_SET("scrambled", &o.scrambled, "the same pictures, scrambled"),
        STAGE_INT("p", &o.p, 2, SCRAMBLE_MOST, "patches along a side"),
        STAGE_CHOICE("save", &o.save, SAVED_CHOICES,
                     "through JPEG of quality 75; auto: but at 32 pixels, as they are"),
        STAGE_CHOICE("order", &o.order, "each|released",
                     "of the patches: drawn for each picture, or the authors' for all"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
