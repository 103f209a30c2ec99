/*
 * build - what is known while a plan is built: its stages, imports, sources and axes.
 *
 * plan_build() first reads every stage and import (stage.c, import.c), which gives each
 * step its name and outputs, then fills the steps in (step.c, input.c), so that a stage
 * may name any other, and last puts them in order (order.c) and reads the targets
 * (target.c).
 */
#ifndef LARDER_BUILD_H
#define LARDER_BUILD_H

#include "expr.h"
#include "larder/map.h"
#include "lock.h"
#include "matrix.h"
#include "plan.h"

struct import;
struct stage;

struct builder {
    struct plan *plan;
    struct arena *arena; /* the plan's */
    const struct recipe *recipe;
    struct programs *programs;
    struct values_pool pool;
    const struct lock *lock; /* larder.lock, once an import has asked for it */
    struct map stages;       /* name to struct stage */
    struct map imports;      /* name to struct import */
    struct map tools;        /* name to struct tool */
    struct map executables;  /* name to the path that PATH has */
    struct map
        sources; /* name of an import's member, or absolute path, to struct source */
    struct step **step; /* every step, in the order of the recipe */
    size_t n_steps, cap_steps;
    size_t cap_sources;
};

/* A new source, in the plan's list. key: what it is known by. */
struct source *builder_add_source(struct builder *b, const char *key);
/* The file or folder at a path of the user's, `./` taken as the folder of where it is
 * written. */
struct source *builder_source(struct builder *b, const char *path, const struct pos *pos);
/* The same for `code:`. */
struct source *builder_code(struct builder *b, const char *path, const struct pos *pos);
/* What a path of the user's names: a tree where it ends in /, which is then cut off. */
enum object_kind builder_path_kind(struct builder *b, const char **path);
/* The absolute path of a file named at pos, in arena memory. */
const char *builder_path(struct builder *b, const char *path, const struct pos *pos);
/* The names of a map, new: free(). */
const char **builder_names(const struct map *m);

#endif
