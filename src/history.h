/*
 * history - one file a run, .larder/runs/NNNN.tsv (docs/state.md): what became of each
 * step. The newest 30 are kept. A run in which nothing was new leaves none.
 */
#ifndef LARDER_HISTORY_H
#define LARDER_HISTORY_H

#include <stdbool.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "session.h"

int history_add(const struct session *s, struct error *err);

/* What became of a step. */
struct history_row {
    const char *outcome; /* "ran", "reused", "fetched", "failed" or "skipped" */
    const char *reason;  /* why it was to run, or "" */
    double seconds;      /* in that run */
    struct digest key, record;
    bool has_key, has_record;
};

/* One run, or what was known after it. */
struct history {
    struct arena arena;
    long number;    /* 0: there is none */
    long long when; /* it ended, seconds since 1970 */
    struct map row; /* step name → struct history_row, in the order of the plan */
};
int history_latest(struct history *h, const char *own, struct error *err);
/* The rows of a run, and of those before it that are kept, for steps of which nothing had
 * changed since. E_USAGE when there is no such run. */
int history_until(struct history *h, const char *own, long number, struct error *err);
/* The numbers of the runs that are kept, in their order: *n of them, new (free()). */
int history_numbers(const char *own, long **number, size_t *n, struct error *err);
void history_release(struct history *h);

#endif
