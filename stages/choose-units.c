/*
 * choose-units - which channels a figure shows, by a rule that is written beside each.
 * The paper shows channels of its own networks by number; in any other run the numbers
 * mean nothing.
 *
 * in   units   list of TSV of `dissect`, by the axis net
 *      scores  list of TSV of `ablate`, by the axis net; for rule=roles
 *      importance  TSV of `concept-importance`; for rule=needed
 * out  chosen  TSV: block net layer unit category label iou shape texture why
 *
 * nets names two networks, S:R. Of equal channels the first counts.
 *
 * rule=roles: seven channels as in Figures A20 to A26. Of S: (1) for a texture, with the
 * largest of the smaller of its two scores; (2) for a color, of the last layer, with the
 * largest sum of scores; (3) for a texture, the largest Shape less Texture; (4) for a
 * texture, the largest Texture less Shape. Of R: (5) for a color, of the last layer but
 * one, with the largest smaller score; (6) for a texture, of the last layer, likewise;
 * (7) the smallest Texture over Shape. A block without a unit found none.
 *
 * rule=layers: of each layer and network the channel with the highest IoU for the
 * `place`-th most frequent concept of `category`; rule=last: of the last layer the three
 * highest, for that concept and for the `grown` concept: the object of which R has most
 * more channels. Frequencies are those of main labels over both networks.
 *
 * rule=needed: of the five concepts with the largest drop the three channels of each
 * network with the highest IoU, whatever the layer.
 *
 * rule=drawn: `count` channels of `layer`, drawn for each network (stage choose-units,
 * item NET/LAYER), in the order of their numbers.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/chosen.h"
#include "kit/draws.h"
#include "kit/stage.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "table/names.h"
#include "table/records.h"

#include "larder/banned.h"

enum { BEST = 3, NEEDED = 5 };

struct options {
    const char *units, *scores, *importance, *chosen;
    const char *nets, *rule, *category, *layer;
    int place, count;
    uint64_t seed;
};

struct unit {
    int net; /* 0 or 1 */
    const char *layer, *number, *category, *label, *score;
    double iou;
    int layer_at;                          /* the place of its layer */
    const char *shape_text, *texture_text; /* "" without scores */
    double shape, texture;
};

/* One run; all-zero is empty. */
struct work {
    const struct options *o;
    struct names nets; /* word: S, printed: R */
    struct records units, scores;
    struct unit *unit;
    size_t n, cap;
    int last; /* the place of the last layer */
    struct buf text;
    int blocks;
};

static const char *net_name(const struct work *w, int net)
{
    return net == 0 ? w->nets.word[0] : w->nets.printed[0];
}

/* Which of the two networks a record is of; -1: another. */
static int net_of(const struct work *w, const struct records *r, size_t record)
{
    const char *net = manifest_axis(&r->manifest, record, "net");

    return net == NULL                        ? -1
           : strcmp(net, net_name(w, 0)) == 0 ? 0
           : strcmp(net, net_name(w, 1)) == 0 ? 1
                                              : -1;
}

static int read_units(struct work *w, const struct tsv *t, int net, struct error *err)
{
    static const char *const names[] = { "layer", "unit", "category", "label", "score" };
    int column[5], layer = -1, rc = 0;

    for (size_t i = 0; i < 5 && rc >= 0; i++)
        rc = column[i] = tsv_column(t, names[i], err);
    for (size_t row = 0; row < t->n_rows && rc >= 0; row++) {
        struct unit u = { .net = net,
                          .layer = tsv_get(t, row, column[0]),
                          .number = tsv_get(t, row, column[1]),
                          .category = tsv_get(t, row, column[2]),
                          .label = tsv_get(t, row, column[3]),
                          .score = tsv_get(t, row, column[4]),
                          .shape_text = "",
                          .texture_text = "" };

        rc = tsv_double(t, row, column[4], &u.iou, err);
        layer += row == 0 || strcmp(u.layer, tsv_get(t, row - 1, column[0])) != 0;
        u.layer_at = layer;
        w->last = layer > w->last ? layer : w->last;
        GROW(w->unit, w->n + 1, w->cap);
        w->unit[w->n++] = u;
    }
    return rc < 0 ? rc : 0;
}

