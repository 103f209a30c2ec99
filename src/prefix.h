/*
 * prefix - the folder in which the software is installed that a file belongs to.
 *
 * It is the PREFIX of PREFIX/bin/x and PREFIX/lib/x. A folder of `tools:` is all of it,
 * so a home is none, and ~/.local, where others keep more than software, only with the
 * folder of modules in it.
 */
#ifndef LARDER_PREFIX_H
#define LARDER_PREFIX_H

#include "larder/mem.h"

/* The prefix of a real, absolute path, in arena memory, or NULL. One in the folder ours
 * is a prefix only where it says so itself: those of Python's venv and of conda do. */
const char *prefix_of(struct arena *arena, const char *path, const char *ours);
/* The same of what a shim of pyenv starts, where path is of pyenv itself: the version
 * that it chooses in the folder ours. Else NULL. */
const char *prefix_of_shim(struct arena *arena, const char *path, const char *ours);
/* The folder of modules that were installed for the user alone which has this one, in
 * arena memory, or NULL. */
const char *prefix_of_module(struct arena *arena, const char *module);
/* A name for it in `tools:`. */
const char *prefix_name(struct arena *arena, const char *prefix);

#endif
