/*
 * listener - an address of this machine at which clients may knock.
 */
#ifndef LARDER_LISTENER_H
#define LARDER_LISTENER_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/error.h"

struct listener {
    int fd;
    bool loopback;   /* only this machine reaches it */
    struct buf host; /* as a URL has it: a name, 10.0.0.1 or [::1]; where it is every
                        address of this machine, its name */
    int port;
};

/* "10.0.0.1:5273", "[::1]:5273", "localhost"; without a port that is standard_port, and 0
 * is any that is free. E_USAGE when it is no address; E_SYSTEM when it is taken. */
int listener_open(struct listener *l, const char *address, int standard_port,
                  struct error *err);
void listener_close(struct listener *l);

#endif
