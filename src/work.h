/*
 * work - what is known of each step while a plan is looked at or run.
 *
 * A step is unknown until all steps that it needs are done; then it has a key and either
 * a record, or it must run. A step that is done need not be here: of an output that is
 * not kept (`keep: temp`), or that another lab made, the record may be all there is. Such
 * a step is recalled, which is to say made again, when a step that runs needs its bytes.
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
    WORK_DUE,     /* has a key and no record, or lacks what a key needs: is to run */
    WORK_RUNNING,
    WORK_DONE, /* its outputs are known */
    WORK_FAILED,
    WORK_SKIPPED, /* was not run because another one failed, or because we were stopped */
};

struct work {
    const struct step *step;
    enum work_state state;
    bool wanted;  /* chosen, or needed by one that is */
    bool remake;  /* is to run even where a record answers */
    bool ran;     /* in this run */
    bool lost;    /* a record answers, but not all of its outputs are there */
    bool damaged; /* and this one is there and other bytes: */
    struct digest bad;
    bool unmet;             /* a record answers, and is not what the recipe expects */
    bool here;              /* of WORK_DONE: all its outputs are in the store */
    bool recalled;          /* a record is not enough: its outputs are needed */
    bool fetched;           /* its record came from a remote in this run */
    bool known;             /* of WORK_DONE: as the last proof has it (proof.h), */
    bool deep_known;        /* and so is all that is behind it */
    size_t n_waits;         /* needed steps that are not done, or recalled */
    struct key_facts facts; /* valid once key_text is */
    struct buf key_text;    /* empty: not written; see identify_key() */
    const struct source *abroad; /* to be fetched before there is a key, or NULL */
    const struct error *lacks;   /* why it cannot run; borrowed, or NULL */
    struct digest key;
    struct digest record_id;     /* of WORK_DONE */
    const struct object *output; /* of WORK_DONE: all step->n_objects of them */
    struct record *record;       /* ours; NULL until it is read: see lookup_record() */
    struct record *second; /* of one that ran again to be compared; ours, not kept yet */
    struct digest failed_log; /* of WORK_FAILED */
    bool out_of_memory;       /* why it failed */
    bool has_failed_log;
    char *reason;        /* why it runs; ours, or NULL */
    char *failure;       /* of WORK_FAILED: what went wrong; ours, or NULL */
    char *advice;        /* what it was refused, some lines; ours, or NULL */
    bool watch;          /* is to run under a trace; it failed before */
    const char *doubt;   /* why a record does not count that others signed, or NULL */
    bool told_doubt;     /* and that was told */
    const char *changed; /* what its program loaded and is other now, or NULL; borrowed */
    double seconds;      /* it took in this run */
    double expected;     /* seconds: `takes:`, else what it took last, or -1 */
    bool declared;       /* that is `takes:` */
    long long disk;      /* bytes: `disk:`, else of its last outputs, or -1 */
    double ahead;        /* expected seconds until the last step that needs it is done */
};

/* One struct work a step of the plan, in its order, all in *w (work_free()). wanted says
 * which steps, with all that those need. */
void work_new(struct work **w, const struct plan *plan, const bool *wanted);
void work_free(struct work *w, const struct plan *plan); /* NULL is fine */

/* Sets n_waits of wanted steps that are not done; to be called before the first of them
 * is looked at. */
void work_count_waits(struct work *all, const struct plan *plan);

/* The work of another step of the plan that `any` belongs to. */
struct work *work_of(const struct work *any, const struct step *step);
/* Sets the state; WORK_DONE is told to the steps that need w. */
void work_settle(struct work *w, enum work_state state);
/* Takes WORK_DONE back from w: it will run, and is added to recalled. Steps that are due
 * and need it become unknown. What it needs itself must have been recalled before, as far
 * as it cannot be had. */
struct queue;
void work_recall(struct work *w, struct queue *recalled);
/* WORK_DONE with the outputs of a record, which is taken. Arena memory holds them. */
void work_take_record(struct work *w, struct record *record, struct arena *arena);
/* An output, or other object, of a step that is done. */
const struct object *work_output(const struct work *w, int output);
/* The i-th object of a step in a record of it, or NULL. Borrowed from the record. */
const struct object *work_recorded(const struct step *step, const struct record *record,
                                   size_t i);

#endif
