/*
 * count-concepts - how many channels of a network respond to each concept.
 *
 * in   units     TSV of `dissect`
 * out  concepts  TSV: category concept n, of all layers together, the most frequent first
 *
 * A channel counts for its best label, however small the IoU is; those without a label
 * do not count. Figure A8 of the paper.
 */
#include <stdlib.h>
#include <string.h>

#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

struct options {
    const char *units, *concepts;
};

struct concept {
    const char *category, *label;
    long n;
};

/* All-zero is empty. */
struct concepts {
    struct concept *concept;
    size_t n, cap;
    struct map by_name; /* "CATEGORY\tLABEL" -> place, from 1 */
};

static void add_unit(struct concepts *c, const char *category, const char *label)
{
    struct buf name = { 0 };
    size_t place;

    buf_printf(&name, "%s\t%s", category, label);
    place = (size_t)map_get(&c->by_name, buf_str(&name));
    if (place == 0) {
        GROW(c->concept, c->n + 1, c->cap);
        c->concept[c->n++] = (struct concept){ category, label, 0 };
        map_set(&c->by_name, buf_str(&name), (void *)c->n);
        place = c->n;
    }
    c->concept[place - 1].n++;
    buf_release(&name);
}

static int by_number(const void *pa, const void *pb)
{
    const struct concept *a = pa, *b = pb;
    int order;

    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    order = strcmp(a->category, b->category);
    return order != 0 ? order : strcmp(a->label, b->label);
}

static int run(const void *options, struct error *err)
{
    const struct options *o = options;
    struct concepts c = { 0 };
    struct buf text = { 0 };
    struct tsv t = { 0 };
    int rc = tsv_read(&t, o->units, err), category = -1, label = -1;

    if (rc == 0 && ((category = tsv_column(&t, "category", err)) < 0 ||
                    (label = tsv_column(&t, "label", err)) < 0))
        rc = E_INPUT;
    for (size_t row = 0; row < t.n_rows && rc == 0; row++)
        if (strcmp(tsv_get(&t, row, category), "none") != 0)
            add_unit(&c, tsv_get(&t, row, category), tsv_get(&t, row, label));
    qsort(c.concept, c.n, sizeof *c.concept, by_number);
    buf_adds(&text, "category\tconcept\tn\n");
    for (size_t i = 0; i < c.n; i++)
        buf_printf(&text, "%s\t%s\t%ld\n", c.concept[i].category, c.concept[i].label,
                   c.concept[i].n);
    if (rc == 0)
        rc = tsv_write(o->concepts, &text, err);
    map_release(&c.by_name);
    free(c.concept);
    buf_release(&text);
    tsv_release(&t);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("how many channels of a network respond to each concept"),
        STAGE_IN("units", &o.units, "channels with their concepts (TSV of dissect)"),
        STAGE_OUT("concepts", &o.concepts, "TSV: category concept n"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
