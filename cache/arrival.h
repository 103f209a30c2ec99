/*
 * arrival - a file that somebody who need not be believed puts into a folder that is a
 * remote.
 *
 *   arrival_begin(&a, root, name, size, how, err); arrival_take(&a, ...) for all of it;
 *   arrival_finish(&a, err); arrival_release(&a);
 *
 * It gets its name only when it is what the name says. What is there already and whole is
 * never replaced; what is damaged is, when that is asked for (PUT_OVER).
 */
#ifndef LARDER_ARRIVAL_H
#define LARDER_ARRIVAL_H

#include <stdbool.h>

#include "landing.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "remote_name.h"

struct arrival { /* all-zero: nothing has begun */
    struct landing landing;
    struct remote_name name;
    char *text; /* of the name */
    enum remote_put how;
    long long size, had;
    struct hasher *hasher; /* of a name that is a digest */
    int there;             /* what is to be replaced, as a descriptor, or 0 */
    bool differs;          /* it has other bytes than those that came, or too many */
};

/* E_INPUT when it can never be right; REMOTE_THERE when the name is taken and nothing is
 * to be replaced; E_SYSTEM; else 0. root is borrowed. */
int arrival_begin(struct arrival *a, int root, const char *name, long long size,
                  enum remote_put how, struct error *err);
int arrival_take(struct arrival *a, const void *bytes, size_t n, struct error *err);
/* REMOTE_DONE, REMOTE_THERE, E_CORRUPT when it is not what its name says, E_SYSTEM. */
int arrival_finish(struct arrival *a, struct error *err);
void arrival_release(struct arrival *a);

#endif
