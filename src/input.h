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
    struct node *axis_value[MATRIX_AXES];
    const char **env_value; /* of stage->env; NULL: not set */
    struct error *err;
};

/* What the expressions of a member of a stage see; f->step is NULL. Call filling_end() in
 * any case. */
int filling_begin(struct filling *f, struct builder *b, struct stage *s, size_t member,
                  struct error *err);
void filling_end(struct filling *f);

/* Of a stage with `map:` the inputs hold whole sets until inputs_take_shard(). */
int inputs_fill(const struct filling *f);
/* Gives a step inputs of its own, with its shard of every set that is mapped over. */
void inputs_take_shard(struct builder *b, const struct stage *s, struct step *step);

#endif
