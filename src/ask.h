/*
 * ask - the answer of another program of the system, as `squeue`.
 */
#ifndef LARDER_ASK_H
#define LARDER_ASK_H

#include "larder/buf.h"
#include "larder/error.h"

/* Runs argv[0], found on PATH, and appends what it prints: *out to standard output, *said
 * to standard error; without input, killed after so many seconds. Its exit status, or an
 * error: E_SYSTEM where it cannot be started or took too long. It never takes longer than
 * a second more, even where the kernel keeps what was killed. */
int ask(const char *const argv[], int seconds, struct buf *out, struct buf *said,
        struct error *err);

#endif
