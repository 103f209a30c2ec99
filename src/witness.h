/*
 * witness - what a plan was made from, besides the words of the command line: files, the
 * absence of files, what patterns find, and variables of the environment.
 *
 * A plan that was kept (image.h) holds as long as its witness does. Whatever is read or
 * looked for while a recipe is read and a plan is built is therefore told here first.
 */
#ifndef LARDER_WITNESS_H
#define LARDER_WITNESS_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "matches.h"

struct witness_env {
    const char *name, *value; /* value NULL: not set */
};

struct witness_matches {
    const char *folder, *pattern;
    struct digest digest; /* of what was found */
};

struct witness_file {
    const char *path;
    bool is_there;
    bool is_folder; /* that it is one is all that matters */
    struct fs_state state;
    bool young; /* see state.h: the state alone does not vouch for the content, */
    struct digest digest; /* which was this */
};

struct witness {
    struct arena arena;
    struct map seen; /* "=NAME", paths and "FOLDER/PATTERN" */
    struct witness_env *env;
    size_t n_envs, cap_envs;
    struct witness_file *file;
    size_t n_files, cap_files;
    struct witness_matches *matches;
    size_t n_matches, cap_matches;
};

/* getenv(), told. w may be NULL in both calls: then nothing is told. */
const char *witness_env(struct witness *w, const char *name);
/* Before the file is opened or looked for. Links are followed. */
void witness_file(struct witness *w, const char *path);
/* What a pattern has found. */
void witness_matches(struct witness *w, const char *folder, const char *pattern,
                     const struct matches *found);
void witness_release(struct witness *w);

/* Whether each file told of can be vouched for by its state from now on: those that were
 * young are hashed again. */
bool witness_settle(struct witness *w);

/* Appends it in a form for witness_holds(). */
void witness_write(const struct witness *w, struct buf *to);
/* Whether what was written is as it was. */
bool witness_holds(const void *bytes, size_t n);

#endif
