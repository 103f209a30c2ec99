/*
 * trial - one scenario with one failure, and what must hold then.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "scene.h"
#include "table.h"

/* What a scenario does when nothing fails. */
struct reference {
    struct calls calls;
    int rc, again;
    struct digest before, after, end;
    char *wrong; /* what was wrong before: a scenario may begin with damage; or NULL */
};

struct trial {
    const struct scenario *of;
    const struct reference *ref;
    struct failure f;
};

/* The folder that scenes are made in, and the seed to tell, or 0. */
extern char trial_dir[64];
extern unsigned long trial_seed;
extern struct trial trial_now; /* the last one begun */
extern struct trial_counts {
    long tried, met, wrong;
} trial_counts;

/* Twice: the second time is what comes after a failure. reference_release(). */
void refer(struct reference *ref, const struct scenario *of);
void reference_release(struct reference *ref);

bool fault_is_gentle(enum fault fault); /* after which nothing may fail */
/* Tries it and tells on stdout what is wrong. */
void try(const struct trial *t);

#endif
