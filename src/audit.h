/*
 * audit - a share of what others have computed, computed here too: `audit` of
 * larder.trust.
 */
#ifndef LARDER_AUDIT_H
#define LARDER_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/sign.h"
#include "rerun.h"
#include "session.h"

/* Which steps are due: their results are signed by others, chance has chosen them by key
 * and by our own key, and they were not made here before. Of a session whose run is over.
 * *chosen is arena memory. *signer is new where *n is not 0. */
int audit_choose(struct session *s, bool **chosen, size_t *n, struct signer **signer,
                 struct error *err);
/* Makes them again and tells what came of it; the session is of no use afterwards. */
int audit_steps(struct session *s, const bool *chosen, const struct signer *signer,
                struct rerun_totals *t, struct error *err);

#endif
