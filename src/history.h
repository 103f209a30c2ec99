/*
 * history - one file a run, .larder/runs/NNNN.tsv (docs/state.md): what became of each
 * step. The newest 30 are kept. A run in which nothing was new leaves none.
 */
#ifndef LARDER_HISTORY_H
#define LARDER_HISTORY_H

#include "larder/error.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "session.h"

int history_add(const struct session *s, struct error *err);

/* The latest run. */
struct history {
    struct arena arena;
    long number;        /* 0: there is none */
    struct map outcome; /* step name → "ran", "reused", "fetched", "failed", "skipped" */
};
int history_latest(struct history *h, const char *own, struct error *err);
void history_release(struct history *h);

#endif