static struct unit *find_unit(struct work *w, int net, const char *layer,
                              const char *number)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->unit[i].net == net && strcmp(w->unit[i].number, number) == 0 &&
            strcmp(w->unit[i].layer, layer) == 0)
            return &w->unit[i];
    return NULL;
}

static int read_scores(struct work *w, const struct tsv *t, int net, struct error *err)
{
    static const char *const names[] = { "layer", "unit", "shape", "texture" };
    int column[4], rc = 0;

    for (size_t i = 0; i < 4 && rc >= 0; i++)
        rc = column[i] = tsv_column(t, names[i], err);
    for (size_t row = 0; row < t->n_rows && rc >= 0; row++) {
        struct unit *u =
            find_unit(w, net, tsv_get(t, row, column[0]), tsv_get(t, row, column[1]));

        if (u == NULL)
            return error_set(err, E_INPUT, "%s:%zu: this channel was not dissected",
                             t->path, tsv_line(t, row));
        u->shape_text = tsv_get(t, row, column[2]);
        u->texture_text = tsv_get(t, row, column[3]);
        rc = tsv_double(t, row, column[2], &u->shape, err);
        if (rc >= 0)
            rc = tsv_double(t, row, column[3], &u->texture, err);
    }
    return rc < 0 ? rc : 0;
}

static int read_all(struct work *w, struct error *err)
{
    int rc = names_pairs(&w->nets, w->o->nets, "nets", err);

    if (rc == 0 && w->nets.n != 1)
        rc = error_set(err, E_INPUT, "nets is \"%s\", not S:R", w->o->nets);
    if (rc == 0)
        rc = records_read(&w->units, w->o->units, err);
    if (rc == 0 && w->o->scores)
        rc = records_read(&w->scores, w->o->scores, err);
    for (int net = 0; net < 2 && rc == 0; net++)
        for (size_t i = 0; i < w->units.n && rc == 0; i++)
            if (net_of(w, &w->units, i) == net)
                rc = read_units(w, &w->units.record[i].tsv, net, err);
    for (size_t i = 0; i < w->scores.n && rc == 0; i++)
        if (net_of(w, &w->scores, i) >= 0)
            rc = read_scores(w, &w->scores.record[i].tsv, net_of(w, &w->scores, i), err);
    return rc;
}

static void add_block(struct work *w, int net, const struct unit *u, const char *why)
{
    buf_printf(&w->text, "%d\t%s", ++w->blocks, net_name(w, net));
    if (u != NULL)
        buf_printf(&w->text, "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u->layer, u->number,
                   u->category, u->label, u->score, u->shape_text, u->texture_text, why);
    else
        buf_printf(&w->text, "\t\t\t\t\t\t\t\t%s: none\n", why);
}

/* rule=roles */

static double smaller(const struct unit *u)
{
    return u->shape < u->texture ? u->shape : u->texture;
}

static double sum(const struct unit *u)
{
    return u->shape + u->texture;
}

static double more_shape(const struct unit *u)
{
    return u->shape - u->texture;
}

static double more_texture(const struct unit *u)
{
    return u->texture - u->shape;
}

/* Texture over Shape, turned round: any Shape without Texture is above all others, and a
 * channel without Shape is none. */
static double shape_alone(const struct unit *u)
{
    if (u->shape <= 0)
        return -HUGE_VAL;
    return u->texture > 0 ? -u->texture / u->shape : u->shape;
}

static void add_role(struct work *w, int net, const char *category, int layer,
                     double (*of)(const struct unit *u), double least, const char *why)
{
    const struct unit *best = NULL;

    for (size_t i = 0; i < w->n; i++) {
        const struct unit *u = &w->unit[i];

        if (u->net != net || (category != NULL && strcmp(u->category, category) != 0) ||
            (layer >= 0 && u->layer_at != layer) || of(u) < least)
            continue;
        if (best == NULL || of(u) > of(best))
            best = u;
    }
    add_block(w, net, best, why);
}

