/*
 * key - the text of all that may change a step's outputs, and its SHA-256.
 *
 * Format 1, docs/key.md. The text names no path of this machine, no host, user, time,
 * profile, stage name, thread count, resource, device or library version.
 */
#ifndef LARDER_KEY_H
#define LARDER_KEY_H

#include "larder/buf.h"
#include "larder/digest.h"
#include "plan.h"

/* What the inputs of a step are, in the order of step->input and of their items. */
struct key_facts {
    struct object **input;    /* input[i][j]: item j of input i (a list may be empty) */
    struct object *code;      /* of step->code */
    struct digest executable; /* of a `run:` stage */
    struct digest *tool;      /* of step->tool */
};

/* Appends the key document and sets *key. */
void key_of_step(const struct step *step, const struct key_facts *facts, struct buf *text,
                 struct digest *key);

#endif
