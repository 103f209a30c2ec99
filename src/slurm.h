/*
 * slurm - what Slurm is asked, by its own commands.
 */
#ifndef LARDER_SLURM_H
#define LARDER_SLURM_H

#include "larder/buf.h"
#include "larder/error.h"
#include "member.h"
#include "plan.h"
#include "session.h"

/* Runs one of its commands; appends what it prints. Its exit status, with the first line
 * of what it says in *err, or an error. */
int slurm_run(const char *const argv[], struct buf *out, struct error *err);

/* The state of member i of an array job, "CANCELLED"; new, or NULL: it is not known. */
char *slurm_state(const char *id, size_t i);

/* Writes the folder of a batch, submits its members as an array job, and writes down the
 * number of that: *id, new. */
int slurm_submit(const struct session *s, const char *folder, const struct member *m,
                 size_t n, const struct resources *r, char **id, struct error *err);
/* The number of the job of a batch, written down or found by its name; new, or NULL: it
 * has none. */
char *slurm_find(const char *folder);

#endif