static void choose_roles(struct work *w)
{
    int last = w->last;

    add_role(w, 0, "texture", -1, smaller, 1, "texture, largest of the smaller score");
    add_role(w, 0, "color", last, sum, 1, "color, last layer, largest sum of scores");
    add_role(w, 0, "texture", -1, more_shape, 1, "texture, largest Shape less Texture");
    add_role(w, 0, "texture", -1, more_texture, 1, "texture, largest Texture less Shape");
    add_role(w, 1, "color", last - 1, smaller, 1,
             "color, last layer but one, largest of the smaller score");
    add_role(w, 1, "texture", last, smaller, 1,
             "texture, last layer, largest of the smaller score");
    add_role(w, 1, NULL, -1, shape_alone, -DBL_MAX, "smallest Texture over Shape");
}

/* Concepts. */

struct concept {
    const char *label;
    long n[2]; /* channels of both networks */
};

static int by_frequency(const void *pa, const void *pb)
{
    const struct concept *a = pa, *b = pb;
    long x = a->n[0] + a->n[1], y = b->n[0] + b->n[1];

    return x != y ? (x > y ? -1 : 1) : strcmp(a->label, b->label);
}

static int by_growth(const void *pa, const void *pb)
{
    const struct concept *a = pa, *b = pb;
    long x = a->n[1] - a->n[0], y = b->n[1] - b->n[0];

    return x != y ? (x > y ? -1 : 1) : strcmp(a->label, b->label);
}

/* The place-th concept of a category in an order, or NULL. */
static const char *find_concept(const struct work *w, const char *category, int place,
                                int (*order)(const void *, const void *))
{
    struct concept *c = xcalloc(w->n + 1, sizeof *c);
    const char *label = NULL;
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        const struct unit *u = &w->unit[i];
        size_t k = 0;

        if (strcmp(u->category, category) != 0)
            continue;
        while (k < n && strcmp(c[k].label, u->label) != 0)
            k++;
        c[k].label = u->label;
        c[k].n[u->net]++;
        n += k == n;
    }
    qsort(c, n, sizeof *c, order);
    if ((size_t)place <= n)
        label = c[place - 1].label;
    free(c);
    return label;
}

/* The channel of highest IoU for a label that comes after another, or after none; layer
 * -1: of any. */
static const struct unit *best_for(const struct work *w, int net, int layer,
                                   const char *label, const struct unit *after)
{
    const struct unit *best = NULL;

    for (size_t i = 0; i < w->n; i++) {
        const struct unit *u = &w->unit[i];
        bool before = after != NULL &&
                      (u->iou > after->iou || (u->iou >= after->iou && u <= after));

        if (u->net == net && (layer < 0 || u->layer_at == layer) &&
            strcmp(u->label, label) == 0 && !before &&
            (best == NULL || u->iou > best->iou))
            best = u;
    }
    return best;
}

static void choose_layers(struct work *w)
{
    const char *label = find_concept(w, w->o->category, w->o->place, by_frequency);

    for (int layer = 0; layer <= w->last && label != NULL; layer++)
        for (int net = 0; net < 2; net++)
            add_block(w, net, best_for(w, net, layer, label, NULL), label);
}

/* The best three of a network. */
static void add_best(struct work *w, int net, int layer, const char *label,
                     const char *why)
{
    const struct unit *u = NULL;

    for (int i = 0; i < BEST; i++) {
        u = best_for(w, net, layer, label, u);
        if (u == NULL)
            return;
        add_block(w, net, u, why);
    }
}

static int choose_needed(struct work *w, struct error *err)
{
    struct tsv t = { 0 };
    int concept, drop, rc = 0;

    if (w->o->importance == NULL)
        return error_set(err, E_INPUT, "rule=needed needs importance");
    rc = tsv_read(&t, w->o->importance, err);
    if (rc == 0 && ((concept = tsv_column(&t, "concept", err)) < 0 ||
                    (drop = tsv_column(&t, "drop", err)) < 0))
        rc = E_INPUT;
    for (size_t row = 0; row < t.n_rows && row < NEEDED && rc == 0; row++)
        for (int net = 0; net < 2; net++) {
            struct buf why = { 0 };

            buf_printf(&why, "%s, without it %s %% wrong", tsv_get(&t, row, concept),
                       tsv_get(&t, row, drop));
            add_best(w, net, -1, tsv_get(&t, row, concept), buf_str(&why));
            buf_release(&why);
        }
    tsv_release(&t);
    return rc;
}

