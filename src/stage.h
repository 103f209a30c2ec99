/*
 * stage - a stage of the recipe, checked against its program, before it is expanded.
 *
 * Everything that is the same for all of a stage's steps is found once, here: the names
 * of its inputs, outputs and options, and the values without expressions.
 */
#ifndef LARDER_STAGE_H
#define LARDER_STAGE_H

#include "build.h"

struct stage_input {
    const char *name;
    struct pos pos;                  /* of the name */
    const struct node *node;         /* what it refers to */
    const struct program_port *port; /* NULL in a `run:` stage */
    bool mapped;                     /* in `map:`: each step takes one shard */
};

struct stage_output {
    const char *name;
    struct pos pos;          /* of the name, or of the stage where it is not written */
    const struct node *path; /* NULL: the name */
    const struct node *shards, *expect, *compare;
    enum object_kind kind; /* of what one step makes */
    bool set, foreign;     /* an image set; of a `run:` stage, so it may well be one */
    size_t n_shards;       /* of `shards: N`; else 0 */
    bool temp;             /* keep: temp */
    int visibility;
};

struct stage_option {
    const struct node *node; /* NULL: the default */
    const char *fixed;       /* the canonical text, where it is the same for every step */
};

struct stage {
    const char *name;
    struct pos pos;
    const struct node *node; /* its map */
    struct matrix matrix;
    const struct program *program; /* NULL: a `run:` stage */
    struct stage_input *input;     /* sorted by name */
    size_t n_inputs;
    struct stage_output *output; /* sorted by name */
    size_t n_outputs;
    struct stage_option *option; /* in the order of program->option */
    const char **env;            /* sorted by name; a NULL node: the user's own value */
    const struct node **env_node;
    bool *env_passed; /* not part of the key: the step has what is set when it starts */
    size_t n_env;
    struct source **code;
    const char **code_path;
    size_t n_code;
    struct tool *tool; /* sorted by name */
    size_t n_tools;
    bool checkpoint, has_seed, mapped, network;
    enum sandbox_mode sandbox;
    size_t n_parts; /* of `map:`: steps of each member of the matrix; else 1 */
    size_t first;   /* of its steps in b->step; they are matrix.n * n_parts */
};

/* Reads `stages:` into b->stages. */
int stages_read(struct builder *b, struct error *err);
int stage_output_index(const struct stage *s, const char *name); /* or -1 */

#endif
