/*
 * lease - the right to run the step of a key, held by one process tree at a time.
 *
 * A lease is an open-file-description lock on a byte of the file `locks`, chosen by the
 * key. It lasts as long as any process has the descriptor open: a step that inherits it
 * keeps the key leased until its last process is gone, also when `larder` was killed.
 * Nothing ever needs to be unlocked by hand. It works between processes of one machine,
 * and where the file system of the store passes locks on, between machines.
 */
#ifndef LARDER_LEASE_H
#define LARDER_LEASE_H

#include <signal.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/store.h"

struct lease;

enum { LEASE_TAKEN = 0, LEASE_BUSY = 1, LEASE_INTERRUPTED = 2 };

/* LEASE_TAKEN with *l new (lease_release()), LEASE_BUSY with *l NULL when any process,
 * this one too, holds the lease of the key (or by a rare chance of another one), or an
 * error. Look the key up again after taking it: another process may just have recorded
 * it. */
int lease_try(struct lease **l, struct store *st, const struct digest *key,
              struct error *err);
/* The same, waiting until the lease is free or *stop is not 0 (LEASE_INTERRUPTED). stop
 * may be NULL; it is looked at every 100 ms at least. */
int lease_wait(struct lease **l, struct store *st, const struct digest *key,
               const volatile sig_atomic_t *stop, struct error *err);

/* The descriptor, closed on exec. Borrowed. */
int lease_fd(const struct lease *l);
/* Lets the next program that this process executes hold the lease too, by a descriptor
 * with a number beyond those that a script uses for its own. Made for the child between
 * fork or vfork and exec: it changes only the calling process's descriptors and is safe
 * there. */
enum { LEASE_PASSED_ON = 100 };
void lease_pass_on(const struct lease *l);

/* Gives up our hold; NULL is fine. The lease is free once no other process has it. */
void lease_release(struct lease *l);

#endif