static void choose_last(struct work *w)
{
    const char *labels[2] = { find_concept(w, "object", 1, by_growth),
                              find_concept(w, w->o->category, w->o->place,
                                           by_frequency) };

    for (int k = 0; k < 2; k++)
        for (int net = 0; net < 2 && labels[k] != NULL; net++)
            add_best(w, net, w->last, labels[k], labels[k]);
}

/* rule=drawn */

static void draw_units(struct work *w, int net)
{
    size_t *place = xcalloc(w->n + 1, sizeof *place);
    uint32_t n = 0, *order;
    bool *taken;
    char item[64];
    struct draws d;

    for (size_t i = 0; i < w->n; i++)
        if (w->unit[i].net == net && strcmp(w->unit[i].layer, w->o->layer) == 0)
            place[n++] = i;
    order = xcalloc((size_t)n + 1, sizeof *order);
    taken = xcalloc((size_t)n + 1, sizeof *taken);
    snprintf(item, sizeof item, "%s/%s", net_name(w, net), w->o->layer);
    draws_init(&d, "choose-units", "", item, w->o->seed);
    if (n > 0)
        draws_permutation(&d, order, n);
    for (uint32_t i = 0; i < n && i < (uint32_t)w->o->count; i++)
        taken[order[i]] = true;
    for (uint32_t i = 0; i < n; i++)
        if (taken[i])
            add_block(w, net, &w->unit[place[i]], "drawn");
    free(place);
    free(order);
    free(taken);
}

static int choose(struct work *w, struct error *err)
{
    buf_adds(&w->text, CHOSEN_HEADER);
    if (strcmp(w->o->rule, "roles") == 0) {
        if (w->o->scores == NULL)
            return error_set(err, E_INPUT, "rule=roles needs scores");
        choose_roles(w);
    } else if (strcmp(w->o->rule, "layers") == 0) {
        choose_layers(w);
    } else if (strcmp(w->o->rule, "last") == 0) {
        choose_last(w);
    } else if (strcmp(w->o->rule, "needed") == 0) {
        return choose_needed(w, err);
    } else {
        draw_units(w, 0);
        draw_units(w, 1);
    }
    return 0;
}

static int run(const void *options, struct error *err)
{
    struct work w = { .o = options };
    int rc = read_all(&w, err);

    if (rc == 0)
        rc = choose(&w, err);
    if (rc == 0)
        rc = tsv_write(w.o->chosen, &w.text, err);
    buf_release(&w.text);
    free(w.unit);
    records_release(&w.units);
    records_release(&w.scores);
    names_release(&w.nets);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .nets = "S:R",
                         .rule = "roles",
                         .category = "texture",
                         .layer = "conv1",
                         .place = 1,
                         .count = 20 };
    const struct stage_arg args[] = {
        STAGE_ABOUT("which channels a figure shows, by a rule"),
        STAGE_IN_LIST("units", &o.units, "channels with their concepts, by net"),
        STAGE_MAY_IN_LIST("scores", &o.scores, "what channels are needed for, by net"),
        STAGE_MAY_IN("importance", &o.importance, "TSV of concept-importance"),
        STAGE_OUT("chosen", &o.chosen, "TSV: block net layer unit … why"),
        STAGE_STRING("nets", &o.nets, "the two networks, S:R"),
        STAGE_CHOICE("rule", &o.rule, "roles|layers|last|needed|drawn", "see above"),
        STAGE_STRING("category", &o.category, "rule=layers, last: of the concept"),
        STAGE_INT("place", &o.place, 1, 1000, "its place by frequency"),
        STAGE_STRING("layer", &o.layer, "rule=drawn: of which layer"),
        STAGE_INT("count", &o.count, 1, 10000, "rule=drawn: how many a network"),
        STAGE_SEED(&o.seed),
        STAGE_END,
    };
    return stage_main(argc, argv, args, run, &o);
}
