/*
 * run - runs the steps of a session that no record answers.
 *
 * One loop: start what is due while there is room, wait for something to happen. A step
 * that is done lets those that need it be looked up; they are then due, or done without
 * running (early cut-off).
 */
#ifndef LARDER_RUN_H
#define LARDER_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "session.h"

struct run_totals {
    size_t steps, ran, reused, fetched, failed, skipped;
    double seconds;
    int signal; /* that stopped us, or 0 */
    bool news;  /* something ran, failed, or another record is used than before */
};

/* Looks up and runs all wanted steps; each is told as it ends. A step that fails is
 * counted in *t and is no error here. Errors are those that no further step could get
 * past: a source that is missing, a disk that is full. */
int run_steps(struct session *s, struct run_totals *t, struct error *err);

#endif
