/*
 * work - what is known of each step while a plan is looked at or run.
 *
 * A step is unknown until all steps that it needs are done; then it has a key and either
 * a record, or it must run. One struct work a step, in step->run.
 */
#ifndef LARDER_WORK_H
#define LARDER_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "key.h"
#include "larder/digest.h"
#include "larder/mem.h"
#include "larder/record.h"
#include "plan.h"

enum work_state {
    WORK_UNKNOWN, /* waits for steps that it needs */
    WORK_DUE,     /* has a key and no record: is to run */
    WORK_RUNNING,
    WORK_DONE, /* has a record */
    WORK_FAILED,
    WORK_SKIPPED, /* was not run because another one failed, or because we were stopped */
};

struct work {
    struct step *step;
    enum work_state state;
    bool wanted;        /* chosen, or needed by one that is */
    bool remake;        /* is to run even where a record answers */
    bool ran;           /* in this run */
    bool lost;          /* a record answers, but not all of its outputs are there */
    struct work **need; /* the steps it needs, each once, in plan order */
    size_t n_needs;
    struct work **user; /* the wanted steps that need it, each once, in plan order */
    size_t n_users;
    size_t n_waits;         /* needed steps that are not done */
    struct key_facts facts; /* valid once key_text is */
    struct buf key_text;
    struct digest key;
    struct record *record;    /* of WORK_DONE: what it gave; ours */
    struct digest failed_log; /* of WORK_FAILED */
    bool has_failed_log;
    char *reason;    /* why it runs; ours, or NULL */
    double seconds;  /* it took in this run */
    double expected; /* seconds it took when it ran last, or -1 */
    double ahead;    /* expected seconds until the last step that needs it is done */
};

/* One struct work a step of the plan, all in *w (work_free()); the steps' `run` points
 * into it. wanted says which steps, with all that those need. */
void work_new(struct work **w, struct arena *arena, const struct plan *plan,
              const bool *wanted);
void work_free(struct work *w, const struct plan *plan); /* NULL is fine */

struct work *work_of(const struct step *step);
/* Sets the state; WORK_DONE is told to the steps that need w. */
void work_settle(struct work *w, enum work_state state);
/* The object of an output of a step that is done. */
const struct object *work_output(const struct work *w, int output);

#endif
