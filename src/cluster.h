/*
 * cluster - steps as jobs of Slurm (docs/adr/0014).
 *
 * A job is a member of a batch, which is an array job. What members and we tell each
 * other is in files (member.h); Slurm is asked which of them are in its queue, and why
 * one is no longer there that left no word.
 */
#ifndef LARDER_CLUSTER_H
#define LARDER_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "member.h"
#include "plan.h"
#include "running.h"
#include "session.h"

struct cluster;

/* *c is new: cluster_close(). Jobs that a larder before us submitted are found. E_SYSTEM
 * where there is no Slurm. */
int cluster_open(struct cluster **c, struct session *s, struct error *err);
/* NULL is fine. Jobs go on. */
void cluster_close(struct cluster *c);

/* A step that is due: it waits for the job that its key has already, else for the next
 * cluster_submit(). */
void cluster_add(struct cluster *c, struct work *w, const struct resources *wanted);
/* Submits what was added: an array for those of one stage with the same resources. */
int cluster_submit(struct cluster *c, struct error *err);

/* Jobs that somebody here waits for, and how many of them have no node yet. */
size_t cluster_count(const struct cluster *c);
size_t cluster_queued(const struct cluster *c);
/* Those that run, at most max, in list. */
size_t cluster_running(const struct cluster *c, struct running *list, size_t max);

/* What a job came to. */
struct cluster_end {
    struct work *work;
    struct member_end end; /* texts borrowed until cluster_close() */
    enum cause cause;      /* of MEMBER_FAILED, where it is not the step's own fault */
};

/* Looks at the files, and now and then at the queue. */
int cluster_look(struct cluster *c, double now, struct error *err);
/* The next one that is over; false when there is none. */
bool cluster_next(struct cluster *c, struct cluster_end *end);

/* Those without a node are cancelled. */
void cluster_drop_queued(struct cluster *c);
/* The same, and those that run get a signal, as a child of ours would. */
void cluster_signal(struct cluster *c, int signal);

#endif
