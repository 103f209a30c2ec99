/*
 * steplog - what a step printed when it ran: an object of the store.
 */
#ifndef LARDER_STEPLOG_H
#define LARDER_STEPLOG_H

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/store.h"

enum { STEPLOG_FOUND = 0, STEPLOG_GONE = 1 };

/* Appends the whole log: STEPLOG_FOUND, STEPLOG_GONE or an error. */
int steplog_read(struct store *st, const struct digest *id, struct buf *to,
                 struct error *err);
/* The start of the last n lines of text; borrowed. */
const char *steplog_tail(const char *text, int n);

#endif
