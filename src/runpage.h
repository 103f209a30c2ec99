/*
 * runpage - the page run.html: when, where and at what cost each step was made, and what
 * it printed.
 *
 * One file that needs no other. It names no host, user or absolute path of the project.
 * Each step has the anchor k- and the first 16 digits of its key, to which index.html
 * links.
 */
#ifndef LARDER_RUNPAGE_H
#define LARDER_RUNPAGE_H

#include "history.h"
#include "larder/buf.h"
#include "larder/error.h"
#include "session.h"

/* Appends the page; the steps of s must have been looked up. */
int runpage_write(struct session *s, const struct history *latest, struct buf *to,
                  struct error *err);

#endif
