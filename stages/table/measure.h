/*
 * measure - what a record file says, as numbers.
 *
 * A measure is a pure function of one record: it knows the columns it needs and nothing
 * of networks or data sets. It gives one number a part: `accuracy` has one part,
 * `cue-share` has the parts shape and texture. A share also keeps the answer to each
 * picture, so that two records of the same pictures can be compared (table/pairs.h).
 *
 *   accuracy    columns image label predicted     100 k/n, right of all
 *   cue-share   columns image answer              100 k/n of those answered by either cue
 *   kernel-tv   columns layer filters mean_tv …   the row `network`: parts mean,
 *                                                 all-filters, over-l1, isotropic
 *   overlap     columns image label found exact both (segment): parts mean-iou (the mean
 *               over the labels of intersection over union, each over all pixels) and
 *               pixels (the share that is right)
 */
#ifndef TABLE_MEASURE_H
#define TABLE_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#include "kit/tsv.h"
#include "table/share.h"

#define MEASURES "accuracy|cue-share|kernel-tv|overlap"

enum { MEASURE_PARTS = 4 };

/* Of one picture: did it count (decided), and was the answer the part's (yes)? */
struct answer {
    const char *image; /* borrowed from the record's tsv */
    bool decided;
    unsigned char part; /* of which part, where decided; MEASURE_PARTS: of none */
};

struct measured {
    bool share; /* k of n: it has an interval and can be paired */
    size_t n_parts;
    double value[MEASURE_PARTS]; /* not of a share */
    bool has_intervals;          /* of the values */
    struct interval interval[MEASURE_PARTS];
    long k[MEASURE_PARTS]; /* of a share */
    long n;                /* pictures that counted; else filters */
    struct answer *answer; /* of a share, sorted by image */
    size_t n_answers;
};

struct measure {
    const char *name, *unit;
    const char *part[MEASURE_PARTS]; /* NULL after the last */
    size_t n_tested; /* parts, from the first, whose comparisons say something of their
                        own: a texture share is one less the shape share */
    int (*read)(struct measured *m, const struct tsv *record, struct error *err);
};

/* The measure of that name, or NULL. */
const struct measure *measure_find(const char *name);
size_t measure_parts(const struct measure *m);
/* Fills *m; record must stay as long as it. E_INPUT with path and line for a record that
 * lacks a column, names a picture twice or holds a word that is no answer. */
int measure_read(const struct measure *measure, struct measured *m,
                 const struct tsv *record, struct error *err);
void measured_release(struct measured *m);
/* Leaves only the pictures of a sorted list to count. */
void measured_keep(struct measured *m, const char *const *image, size_t n);

#endif
