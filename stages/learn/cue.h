/*
 * cue - by which cue a network answers a picture whose shape and texture disagree
 * (Geirhos et al. 2019, arXiv:1811.12231).
 *
 * A network may know finer classes than the cues: a coarse class then has the mean of the
 * probabilities of its fine classes, and not their sum, with which a coarse class of many
 * members would swallow all (rgeirhos/texture-vs-shape,
 * code/probabilities_to_decision.py).
 */
#ifndef LEARN_CUE_H
#define LEARN_CUE_H

#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"

/* Which coarse class each fine one belongs to. All-zero is empty. */
struct coarse {
    int fine, n;  /* fine and coarse classes */
    int *of;      /* of[fine class], -1: none */
    int *members; /* of each coarse class */
    char **name;  /* of each coarse class, sorted by bytes; NULL for the identity */
};

void coarse_identity(struct coarse *c, int classes);
/* From a TSV with the columns class (fine, from 0) and coarse (a name). Coarse classes
 * are numbered by their names in byte order; fine classes that are not listed take no
 * part. Refuses (E_INPUT) a class outside 0..fine-1 and one that is listed twice. */
int coarse_read(struct coarse *c, const char *path, int fine, struct error *err);
void coarse_release(struct coarse *c);

/* mean[i]: of the probabilities p of the members of coarse class i. */
void coarse_means(const struct coarse *c, const double *p, double *mean);

/* "shape", "texture" or "other". */
const char *cue_answer(int predicted, int32_t shape, int32_t texture);

#endif
