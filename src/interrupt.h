/*
 * interrupt - the signals that a run listens to.
 *
 * SIGINT, SIGTERM and SIGHUP ask it to stop, SIGUSR1 asks how far it is, SIGCONT tells
 * that it was stopped (Ctrl-Z) and goes on. From open to
 * close they are blocked and arrive at a descriptor, like any other news. A SIGHUP that
 * we were started to ignore (nohup) stays ignored; a SIGINT does not, since shells do
 * that to whatever runs in the background.
 */
#ifndef LARDER_INTERRUPT_H
#define LARDER_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

#include "larder/error.h"

struct interrupts { /* all-zero: not open */
    bool open;
    int fd;          /* readable when one has arrived */
    sigset_t before; /* the mask */
    int n;           /* to stop, so far */
    int first;       /* of these, or 0 */
};

int interrupts_open(struct interrupts *i, struct error *err);
/* The next one that has arrived, or 0. Those to stop are counted. */
int interrupts_next(struct interrupts *i);
/* Whether one to stop has arrived and was not taken yet; for those who do something that
 * takes long and know of no run. */
bool interrupts_pending(void);
void interrupts_close(struct interrupts *i);

#endif
