/*
 * judge - how far two pictures, or two sets of weights, are from each other: what only a
 * program can read, `compare` tells.
 *
 * It is started like a step, in a scratch folder and in the sandbox, but it is no step:
 * there is no key and no record.
 */
#ifndef LARDER_JUDGE_H
#define LARDER_JUDGE_H

#include "agreement.h"
#include "larder/error.h"
#include "session.h"

/* Adds two objects, which are here, by a comparator of pictures or tensors. That they
 * cannot be compared is no error: they then do not agree. */
int judge(struct session *s, const struct comparator *how, const struct object *a,
          const struct object *b, struct agreement *g, struct error *err);

#endif
