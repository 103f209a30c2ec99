/*
 * landing - a file that comes into a folder that is a remote: written under tmp/, put on
 * the disk, and then named.
 *
 *   struct landing l = { 0 };
 *   landing_open(&l, root); write to l.fd; landing_name(&l, name, how);
 * landing_close(&l);
 *
 * Symbolic links below the folder are never followed. Whoever is killed leaves at most a
 * file under tmp/. All that fail set errno.
 */
#ifndef LARDER_LANDING_H
#define LARDER_LANDING_H

#include <stdbool.h>

#include "remote.h"

struct landing { /* all-zero: nothing is open */
    bool open;
    int root, tmp, fd; /* root is borrowed */
    char part[17];     /* its name under tmp/ */
};

/* 0, or -1. */
int landing_open(struct landing *l, int root);
/* Puts it on the disk and gives it its name: REMOTE_DONE; REMOTE_THERE when something has
 * the name and is to stay; or -1. */
int landing_name(struct landing *l, const char *name, enum remote_put how);
void landing_close(struct landing *l);

/* Removes what others have left under tmp/ when they were killed. Best effort. */
void landing_sweep(int root);

/* The folder that a name is in, opened; with make, what is not there is made. *last is
 * the part of the name behind it, borrowed. -1 where it is not. */
int landing_parent(int root, const char *name, bool make, const char **last);
/* A regular file, opened for reading: its descriptor, or -1. errno is ENOENT where there
 * is none, or something else of that name. */
int landing_read(int root, const char *name, long long *size);

#endif
