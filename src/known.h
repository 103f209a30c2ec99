/*
 * known - the steps that need not be looked up, since no file behind them has changed.
 *
 * The proof of the last run says which files have changed. The steps that read one, or
 * made one, and all behind them are in doubt; every other step has the key, record and
 * outputs that it had. So the cost of a look follows what has changed.
 */
#ifndef LARDER_KNOWN_H
#define LARDER_KNOWN_H

#include "session.h"

/* Makes what is known of wanted steps WORK_DONE, and counts for each of the others the
 * needed steps that are not. */
void known_take(struct session *s);

/* Of a step that was in doubt, once all that it needs is done: whether nothing that its
 * key holds has changed after all. It is then WORK_DONE. */
bool known_after_all(struct session *s, struct work *w);

#endif
