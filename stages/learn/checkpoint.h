/*
 * checkpoint - what a program has reached, in a folder that survives its death.
 *
 * The folder holds files and one list of them, `checkpoint.tsv` (columns file, sha256). A
 * checkpoint is made by writing files under names that the last one did not use and then
 * replacing the list by a rename: whoever is killed at any moment finds the last whole
 * checkpoint or the new one. What the list does not name is removed. Every file is held
 * against its digest before use, so a damaged checkpoint is as good as none.
 *
 * Without a folder (NULL) every call does nothing.
 */
#ifndef LEARN_CHECKPOINT_H
#define LEARN_CHECKPOINT_H

#include <stdbool.h>

#include "larder/digest.h"
#include "larder/error.h"

struct checkpoint_file {
    char *name;
    struct digest id;
};

/* All-zero is a checkpoint without a folder. */
struct checkpoint {
    const char *dir; /* borrowed */
    struct checkpoint_file *file;
    size_t n, cap;
};

enum { CHECKPOINT_FOUND = 0, CHECKPOINT_NONE = 1 };

/* CHECKPOINT_FOUND, or CHECKPOINT_NONE when there is none or *why (not NULL then) says
 * what is wrong with it; why is a buffer of an error's size. dir is borrowed until
 * release. */
int checkpoint_open(struct checkpoint *c, const char *dir, struct error *why);
void checkpoint_release(struct checkpoint *c);
/* The path of a file in the folder: new (free()). */
char *checkpoint_path(const struct checkpoint *c, const char *name);
size_t checkpoint_count(const struct checkpoint *c, const char *prefix);

/* Takes the file `name`, just written in the folder, into the next checkpoint. */
int checkpoint_add(struct checkpoint *c, const char *name, struct error *err);
/* Leaves a file out of the next checkpoint. */
void checkpoint_drop(struct checkpoint *c, const char *name);
/* Makes what was added the checkpoint, and removes what it does not name. */
int checkpoint_commit(struct checkpoint *c, struct error *err);

#endif
