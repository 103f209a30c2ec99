/*
 * input - what a step's inputs refer to: sources, imports, outputs of other steps.
 */
#ifndef LARDER_INPUT_H
#define LARDER_INPUT_H

#include "stage.h"

/* A step being filled in. */
struct filling {
    struct builder *b;
    struct stage *stage;
    struct step *step;
    size_t member; /* of the stage's matrix */
    struct scope scope;
    const char **env_value; /* of stage->env; NULL: not set */
    struct error *err;
};

int inputs_fill(const struct filling *f);

#endif
