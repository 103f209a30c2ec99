#include "transfer/choice.h"

#include <string.h>

#include "kit/draws.h"
#include "kit/mt19937.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { SIN_SEED = 49809 };

/* A picture's place by name, and its class. */
struct place {
    int32_t label;
    long at;
};

static int by_class(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void draw_in_turn(uint32_t *style, struct place *place, size_t pictures,
                         uint32_t n)
{
    struct mt19937 m;

    qsort(place, pictures, sizeof *place, by_class);
    mt19937_init(&m, SIN_SEED);
    for (size_t i = 0; i < pictures; i++)
        style[place[i].at] = mt19937_below(&m, n);
}

int choose_styles(uint32_t **result, const struct imageset *set, const char *how,
                  const char *params, uint64_t seed, uint32_t n, struct error *err)
{
    size_t pictures = (size_t)imageset_size(set);
    uint32_t *style = xcalloc(pictures + 1, sizeof *style);
    struct place *place = xcalloc(pictures + 1, sizeof *place);
    struct draws d;
    struct image im;
    int rc = 0;

    for (size_t i = 0; i < pictures && rc == 0; i++) {
        rc = imageset_get(set, (long)i, &im, err);
        if (rc < 0)
            break;
        draws_init(&d, "stylized", params, im.name, seed);
        style[i] = (uint32_t)draws_below(&d, 0, 0, n);
        place[i] = (struct place){ im.label, (long)i };
    }
    if (rc == 0 && strcmp(how, "sin") == 0)
        draw_in_turn(style, place, pictures, n);
    free(place);
    if (rc < 0) {
        free(style);
        return rc;
    }
    *result = style;
    return 0;
}
