/*
 * lockfile - one file of the store whose bytes stand for what can be held.
 *
 * It is empty and stays so: only ranges of it are locked. A lock belongs to an open file
 * description (fcntl, F_OFD_SETLK), so it lasts until the last process that has the
 * description is gone. Two things may by chance share a byte: then one waits in vain.
 */
#ifndef LARDER_LOCKFILE_H
#define LARDER_LOCKFILE_H

#include <sys/types.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "layout.h"

enum lock { LOCK_SHARED, LOCK_ALONE };
enum { LOCK_TAKEN = 0, LOCK_BUSY = 1 };

/* A new description, closed on exec; close() gives up all that was taken through it. */
int lockfile_open(const struct store *st, int *fd, struct error *err);
/* LOCK_TAKEN, LOCK_BUSY or an error. What the description holds already, it holds. */
int lockfile_take(int fd, enum lock how, off_t place, struct error *err);

/* The same, waiting until it is free, which must be soon: 0 or an error. */
int lockfile_wait(int fd, enum lock how, off_t place, struct error *err);
/* Gives it up. */
void lockfile_leave(int fd, off_t place);

/* The byte that every run shares and that whoever drops objects wants alone; the byte of
 * a key, and that of a scratch folder, or a list of uses, by its name of 16 hex digits.
 * gc holds its own byte alone from beginning to end; the byte `going` it has alone while
 * something goes, and whoever begins to rely on something shares it for that moment. */
extern const off_t lockfile_runs, lockfile_gc, lockfile_going;
off_t lockfile_key(const struct digest *key);
off_t lockfile_scratch(const char *name);

#endif
