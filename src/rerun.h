/*
 * rerun - steps run once more with what they were made from, and held against their
 * records.
 *
 * Nothing that is in use changes: the second record is kept only where it gave other
 * bytes, beside the first. What agrees is signed as an attestation (docs/agreement.md).
 * What a step takes and is not here is fetched, else made once more.
 */
#ifndef LARDER_RERUN_H
#define LARDER_RERUN_H

#include <stdbool.h>
#include <stddef.h>

#include "agreement.h"
#include "larder/buf.h"
#include "larder/error.h"
#include "larder/sign.h"
#include "session.h"

struct rerun_totals {
    size_t n, same, within, other; /* steps that were compared */
    size_t failed;                 /* did not get to their end, or lack an input */
    double seconds;
    int signal; /* that stopped us, or 0 */
};

/* One step that was compared. Borrowed while it is told. */
struct rerun_result {
    const struct work *w;
    enum verdict verdict;
    const char *story;           /* lines, one for each output that is not the same */
    const struct digest *second; /* the record that is kept beside the first, or NULL */
};
typedef void rerun_told(void *self, const struct rerun_result *r);

struct rerun_order {
    const bool *chosen;          /* [n_steps]: those of them that are done */
    const struct signer *signer; /* of attestations */
    const char *const *env;      /* "NAME=VALUE", sorted: given to them besides */
    size_t n_env;
    rerun_told *told;
    void *self;
};

/* Of the done steps in s->chosen every one, or that share of them: the same each time for
 * one key of ours, and others for another. *chosen is arena memory, *n how many. */
int rerun_choose(struct session *s, double share, const struct key_id *id, bool **chosen,
                 size_t *n, struct error *err);
/* Whether a result of that key is among the share that is looked at. */
bool rerun_is_due(const struct digest *key, const struct key_id *id, double share);

/* Of a session that was begun and looked up; it is of no use for other runs afterwards.
 */
int rerun_steps(struct session *s, const struct rerun_order *order,
                struct rerun_totals *t, struct error *err);

#endif
