/*
 * crate - a run as a Workflow Run RO-Crate: a folder with a target's files and
 * ro-crate-metadata.json, which says how they were made (docs/crate.md).
 *
 * RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) with the profiles Process, Workflow and
 * Provenance Run Crate 0.5 (https://w3id.org/ro/wfrun/provenance/0.5). It names no host,
 * user or absolute path, and no time but those of the run: the same run gives the same
 * bytes. What is private is told by its digest and not copied; what never leaves here
 * (larder.trust) is not even told so.
 */
#ifndef LARDER_CRATE_H
#define LARDER_CRATE_H

#include "session.h"

/* Writes the crate of a target into folder, which is empty or absent. The steps of the
 * session must have been looked up and be done, and it must know whom it trusts. On
 * failure nothing stays in the folder. */
int crate_write(struct session *s, const struct target *target, const char *folder,
                struct error *err);

#endif
